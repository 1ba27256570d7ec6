import { describe, expect, test } from 'vitest';
import { type Backoff, backoffMs, defaultBackoff } from '../../src/base/backoff.ts';
import {
	decide,
	type FaultKind,
	faultKinds,
	isReported,
	rules,
	type Verdict,
} from '../../src/supervision/error-kernel.ts';

const steady = () => 0;
const backoff: Backoff = { kind: 'fixed', initialMs: 700, capMs: 10_000, jitter: 0 };
const retry: Verdict = { verdict: 'retry', afterMs: 700 };
const settle = (state: 'failed' | 'timedOut'): Verdict => ({ verdict: 'settle', state });
const restart = (command: Verdict): Verdict => ({ verdict: 'restart', command });

/** The table of faults, row by row, as an operator knows it: with attempts left, and with none left. */
const table: Record<FaultKind, { severity: string; left: Verdict; none: Verdict; reported: boolean }> = {
	failed: { severity: 'info', left: retry, none: settle('failed'), reported: false },
	retryAsked: { severity: 'info', left: retry, none: settle('failed'), reported: false },
	runForPassed: { severity: 'warning', left: retry, none: settle('timedOut'), reported: false },
	threw: { severity: 'error', left: retry, none: settle('failed'), reported: true },
	undecodable: {
		severity: 'error',
		left: { verdict: 'reject' },
		none: { verdict: 'reject' },
		reported: true,
	},
	unknownMethod: {
		severity: 'error',
		left: { verdict: 'reject' },
		none: { verdict: 'reject' },
		reported: true,
	},
	badData: { severity: 'error', left: { verdict: 'reject' }, none: { verdict: 'reject' }, reported: true },
	untrusted: { severity: 'error', left: { verdict: 'reject' }, none: { verdict: 'reject' }, reported: true },
	denied: { severity: 'error', left: { verdict: 'reject' }, none: { verdict: 'reject' }, reported: true },
	refused: { severity: 'error', left: { verdict: 'reject' }, none: { verdict: 'reject' }, reported: true },
	processDied: { severity: 'error', left: restart(retry), none: restart(settle('failed')), reported: true },
	intensityExceeded: {
		severity: 'critical',
		left: { verdict: 'stop' },
		none: { verdict: 'stop' },
		reported: true,
	},
	storeFailed: {
		severity: 'critical',
		left: { verdict: 'shutdown' },
		none: { verdict: 'shutdown' },
		reported: true,
	},
	leaseLost: { severity: 'warning', left: { verdict: 'none' }, none: { verdict: 'none' }, reported: false },
	linkLost: { severity: 'info', left: { verdict: 'none' }, none: { verdict: 'none' }, reported: false },
	invariantBroken: {
		severity: 'critical',
		left: { verdict: 'shutdown' },
		none: { verdict: 'shutdown' },
		reported: true,
	},
};

describe.each(faultKinds)('%s', (kind) => {
	const row = table[kind];

	test('with attempts left', () => {
		for (const [attempt, attempts] of [
			[1, 2],
			[1, 1000],
			[999, 1000],
		] as const) {
			expect(decide({ kind, attempt, attempts, backoff }, steady)).toEqual(row.left);
		}
	});

	test('with none left', () => {
		for (const [attempt, attempts] of [
			[1, 1],
			[3, 3],
			// The policy was made narrower while it ran.
			[4, 3],
		] as const) {
			expect(decide({ kind, attempt, attempts, backoff }, steady)).toEqual(row.none);
		}
	});

	test('is as severe as it is, and reported above a warning', () => {
		expect(rules[kind].severity).toBe(row.severity);
		expect(isReported(kind)).toBe(row.reported);
	});
});

test('the table leads to each of the six verdicts, and to none', () => {
	const reached = Object.values(table).flatMap(({ left, none }) => [left, none]);
	expect([...new Set(reached.map(({ verdict }) => verdict))].sort()).toEqual(
		['settle', 'retry', 'reject', 'restart', 'stop', 'shutdown', 'none'].sort(),
	);
	const ofCommands = reached.flatMap((verdict) => (verdict.verdict === 'restart' ? [verdict.command] : []));
	expect(ofCommands).toEqual([retry, settle('failed')]);
});

test('a verdict depends on the fault alone: what was decided is decided again after a crash', () => {
	for (const kind of faultKinds) {
		for (let attempt = 0; attempt <= 4; attempt += 1) {
			const fault = Object.freeze({ kind, attempt, attempts: 3, backoff });
			const expected = attempt < 3 ? table[kind].left : table[kind].none;
			expect([decide(fault, steady), decide(fault, steady)]).toEqual([expected, expected]);
		}
	}
});

test('every fault has its row', () => {
	expect(Object.keys(table).sort()).toEqual([...faultKinds].sort());
	expect(Object.keys(rules).sort()).toEqual([...faultKinds].sort());
});

describe('the wait before the next attempt', () => {
	test('is that of the policy, and grows with the attempts', () => {
		for (const attempt of [1, 2, 5, 50]) {
			for (const random of [steady, () => 0.5]) {
				expect(decide({ kind: 'failed', attempt, attempts: 100, backoff: defaultBackoff }, random)).toEqual({
					verdict: 'retry',
					afterMs: backoffMs(defaultBackoff, attempt, random),
				});
			}
		}
	});

	test('is what the method asked for, where it did, also at once', () => {
		for (const retryAfterMs of [0, 60_000]) {
			const fault = { kind: 'retryAsked', attempt: 1, attempts: 2, backoff, retryAfterMs } as const;
			expect(decide(fault, steady)).toEqual({ verdict: 'retry', afterMs: retryAfterMs });
		}
	});

	test('a method that asks again and again ends with its attempts', () => {
		const fault = { kind: 'retryAsked', attempt: 3, attempts: 3, backoff, retryAfterMs: 0 } as const;
		expect(decide(fault, steady)).toEqual(settle('failed'));
	});
});
