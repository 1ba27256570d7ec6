/**
 * Owns how it reads that a node holds back or goes on: what it answered, what it will do when it is back, what still runs.
 * Promises that text from nodes is neutralised, and that nothing is called done which its node has not answered.
 * Pure.
 */

import { formatDuration } from '../../base/duration.ts';
import { oneLine } from '../../base/text.ts';
import type { StillRuns } from '../../client/idle.ts';
import { readAnswer } from '../../domain/control.ts';
import type { Receipt } from '../../domain/view.ts';
import type { Cli } from '../cli.ts';
import { endedLine } from './command.ts';
import type { Screen } from './screen.ts';
import { timeWithAgo } from './time.ts';

/** What a node did, in its own words; how the command ended where that was not well. */
export function answerLine(receipt: Receipt, screen: Screen): string {
	const text = receipt.state === 'succeeded' ? doneText(receipt) : undefined;
	if (!text) return endedLine(receipt, screen);
	const [word, ...facts] = text;
	return [screen.paint('green', word), screen.paint('bold', receipt.node), ...facts]
		.filter((part) => part !== '')
		.join('  ');
}

function doneText({ node, method, result }: Receipt): [string, ...string[]] | undefined {
	const value = result?.value;
	switch (method) {
		case 'pause': {
			const answer = readAnswer('pause', value);
			return answer && ['paused', `lanes ${answer.paused.join(', ')}`, runningText(node, answer.running)];
		}
		case 'resume': {
			const answer = readAnswer('resume', value);
			if (!answer) return undefined;
			const { lanes, methods } = answer;
			if (lanes.length + methods.length === 0) return ['resumed', 'nothing was paused or stopped there'];
			const what = [
				lanes.length > 0 && `lanes ${lanes.join(', ')}`,
				methods.length > 0 && `methods ${oneLine(methods.join(', '))}`,
			];
			return ['resumed', what.filter(Boolean).join('; ')];
		}
		case 'drain': {
			const answer = readAnswer('drain', value);
			return answer && ['draining', runningText(node, answer.running)];
		}
		case 'stop': {
			const answer = readAnswer('stop', value);
			return answer && ['stopped', oneLine(answer.stopped), runningText(node, answer.running)];
		}
		default:
			return undefined;
	}
}

const mostNamed = 3;

function runningText(node: string, ids: readonly string[]): string {
	if (ids.length === 0) return '';
	const some = ids.slice(0, mostNamed).map((id) => `${node}.${oneLine(id)}`);
	return `(${countText(ids.length, 'still runs', 'still run')}: ${some.join(', ')}${ids.length > mostNamed ? ', …' : ''})`;
}

function countText(count: number, one: string, many: string): string {
	return `${count} ${count === 1 ? one : many}`;
}

/** A wish that its node has not heard of yet. */
export function waitingLine({ stdout, clock }: Pick<Cli, 'stdout' | 'clock'>, receipt: Receipt): string {
	const { handle, node, presence, deadline } = receipt;
	const since = presence.since === null ? '' : ` since ${timeWithAgo(presence.since, clock.now())}`;
	const when = {
		present: `${node} is present and has not answered yet`,
		absent: `it takes effect when ${node} is back (absent${since})`,
		never: `it takes effect when ${node} connects for the first time`,
		unknown: `it takes effect when ${node} takes it (no centre${since || ' watches'} who is there)`,
	}[presence.status];
	const until = deadline === null ? '' : `, and not at all after ${deadline}`;
	return `${stdout.paint('cyan', 'queued')}  ${stdout.paint('bold', handle)}  ${when}${until}`;
}

/** `2 still run on ship1: ship1.01… (3m of 10m), ship1.02… (10s)` */
export function stillRunsText(node: string, { commands, events, presence }: StillRuns): string {
	const times = commands.slice(0, mostNamed).map(({ handle, ranForMs, runForMs }) => {
		const limit = runForMs === null ? '' : ` of ${formatDuration(runForMs)}`;
		return `${oneLine(handle)} (${formatDuration(ranForMs)}${limit})`;
	});
	if (commands.length > mostNamed) times.push('…');
	if (events > 0) times.push(countText(events, 'event', 'events'));
	const absent = presence.status === 'absent' ? `; ${node} is absent since ${presence.since}` : '';
	const count = commands.length + events;
	if (count === 0) return `${node} has not said yet that nothing runs${absent}`;
	return `${countText(count, 'still runs', 'still run')} on ${node}: ${times.join(', ')}${absent}`;
}
