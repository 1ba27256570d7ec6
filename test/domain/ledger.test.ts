import { describe, expect, test } from 'vitest';
import {
	entryFor,
	foldClaim,
	foldReport,
	type LedgerEntry,
	ledgerEntrySchema,
} from '../../src/domain/ledger.ts';
import type { Attempt, AttemptOutcome } from '../../src/domain/result.ts';
import type { CommandEvent } from '../../src/domain/state.ts';
import {
	type CentreClaim,
	type CommandFacts,
	claimSchema,
	type NodeClaim,
	type Report,
	reportSchema,
} from '../../src/domain/wire.ts';

const handle = { node: 'ship1', id: 'c1' };
const facts: CommandFacts = {
	method: 'shellCommand',
	lane: 'normal',
	sender: '_operator',
	digest: 'digest',
	seq: 7,
	queuedAt: 1000,
	deliverWithinMs: 60_000,
};

type Statement = (entry: LedgerEntry | undefined) => LedgerEntry;

function nodeClaim(event: NodeClaim['event'], at: number, fault?: NodeClaim['fault']): Statement {
	const claim: NodeClaim = {
		v: 1,
		by: 'node',
		epoch: 'e1',
		boot: 'b1',
		machine: 'm1',
		event,
		at,
		facts,
		...(fault ? { fault } : {}),
	};
	expect(claimSchema.parse(claim)).toEqual(claim);
	return (entry) => foldClaim(handle, entry, claim);
}

function centreClaim(event: CentreClaim['event'], at: number): Statement {
	const claim: CentreClaim = {
		v: 1,
		by: 'centre',
		event,
		reason: 'an operator asked for it',
		actor: 'anna',
		at,
		facts,
		envelope: { any: 'thing' },
	};
	expect(claimSchema.parse(claim)).toEqual(claim);
	return (entry) => foldClaim(handle, entry, claim);
}

function report(
	n: number,
	event: CommandEvent,
	at: number,
	attempts: readonly Attempt[],
	more: Partial<Report> = {},
): Statement {
	const statement: Report = {
		v: 1,
		key: { epoch: 'e1', n },
		event,
		at,
		attempts: [...attempts],
		facts,
		...more,
	};
	expect(reportSchema.parse(statement)).toEqual(statement);
	return (entry) => foldReport(handle, entry, statement);
}

function attempt(number: number, startedAt: number, end?: { at: number; outcome: AttemptOutcome }): Attempt {
	return {
		attempt: number,
		startedAt,
		endedAt: end?.at ?? null,
		outcome: end?.outcome ?? null,
		exitCode: end ? (end.outcome === 'succeeded' ? 0 : 1) : null,
		signal: null,
		fault: null,
	};
}

const fault = { code: 'failed', message: 'exit code 1' };
const failedOnce = attempt(1, 2010, { at: 2900, outcome: 'failed' });
const failedTwice = attempt(2, 3900, { at: 4900, outcome: 'failed' });

