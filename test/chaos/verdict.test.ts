import { expect, test } from 'vitest';
import { entryFor } from '../../src/domain/ledger.ts';
import { emptyResult } from '../../src/domain/result.ts';
import type { CommandState } from '../../src/domain/state.ts';
import { type CommandView, ledgerView } from '../../src/domain/view.ts';
import { judgeCommand } from './verdict.ts';
import { nothingSent, outputOf, type SentCommand } from './workload.ts';

const command = {
	...{ handle: 'ship0.c1', id: 'c1', kind: 'succeeds', mostStarts: 1 },
	ship: undefined,
} as unknown as SentCommand;

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
): string[] {
	const sent = nothingSent();
	if (cancel) sent.cancels.set(command.handle, cancel);
	const seen: string[] = [];
	judgeCommand(command, told, ran, sent, (column) => seen.push(column));
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
