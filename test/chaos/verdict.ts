/**
 * Owns the verdict: what was acknowledged, against what truly happened.
 * Promises that executions are counted from what commands left behind and results are compared with what they printed, and
 * that each offence names its command with its history.
 * Reads only.
 */

import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { hasEnded } from '../../src/domain/state.ts';
import type { CommandView } from '../../src/domain/view.ts';
import { LedgerStore } from '../../src/jetstream/ledger-store.ts';
import { type Acceptance, outputOf, type Sent, type SentCommand, togetherWord } from './workload.ts';
import type { Ship, World } from './world.ts';

/** Any of these breaks a promise. */
export const forbidden = [
	'lost',
	'overExecuted',
	'ranBesideItself',
	'ranThoughUnstarted',
	'neverExecuted',
	'resultsMissing',
	'withoutFinalState',
	'notInLedger',
	'calledLost',
	'brokenPromises',
	'eventsLost',
] as const;
const columns = [
	...['commands', 'sentByNodes', 'events', 'executions'],
	...forbidden,
	// What a node alone knew when its store was torn or removed is gone, and nobody promised otherwise.
	...['goneWithStore', 'eventsRepeated', 'interrupted'],
] as const;
type Column = (typeof columns)[number];

type Offence = { readonly column: Column; readonly handle: string; readonly why: string };
export type Verdict = {
	readonly counts: Readonly<Record<Column, number>>;
	readonly offences: readonly Offence[];
};

const atOnce = 16;

/** `ledgerWithinMs`: how far the ledger may be behind what a view tells. */
export async function judge(world: World, sent: Sent, ledgerWithinMs: number): Promise<Verdict> {
	const counts = Object.fromEntries(columns.map((column) => [column, 0])) as Record<Column, number>;
	const offences: Offence[] = [];
	const offend = (column: Column, handle: string, why: string) => {
		counts[column] += 1;
		offences.push({ column, handle, why });
	};
	counts.commands = sent.commands.length;
	counts.events = sent.events.length;
	counts.sentByNodes = [...sent.commands, ...sent.events].filter(
		({ accepted }) => accepted.by !== 'broker',
	).length;
	const starts = await startsById(world);
	counts.executions = [...starts]
		.filter(([handle]) => !handle.includes(togetherWord('')))
		.reduce((sum, [, times]) => sum + times, 0);
	const writtenState = ledgerOf(world, performance.now() + ledgerWithinMs);
	const judgeOne = async (command: SentCommand) => {
		const view = await world.fleet.get(command.handle);
		if (view?.state === 'interrupted') counts.interrupted += 1;
		if (!view) {
			if (wentWithStore(command.accepted)) counts.goneWithStore += 1;
			else offend('lost', command.handle, 'nobody knows it');
			return;
		}
		judgeCommand(command, view, starts.get(command.handle) ?? 0, sent, offend);
		const together = starts.get(`${command.ship.name}.${togetherWord(command.id)}`) ?? 0;
		const ledger = hasEnded(view) ? await writtenState(view) : undefined;
		judgeWitnesses(command, view, { together, ledger }, offend);
	};
	for (let at = 0; at < sent.commands.length; at += atOnce) {
		await Promise.all(sent.commands.slice(at, at + atOnce).map(judgeOne));
	}
	const logged = await loggedTexts(world);
	for (const { ship, text, accepted } of sent.events) {
		const times = logged.get(`${ship.name} ${text}`) ?? 0;
		if (times > 1) counts.eventsRepeated += 1;
		if (times > 0) continue;
		if (wentWithStore(accepted)) counts.goneWithStore += 1;
		else offend('eventsLost', `${ship.name} ${text}`, 'no line in any log of its ship');
	}
	return { counts, offences };
}

/** Taken on by a node whose store was lost afterwards, perhaps before it could pass it on. */
export function wentWithStore({ by, at }: Acceptance): boolean {
	return by !== 'broker' && by.storeLostAt.some((lostAt) => lostAt >= at);
}

/** Stores that worked under this name, beside the one that it began with. */
function otherStoresOf({ storeLostAt, nameSharedAt }: Ship): number {
	return storeLostAt.length + nameSharedAt.length;
}