/** The statements of one command each, in the order in which they were made. */
const stories: Record<string, { statements: Statement[]; end: Partial<LedgerEntry> }> = {
	'success at the first attempt': {
		statements: [
			nodeClaim('started', 2000),
			report(1, 'succeeded', 3000, [attempt(1, 2010, { at: 3000, outcome: 'succeeded' })]),
		],
		end: { state: 'succeeded', startedAt: 2010, endedAt: 3000, settledBy: 'e1:1', late: [], fault: null },
	},
	'two retries, then success': {
		statements: [
			nodeClaim('started', 2000),
			report(1, 'retryDue', 2900, [failedOnce], { nextAttemptAt: 3900, fault }),
			report(2, 'started', 3900, [failedOnce, attempt(2, 3900)]),
			report(3, 'retryDue', 4900, [failedOnce, failedTwice], { nextAttemptAt: 6900, fault }),
			report(4, 'started', 6900, [failedOnce, failedTwice, attempt(3, 6900)]),
			report(5, 'succeeded', 7000, [
				failedOnce,
				failedTwice,
				attempt(3, 6900, { at: 7000, outcome: 'succeeded' }),
			]),
		],
		end: {
			state: 'succeeded',
			startedAt: 2010,
			endedAt: 7000,
			nextAttemptAt: null,
			fault: null,
			settledBy: 'e1:5',
			late: [],
		},
	},
	'failed after its last attempt': {
		statements: [
			nodeClaim('started', 2000),
			report(1, 'retryDue', 2900, [failedOnce], { nextAttemptAt: 3900, fault }),
			report(2, 'started', 3900, [failedOnce, attempt(2, 3900)]),
			report(3, 'failed', 4900, [failedOnce, failedTwice], { fault }),
		],
		end: { state: 'failed', startedAt: 2010, endedAt: 4900, fault, late: [] },
	},
	'the node died while it ran': {
		statements: [
			nodeClaim('started', 2000),
			report(1, 'interrupted', 9000, [attempt(1, 2010, { at: 9000, outcome: 'interrupted' })], {
				fault: { code: 'interrupted', message: 'the node died while it ran' },
			}),
		],
		end: { state: 'interrupted', startedAt: 2010, endedAt: 9000, late: [] },
	},
	'run again after an interruption': {
		statements: [
			nodeClaim('started', 2000),
			report(1, 'retryDue', 2900, [attempt(1, 2010, { at: 2900, outcome: 'interrupted' })], {
				nextAttemptAt: 2900,
			}),
			report(2, 'started', 3900, [attempt(1, 2010, { at: 2900, outcome: 'interrupted' }), attempt(2, 3900)]),
			report(3, 'succeeded', 4000, [
				attempt(1, 2010, { at: 2900, outcome: 'interrupted' }),
				attempt(2, 3900, { at: 4000, outcome: 'succeeded' }),
			]),
		],
		end: { state: 'succeeded', endedAt: 4000, late: [] },
	},
	'refused by the node before it started': {
		statements: [nodeClaim('refused', 2000, { code: 'unknownMethod', message: 'no such method' })],
		end: {
			state: 'rejected',
			startedAt: null,
			endedAt: 2000,
			attempts: [],
			fault: { code: 'unknownMethod', message: 'no such method' },
			closed: null,
			late: [],
		},
	},
	'found expired by the node': {
		statements: [nodeClaim('expired', 61_001)],
		end: { state: 'expired', startedAt: null, endedAt: 61_001, attempts: [], late: [] },
	},
	'claimed, and refused before its method ran': {
		statements: [
			nodeClaim('started', 2000),
			report(1, 'refused', 3000, [], { fault: { code: 'unknownMethod', message: 'it is gone' } }),
		],
		end: { state: 'rejected', startedAt: null, endedAt: 3000, attempts: [], late: [] },
	},
	'the method went away between two attempts': {
		statements: [
			nodeClaim('started', 2000),
			report(1, 'retryDue', 2900, [failedOnce], { nextAttemptAt: 3900, fault }),
			report(2, 'refused', 3900, [failedOnce], { fault: { code: 'unknownMethod', message: 'it is gone' } }),
		],
		end: { state: 'rejected', startedAt: 2010, endedAt: 3900, nextAttemptAt: null, late: [] },
	},
	'cancelled while it ran': {
		statements: [
			nodeClaim('started', 2000),
			report(1, 'cancelled', 3000, [attempt(1, 2010, { at: 3000, outcome: 'cancelled' })]),
		],
		end: { state: 'cancelled', startedAt: 2010, endedAt: 3000, closed: null, late: [] },
	},
	'cancelled by the centre before it started': {
		statements: [centreClaim('cancelled', 5000)],
		end: {
			state: 'cancelled',
			startedAt: null,
			endedAt: 5000,
			closed: { reason: 'an operator asked for it', actor: 'anna' },
			late: [],
		},
	},
	'expired by the centre': {
		statements: [centreClaim('expired', 61_001)],
		end: { state: 'expired', startedAt: null, endedAt: 61_001, attempts: [], late: [] },
	},
};

