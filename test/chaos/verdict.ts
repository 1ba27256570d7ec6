/**
 * Owns the verdict: what was acknowledged, against what truly happened.
 * Promises that executions are counted from what commands left behind and results are compared with what they printed, and
 * that each offence names its command with its history.
 * Reads only.
 */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hasEnded } from '../../src/domain/state.ts';
import type { CommandView } from '../../src/domain/view.ts';
import { outputOf, type Sent, type SentCommand } from './workload.ts';
import type { World } from './world.ts';

/** Any of these breaks a promise. */
export const forbidden = [
	'lost',
	'overExecuted',
	'ranThoughUnstarted',
	'neverExecuted',
	'resultsMissing',
	'withoutFinalState',
	'brokenPromises',
	'eventsLost',
] as const;
const columns = ['commands', 'events', ...forbidden, 'eventsRepeated', 'interrupted'] as const;
type Column = (typeof columns)[number];

type Offence = { readonly column: Column; readonly handle: string; readonly why: string };
export type Verdict = {
	readonly counts: Readonly<Record<Column, number>>;
	readonly offences: readonly Offence[];
};

export async function judge(world: World, sent: Sent): Promise<Verdict> {
	const counts = Object.fromEntries(columns.map((column) => [column, 0])) as Record<Column, number>;
	const offences: Offence[] = [];
	const offend = (column: Column, handle: string, why: string) => {
		counts[column] += 1;
		offences.push({ column, handle, why });
	};
	counts.commands = sent.commands.length;
	counts.events = sent.events.length;
	const starts = await startsById(world);
	for (const command of sent.commands) {
		const view = await world.fleet.get(command.handle);
		const ran = starts.get(command.handle) ?? 0;
		if (!view) offend('lost', command.handle, 'nobody knows it');
		else judgeCommand(command, view, ran, sent, offend);
		if (view?.state === 'interrupted') counts.interrupted += 1;
	}
	for (const { ship, text } of sent.events) {
		const lines = await linesOf(join(ship.dataDir, 'logs', '_operator.log'));
		const times = lines.filter((line) => line === text).length;
		if (times === 0) offend('eventsLost', `${ship.name} ${text}`, 'no line in its log');
		if (times > 1) counts.eventsRepeated += 1;
	}
	return { counts, offences };
}

/** One command against the word of the ledger; `ran`: how often it started, by what it left behind. */
export function judgeCommand(
	command: SentCommand,
	view: CommandView,
	ran: number,
	sent: Sent,
	offend: (column: Column, handle: string, why: string) => void,
): void {
	const { handle, mostStarts } = command;
	const told = `${view.state}, ran ${ran} times; ${historyText(view)}`;
	if (!hasEnded(view)) return offend('withoutFinalState', handle, told);
	if (ran > mostStarts) offend('overExecuted', handle, `${told}; allowed ${mostStarts}`);
	const isUnstarted = view.startedAt === null || view.state === 'expired' || view.state === 'rejected';
	if (isUnstarted && ran > 0) offend('ranThoughUnstarted', handle, told);
	const saysItRan = view.state === 'succeeded' || view.state === 'failed' || view.state === 'timedOut';
	if (saysItRan && ran === 0) offend('neverExecuted', handle, told);
	if (view.state === 'succeeded' && view.result?.stdout?.head !== outputOf(command.id)) {
		offend('resultsMissing', handle, `${told}; its result: ${JSON.stringify(view.result)}`);
	}
	const cancel = sent.cancels.get(handle);
	const isKept =
		cancel === undefined ||
		(cancel === 'beforeStart' && view.state === 'cancelled' && ran === 0) ||
		(cancel === 'whileRunning' && view.state === 'cancelled') ||
		(cancel === 'tooLate' && view.state !== 'cancelled');
	if (!isKept) offend('brokenPromises', handle, `${told}; the answer to its cancel was ${cancel}`);
}

function historyText({ history }: CommandView): string {
	return history.map(({ state, at, by, note }) => `${at} ${state} by ${by} ${note}`.trim()).join(' → ');
}

/** Lines of all ships' effects, by handle: each start appends one. */
async function startsById(world: World): Promise<ReadonlyMap<string, number>> {
	const starts = new Map<string, number>();
	for (const { name, effects } of world.ships) {
		for (const line of await effects.words()) {
			const handle = `${name}.${line.split(' ')[0]}`;
			starts.set(handle, (starts.get(handle) ?? 0) + 1);
		}
	}
	return starts;
}

async function linesOf(path: string): Promise<readonly string[]> {
	try {
		return (await readFile(path, 'utf8')).split('\n');
	} catch {
		return [];
	}
}

export function tableText({ counts }: Verdict, more: Readonly<Record<string, string | number>>): string {
	const rows = [...columns.map((column) => [column, counts[column]] as const), ...Object.entries(more)];
	const width = Math.max(...rows.map(([name]) => name.length));
	return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join('\n');
}
