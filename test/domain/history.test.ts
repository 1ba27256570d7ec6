import { expect, test } from 'vitest';
import { historyOf } from '../../src/domain/history.ts';
import {
	entryFor,
	foldClaim,
	foldLost,
	foldReport,
	type LedgerEntry,
	lostAt,
} from '../../src/domain/ledger.ts';
import { commandDefaults } from '../../src/domain/policy.ts';
import type { Attempt } from '../../src/domain/result.ts';
import type { Claim, CommandFacts, Report } from '../../src/domain/wire.ts';

const handle = { node: 'ship1', id: 'c1' };
const facts: CommandFacts = {
	...{
		method: 'm',
		lane: 'normal',
		sender: 'central',
		digest: 'd',
		seq: 7,
		queuedAt: 100,
		deliverWithinMs: null,
	},
	lineage: { kind: 'retry', of: 'ship1.c0' },
};
const claim: Claim = {
	...{ v: 1, by: 'node', epoch: 'e', boot: 'b', machine: 'm', event: 'started', at: 200 },
	facts,
};

function failed(attempt: number, startedAt: number, endedAt: number): Attempt {
	return { attempt, startedAt, endedAt, outcome: 'failed', exitCode: 3, signal: null, fault: null };
}

function report(event: Report['event'], at: number, attempts: Attempt[], more: Partial<Report> = {}): Report {
	return { v: 1, key: { epoch: 'e', n: at }, event, at, attempts, facts, ...more };
}

const told = (entry: LedgerEntry) =>
	historyOf(entry).map(({ state, at, by, note, late }) => [state, at, by, note, late].join(' | '));

const retryDue = report('retryDue', 300, [failed(1, 200, 300)], { nextAttemptAt: 400 });
const open: Attempt = { ...failed(2, 400, 0), endedAt: null, outcome: null, exitCode: null };
const started = report('started', 400, [failed(1, 200, 300), open]);
const end = report('failed', 500, [failed(1, 200, 300), failed(2, 400, 500)]);

test('each state with its time, its author and why, whatever order the statements came in', () => {
	const inOrder = [retryDue, started, end].reduce<LedgerEntry>(
		(entry, said) => foldReport(handle, entry, said),
		foldClaim(handle, undefined, claim),
	);
	expect(told(inOrder)).toEqual([
		'queued | 100 | central | retry of ship1.c0 | false',
		'running | 200 | ship1 | attempt 1 | false',
		'retrying | 300 | ship1 | attempt 1 failed, exit 3 | false',
		'running | 400 | ship1 | attempt 2 | false',
		'failed | 500 | ship1 |  | false',
	]);
	const reversed = [end, started, retryDue].reduce<LedgerEntry>(
		(entry, said) => foldReport(handle, entry, said),
		entryFor(handle, facts),
	);
	expect(told(foldClaim(handle, reversed, claim))).toEqual(told(inOrder));
});

test('called off between two attempts, by whom', () => {
	const waiting = foldReport(handle, foldClaim(handle, undefined, claim), retryDue);
	expect(told(waiting).at(-1)).toBe('retrying | 300 | ship1 | attempt 1 failed, exit 3 | false');
	const closed = { reason: 'enough', actor: 'anna' };
	const cancelled = report('cancelled', 350, [failed(1, 200, 300)], { closed });
	expect(told(foldReport(handle, waiting, cancelled)).slice(-2)).toEqual([
		'retrying | 300 | ship1 | attempt 1 failed, exit 3 | false',
		'cancelled | 350 | anna | enough | false',
	]);
});

test('cancelled while it ran, also where the end was written down a moment after the attempt', () => {
	const closed = { reason: 'enough', actor: 'anna' };
	const ended: Attempt = { ...failed(1, 200, 300), outcome: 'cancelled', exitCode: null };
	const entry = foldReport(handle, undefined, report('cancelled', 301, [ended], { closed }));
	expect(told(entry).slice(1)).toEqual([
		'running | 200 | ship1 | attempt 1 | false',
		'cancelled | 301 | anna | enough | false',
	]);
});

test('refused for another attempt', () => {
	const fault = { code: 'unknownMethod', message: 'no such method' };
	const entry = foldReport(handle, undefined, report('refused', 400, [failed(1, 200, 300)], { fault }));
	expect(told(entry).slice(1)).toEqual([
		'running | 200 | ship1 | attempt 1 | false',
		'retrying | 300 | ship1 | attempt 1 failed, exit 3 | false',
		'rejected | 400 | ship1 | no such method | false',
	]);
});

test('lost, and what came too late', () => {
	const running = foldClaim(handle, undefined, claim);
	const { runForMs, patienceMs } = commandDefaults;
	expect(lostAt(running)).toBe(200 + runForMs + patienceMs);
	expect(lostAt({ ...running, runForMs: 10, patienceMs: 20 })).toBe(230);
	expect(lostAt({ ...running, runForMs: 10, patienceMs: 20, state: 'retrying', nextAttemptAt: 900 })).toBe(
		930,
	);
	expect(lostAt(entryFor(handle, facts))).toBeNull();
	const lost = foldLost(running, 230);
	expect(lost).toMatchObject({ state: 'lost', endedAt: 230, closed: { actor: 'central' } });
	expect(foldLost(lost, 240)).toBe(lost);
	const late = foldReport(handle, lost, report('succeeded', 250, [failed(1, 200, 250)]));
	expect(told(late).slice(-2)).toEqual([
		'lost | 230 | central | its node said nothing of it for longer than its patience | false',
		'succeeded | 250 | ship1 | it came too late to count | true',
	]);
});

test('attempts that are not kept are told of', () => {
	const attempts = [failed(1, 200, 300), failed(40, 900, 950)];
	const entry = foldReport(handle, undefined, report('failed', 950, attempts));
	expect(told(entry)[3]).toBe('running | 900 | ship1 | attempt 40, 2 to 39 are not kept | false');
});