function fold(statements: readonly Statement[], from?: LedgerEntry): LedgerEntry {
	let entry = from;
	for (const statement of statements) entry = statement(entry);
	if (!entry) throw new Error('a story has statements');
	return entry;
}

function* permutations<T>(items: readonly T[]): Generator<T[]> {
	if (items.length <= 1) yield [...items];
	for (const [index, item] of items.entries()) {
		const rest = [...items.slice(0, index), ...items.slice(index + 1)];
		for (const order of permutations(rest)) yield [item, ...order];
	}
}

/** Every order of the statements, each plain, with one of them said again at each later place, and all said twice. */
function* orders<T>(statements: readonly T[]): Generator<T[]> {
	for (const order of permutations(statements)) {
		yield order;
		yield [...order, ...order];
		for (const [index, statement] of order.entries()) {
			for (let at = index + 1; at <= order.length; at++) {
				yield [...order.slice(0, at), statement, ...order.slice(at)];
			}
		}
	}
}

describe.each(Object.entries(stories))('%s', (_, { statements, end }) => {
	const told = fold(statements);

	test('ends as it was told', () => {
		expect(told).toMatchObject(end);
		expect(ledgerEntrySchema.parse(told)).toEqual(told);
	});

	test('any order and repetition of its statements ends the same', { timeout: 30_000 }, () => {
		const expected = JSON.stringify(sorted(told));
		for (const order of orders(statements)) {
			const entry = fold(order);
			// Compared as text: thousands of orders, and only a difference is worth a readable report.
			if (JSON.stringify(sorted(entry)) !== expected) expect(entry).toEqual(told);
		}
	});

	test('nothing of it is news once it has ended', () => {
		for (const statement of statements) expect(statement(told)).toBe(told);
	});
});

function sorted(value: unknown): unknown {
	if (Array.isArray(value)) return value.map(sorted);
	if (typeof value !== 'object' || value === null) return value;
	return Object.fromEntries(
		Object.entries(value)
			.sort(([a], [b]) => (a < b ? -1 : 1))
			.map(([key, field]) => [key, sorted(field)]),
	);
}

describe('while it goes on', () => {
	test('an entry begins as what is known of the stored message', () => {
		expect(entryFor(handle, facts)).toMatchObject({
			...handle,
			state: 'queued',
			queuedAt: 1000,
			deadlineAt: 61_000,
			startedAt: null,
			attempts: [],
		});
		expect(entryFor(handle, { ...facts, deliverWithinMs: null }).deadlineAt).toBeNull();
	});

	test('the claim is the running report', () => {
		expect(fold([nodeClaim('started', 2000)])).toMatchObject({
			state: 'running',
			startedAt: 2000,
			endedAt: null,
			settledBy: null,
			attempts: [{ attempt: 1, startedAt: 2000, endedAt: null, outcome: null }],
		});
	});

	test('a retry says when the next attempt is due, and the next start takes it back', () => {
		const statements = stories['two retries, then success']?.statements ?? [];
		expect(fold(statements.slice(0, 2))).toMatchObject({
			state: 'retrying',
			nextAttemptAt: 3900,
			endedAt: null,
			fault,
		});
		expect(fold(statements.slice(0, 3))).toMatchObject({
			state: 'running',
			nextAttemptAt: null,
			fault: null,
			startedAt: 2010,
		});
	});

	test('a report that overtakes its claim is believed, and the claim adds nothing', () => {
		const [claim, , , ...rest] = stories['two retries, then success']?.statements ?? [];
		const overtaken = fold(rest.slice(0, 1));
		expect(overtaken).toMatchObject({ state: 'retrying', startedAt: 2010, nextAttemptAt: 6900 });
		expect(claim?.(overtaken)).toBe(overtaken);
	});

	test('what is said again is the same entry, so that nothing is written', () => {
		const statements = stories['two retries, then success']?.statements ?? [];
		for (let length = 1; length < statements.length; length++) {
			const entry = fold(statements.slice(0, length));
			for (const statement of statements.slice(0, length)) expect(statement(entry)).toBe(entry);
		}
	});

	test('a deadline that passes after the start changes nothing', () => {
		const running = fold([nodeClaim('started', 2000)]);
		expect(centreClaim('expired', 61_001)(running)).toBe(running);
	});
});

