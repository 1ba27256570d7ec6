/**
 * Owns how one change is told in one line: when, what became what, and why.
 * Promises columns that stand below each other, and that text from nodes is neutralised.
 * Pure.
 */

import { oneLine } from '../../base/text.ts';
import type { NodeChange } from '../../client/watch-nodes.ts';
import { commandStates } from '../../domain/state.ts';
import type { CommandView } from '../../domain/view.ts';
import { note } from './command.ts';
import type { Screen } from './screen.ts';
import { stateStyle } from './states.ts';
import { ago, took } from './time.ts';

const stateWidth = Math.max(...commandStates.map((state) => state.length));
/** What happened longer ago than this says so: a ship brings its outcomes home. */
const oldMs = 60_000;

/** `10:23:45  succeeded    ship1.01J…  shellCommand  exit 0 in 1.2s` */
export function commandLine(view: CommandView, screen: Screen, nowMs: number, time: string): string {
	const happenedAt = view.history.at(-1)?.at;
	const facts = [
		note(view, nowMs),
		view.endedAt && view.startedAt && `in ${took(view.startedAt, view.endedAt)}`,
		view.attempt > 1 && `attempt ${view.attempt}`,
		happenedAt && nowMs - Date.parse(happenedAt) > oldMs && `happened ${ago(happenedAt, nowMs)}`,
	].filter(Boolean);
	return line(screen, time, view.state, stateStyle(view.state), [
		view.handle,
		oneLine(view.method),
		facts.join(', '),
	]);
}

/** `10:23:45  absent       ship1` */
export function nodeLine({ node, presence }: NodeChange, screen: Screen, time: string): string {
	return line(screen, time, presence, presence === 'present' ? 'green' : 'yellow', [node]);
}

function line(
	screen: Screen,
	time: string,
	state: string,
	style: Parameters<Screen['paint']>[0],
	rest: readonly string[],
): string {
	const padding = ' '.repeat(Math.max(0, stateWidth - state.length));
	return [screen.paint('dim', time), screen.paint(style, state) + padding, ...rest].join('  ').trimEnd();
}