/** One command against the word of the ledger; `ran`: how often it started, by what it left behind. */
export function judgeCommand(
	command: SentCommand,
	view: CommandView,
	ran: number,
	sent: Sent,
	offend: (column: Column, handle: string, why: string) => void,
): void {
	const { handle, ship } = command;
	const told = `${view.state}, ran ${ran} times; ${historyText(view)}`;
	if (!hasEnded(view)) return offend('withoutFinalState', handle, told);
	// A store counts the starts of its own node: `rerun` may start again on another, `report` never.
	const stores = otherStoresOf(ship);
	const mostStarts = command.mostStarts === 1 ? 1 : command.mostStarts * (1 + stores);
	if (ran > mostStarts) offend('overExecuted', handle, `${told}; allowed ${mostStarts}`);
	const isUnstarted = view.startedAt === null || view.state === 'expired' || view.state === 'rejected';
	if (isUnstarted && ran > 0) offend('ranThoughUnstarted', handle, told);
	// One that was ended by a signal may not have come to its first line.
	const hasEndedByItself = view.state === 'succeeded' || view.state === 'failed';
	const saysItRan = hasEndedByItself && view.result?.exitCode !== null;
	if (saysItRan && ran === 0) offend('neverExecuted', handle, told);
	if (view.state === 'succeeded' && view.result?.stdout?.head !== outputOf(command.id)) {
		offend('resultsMissing', handle, `${told}; its result: ${JSON.stringify(view.result)}`);
	}
	if (view.state === 'lost' && stores === 0) offend('calledLost', handle, told);
	const cancel = sent.cancels.get(handle);
	const isKept =
		cancel === undefined ||
		(cancel === 'beforeStart' && view.state === 'cancelled' && ran === 0) ||
		(cancel === 'whileRunning' && view.state === 'cancelled') ||
		(cancel === 'tooLate' && view.state !== 'cancelled');
	if (!isKept) offend('brokenPromises', handle, `${told}; the answer to its cancel was ${cancel}`);
}

/** What a view does not tell: what the system and the ledger itself say. */
export function judgeWitnesses(
	{ handle, ship }: SentCommand,
	view: CommandView,
	{ together, ledger }: { readonly together: number; readonly ledger: string | undefined },
	offend: (column: Column, handle: string, why: string) => void,
): void {
	// What is left of a node whose store is gone, or of a namesake on another machine, nobody can end.
	if (together > 0 && otherStoresOf(ship) === 0) {
		offend('ranBesideItself', handle, `${together} times; ${view.state}; ${historyText(view)}`);
	}
	// A report counts for whoever asks, and is swept away once it was acknowledged.
	if (hasEnded(view) && ledger !== view.state) {
		offend('notInLedger', handle, `${view.state}, and the ledger says ${ledger}; ${historyText(view)}`);
	}
}

/** What the ledger alone says of what has ended: asked again while a centre may still be behind. */
function ledgerOf({ raw }: World, deadline: number): (view: CommandView) => Promise<string | undefined> {
	const ledger = new LedgerStore(raw.connection);
	return async ({ node, id, state }) => {
		for (;;) {
			const written = (await ledger.read({ node, id }))?.entry.state;
			if (written === state || performance.now() > deadline) return written;
			await pause(100);
		}
	};
}

function historyText({ history }: CommandView): string {
	return history.map(({ state, at, by, note }) => `${at} ${state} by ${by} ${note}`.trim()).join(' → ');
}

/** Lines of all ships' effects, by handle: each start appends one. */
async function startsById(world: World): Promise<ReadonlyMap<string, number>> {
	const starts = new Map<string, number>();
	for (const { name, effects } of world.ships) {
		for (const line of await effects.words()) count(starts, `${name}.${line.split(' ')[0]}`);
	}
	return starts;
}

/** Lines of all logs of all ships, by ship and text. */
async function loggedTexts(world: World): Promise<ReadonlyMap<string, number>> {
	const logged = new Map<string, number>();
	for (const { name, folders } of world.ships) {
		for (const folder of folders) {
			for (const line of await linesIn(join(folder, 'logs'))) count(logged, `${name} ${line}`);
		}
	}
	return logged;
}

function count(counts: Map<string, number>, name: string): void {
	counts.set(name, (counts.get(name) ?? 0) + 1);
}

/** Of all files of a folder; none where there is no folder. */
async function linesIn(folder: string): Promise<readonly string[]> {
	const names = await readdir(folder).catch(() => []);
	const texts = await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')));
	return texts.flatMap((text) => text.split('\n'));
}

export function tableText({ counts }: Verdict, more: Readonly<Record<string, string | number>>): string {
	const rows = [...columns.map((column) => [column, counts[column]] as const), ...Object.entries(more)];
	const width = Math.max(...rows.map(([name]) => name.length));
	return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join('\n');
}