describe('after its end', () => {
	const closed = fold([centreClaim('cancelled', 5000)]);
	const outcome = (n: number, at: number) =>
		report(n, 'failed', at, [attempt(1, 2010, { at, outcome: 'failed' })], { fault });

	test('an outcome is kept beside the final state', () => {
		const late = fold([outcome(3, 9000)], closed);
		expect(late).toEqual({ ...closed, late: [{ event: 'failed', at: 9000, key: 'e1:3' }] });
	});

	test('a late start is no news', () => {
		expect(report(3, 'started', 9000, [failedOnce, attempt(2, 9000)])(closed)).toBe(closed);
		expect(nodeClaim('started', 9000)(closed)).toBe(closed);
	});

	test('the outcome of a lost command is kept, however far the ledger knew its attempts', () => {
		const claim = nodeClaim('started', 2000);
		const retry = report(1, 'retryDue', 2900, [failedOnce], { nextAttemptAt: 3900, fault });
		const lostWhileRunning = fold([claim, report(9, 'unheard', 8000, [attempt(1, 2000)])]);
		const lostWhileRetrying = fold([claim, retry, report(9, 'unheard', 8000, [failedOnce])]);
		const gone = report(2, 'refused', 9000, [failedOnce], { fault });
		for (const lost of [lostWhileRunning, lostWhileRetrying]) {
			expect(lost).toMatchObject({ state: 'lost', endedAt: 8000, late: [] });
			expect(gone(lost)).toMatchObject({ state: 'lost', late: [{ event: 'refused', at: 9000 }] });
		}
	});

	test('the settling report is not late when it comes again, also under a new number of the outbox', () => {
		for (const attempts of [[], [failedOnce]]) {
			const settled = fold([nodeClaim('started', 2000), report(4, 'refused', 3000, attempts, { fault })]);
			expect(report(4, 'refused', 3000, attempts, { fault })(settled)).toBe(settled);
			expect(report(8, 'refused', 3000, attempts, { fault })(settled)).toBe(settled);
		}
	});

	test('a late outcome that is said again, also under a new number, is kept once', () => {
		const late = fold([outcome(3, 9000)], closed);
		expect(outcome(3, 9000)(late)).toBe(late);
		expect(outcome(5, 9000)(late)).toBe(late);
	});

	test('the newest eight are kept, in any order of their coming, and what fell out stays out', () => {
		const outcomes = Array.from({ length: 12 }, (_, index) => outcome(index + 1, 9000 + index));
		const told = fold(outcomes, closed);
		expect(told.late.map(({ at }) => at)).toEqual([9004, 9005, 9006, 9007, 9008, 9009, 9010, 9011]);
		expect(fold([...outcomes].reverse(), closed)).toEqual(told);
		expect(fold([...outcomes.slice(6), ...outcomes.slice(0, 9)], closed)).toEqual(told);
		for (const statement of outcomes) expect(statement(told)).toBe(told);
	});

	test('any order and repetition of what is late ends the same', () => {
		const late = [
			outcome(3, 9000),
			report(4, 'retryDue', 9500, [failedOnce], { nextAttemptAt: 9900 }),
			report(5, 'interrupted', 9500, [failedOnce, attempt(2, 9400, { at: 9500, outcome: 'interrupted' })]),
		];
		const told = fold(late, closed);
		expect(told.late).toHaveLength(3);
		for (const order of orders(late)) expect(fold(order, closed)).toEqual(told);
	});
});
