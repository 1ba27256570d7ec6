import { expect, test } from 'vitest';
import { entryFor } from '../../src/domain/ledger.ts';
import { emptyResult } from '../../src/domain/result.ts';
import type { CommandState } from '../../src/domain/state.ts';
import { type CommandView, ledgerView } from '../../src/domain/view.ts';
import { judgeCommand, judgeWitnesses, wentWithStore } from './verdict.ts';
import { nothingSent, outputOf, type SentCommand } from './workload.ts';
import type { Ship } from './world.ts';

/** A ship with whatever happened to its stores. */
const shipWith = (storeLostAt: number[] = [], nameSharedAt: number[] = []) =>
	({ name: 'ship0', storeLostAt, nameSharedAt }) as unknown as Ship;

function sentCommand(more: Partial<SentCommand> = {}): SentCommand {
	return {
		...{ handle: 'ship0.c1', id: 'c1', kind: 'succeeds', mostStarts: 1, ship: shipWith() },
		accepted: { by: 'broker', at: 1000 },
		...more,
	};
}
const command = sentCommand();

function view(state: CommandState, out: string | null, startedAt: number | null = 2000): CommandView {
	const facts = {
		method: 'm',
		lane: 'normal',
		sender: 's',
		digest: 'd',
		seq: 1,
		queuedAt: 1000,
		deliverWithinMs: null,
	} as const;
	const entry = { ...entryFor({ node: 'ship0', id: 'c1' }, facts), state, startedAt, endedAt: 3000 };
	const stdout =
		out === null
			? null
			: { head: out, tail: '', bytes: out.length, sha256: '', encoding: 'utf8' as const, cut: 0 };
	return ledgerView(entry, { ...emptyResult, exitCode: 0, stdout });
}

function offences(
	told: CommandView,
	ran: number,
	cancel?: 'beforeStart' | 'whileRunning' | 'tooLate',
	of = command,
): string[] {
	const sent = nothingSent();
	if (cancel) sent.cancels.set(command.handle, cancel);
	const seen: string[] = [];
	judgeCommand(of, told, ran, sent, (column) => seen.push(column));
	return seen;
}

const good = outputOf('c1');

test.each([
	['all is well', view('succeeded', good), 1, undefined, []],
	['it ran twice', view('succeeded', good), 2, undefined, ['overExecuted']],
	['it never ran', view('succeeded', good), 0, undefined, ['neverExecuted']],
	['its result is gone', view('succeeded', null), 1, undefined, ['resultsMissing']],
	['its result is cut', view('succeeded', 'out'), 1, undefined, ['resultsMissing']],
	['it has no end', view('running', null), 1, undefined, ['withoutFinalState']],
	['it expired and ran', view('expired', null, null), 1, undefined, ['ranThoughUnstarted']],
	[
		'it was cancelled unstarted and ran',
		view('cancelled', null, null),
		1,
		'beforeStart',
		['ranThoughUnstarted', 'brokenPromises'],
	],
	['it was called cancelled and succeeded', view('succeeded', good), 1, 'whileRunning', ['brokenPromises']],
	['it was too late, and it was cancelled', view('cancelled', null), 1, 'tooLate', ['brokenPromises']],
	['its outcome is unknown', view('interrupted', null), 0, undefined, []],
] as const)('the verdict sees that %s', (_, told, ran, cancel, expected) => {
	expect(offences(told, ran, cancel)).toEqual(expected);
});

test('another store of the ship excuses more starts of rerun commands, and no second start of the others', () => {
	const rerun = sentCommand({ mostStarts: 4, ship: shipWith([5000]) });
	expect(offences(view('interrupted', null), 8, undefined, rerun)).toEqual([]);
	expect(offences(view('interrupted', null), 9, undefined, rerun)).toEqual(['overExecuted']);
	const report = sentCommand({ ship: shipWith([5000], [6000]) });
	expect(offences(view('interrupted', null), 2, undefined, report)).toEqual(['overExecuted']);
});

test.each([
	['all is well', 0, 'succeeded', []],
	['it ran beside itself', 1, 'succeeded', ['ranBesideItself']],
	['the ledger still says running', 0, 'running', ['notInLedger']],
	['the ledger does not know it', 0, undefined, ['notInLedger']],
	['the ledger says something else', 0, 'interrupted', ['notInLedger']],
] as const)('the witnesses see that %s', (_, together, ledger, expected) => {
	const seen: string[] = [];
	judgeWitnesses(command, view('succeeded', good), { together, ledger }, (column) => seen.push(column));
	expect(seen).toEqual(expected);
});

test('what has not ended need not be final in the ledger, and what a lost store left behind may run on', () => {
	const seen: string[] = [];
	const offend = (column: string) => seen.push(column);
	judgeWitnesses(command, view('running', null), { together: 0, ledger: undefined }, offend);
	const ofLostStore = sentCommand({ ship: shipWith([5000]) });
	judgeWitnesses(ofLostStore, view('succeeded', good), { together: 1, ledger: 'succeeded' }, offend);
	expect(seen).toEqual([]);
});

test('lost is a broken promise, unless the ship lost its store or shared its name', () => {
	expect(offences(view('lost', null), 1)).toEqual(['calledLost']);
	expect(offences(view('lost', null), 1, undefined, sentCommand({ ship: shipWith([], [6000]) }))).toEqual([]);
});

test('what a node alone knew is gone with its store, and nothing else is', () => {
	expect(wentWithStore({ by: 'broker', at: 1000 })).toBe(false);
	expect(wentWithStore({ by: shipWith([999]), at: 1000 })).toBe(false);
	expect(wentWithStore({ by: shipWith([], [2000]), at: 1000 })).toBe(false);
	expect(wentWithStore({ by: shipWith([999, 2000]), at: 1000 })).toBe(true);
});
