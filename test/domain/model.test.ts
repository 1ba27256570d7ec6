/**
 * What a node and the centre can truly say about one command, told in any order and any number of times.
 * A story is made first, as it happened; each statement of it is true when it is made; then the ledger hears them shuffled.
 */

import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { historyOf } from '../../src/domain/history.ts';
import {
	entryFor,
	foldClaim,
	foldLost,
	foldReport,
	type LedgerEntry,
	ledgerEntrySchema,
	lostAt,
} from '../../src/domain/ledger.ts';
import type { Attempt, AttemptOutcome } from '../../src/domain/result.ts';
import { advance, commandEvents, commandStates, isFinal } from '../../src/domain/state.ts';
import type { Claim, CommandFacts, Report } from '../../src/domain/wire.ts';
import { fuzz, fuzzTimeoutMs } from '../support/fuzz.ts';

const handle = { node: 'ship1', id: 'c1' };
const facts: CommandFacts = {
	...{ method: 'm', lane: 'normal', sender: '_operator', digest: 'd', seq: 7 },
	...{ queuedAt: 1000, deliverWithinMs: 60_000, runForMs: 10_000, patienceMs: 20_000 },
};
const most = 4;

type Statement = { readonly claim: Claim } | { readonly report: Report };

/** How one start ended: with an outcome, or with the death of its node, which the next process tells. */
const attemptEnds = ['succeeded', 'failed', 'timedOut', 'interrupted'] as const;
type Plan = {
	/** Who writes the one claim. */
	readonly claim:
		| 'started'
		| 'refused'
		| 'expired'
		| 'closed cancelled'
		| 'closed expired'
		| 'closed refused';
	readonly allowed: number;
	readonly ends: readonly (typeof attemptEnds)[number][];
	/** What comes between two attempts, or in the last one, instead of what was planned. */
	readonly instead: 'nothing' | 'cancelled' | 'refused';
	/** The node dies for good after so many statements. */
	readonly silentAfter: number;
	/** The final report is said again under a new key, because its ack was lost. */
	readonly saidAgain: boolean;
};

const plans: fc.Arbitrary<Plan> = fc.record({
	claim: fc.oneof(
		{ weight: 5, arbitrary: fc.constant('started' as const) },
		{
			weight: 3,
			arbitrary: fc.constantFrom(
				...(['refused', 'expired', 'closed cancelled', 'closed expired', 'closed refused'] as const),
			),
		},
	),
	allowed: fc.integer({ min: 1, max: most }),
	ends: fc.array(fc.constantFrom(...attemptEnds), { minLength: most, maxLength: most }),
	instead: fc.constantFrom('nothing', 'nothing', 'cancelled', 'refused'),
	silentAfter: fc.constantFrom(99, 99, 99, 1, 2, 3, 4),
	saidAgain: fc.boolean(),
});

/** All that is said, in the order in which it happened. */
function storyOf(plan: Plan): Statement[] {
	const claim = claimOf(plan);
	if (plan.claim !== 'started') return [{ claim }];
	const said: Statement[] = [{ claim }];
	let at = claim.at;
	let attempts: readonly Attempt[] = [];
	const report = (event: Report['event'], more: Partial<Report> = {}) => {
		const key = { epoch: 'e1', n: said.length };
		said.push({ report: { v: 1, key, event, at, attempts: [...attempts], facts, ...more } });
	};
	const end = (outcome: AttemptOutcome) => {
		at += 10;
		attempts = attempts.map((attempt, index) =>
			index === attempts.length - 1 ? { ...attempt, endedAt: at, outcome } : attempt,
		);
	};
	for (let attempt = 1; ; attempt++) {
		// The claim tells the first start; the journal, whose time reports tell, was written a moment later.
		at += 3;
		attempts = [...attempts, started(attempt, at)];
		if (attempt > 1) report('started');
		const isLast = attempt === plan.allowed;
		if (isLast && plan.instead === 'cancelled') {
			end('cancelled');
			report('cancelled', { closed: { reason: 'not wanted', actor: 'anna' } });
			break;
		}
		const outcome = plan.ends[attempt - 1] ?? 'succeeded';
		end(outcome);
		if (isLast || outcome === 'succeeded') {
			report(
				outcome,
				outcome === 'interrupted' ? { fault: { code: 'interrupted', message: 'it died' } } : {},
			);
			break;
		}
		report('retryDue', { nextAttemptAt: at + 100 });
		at += 5;
		if (attempt + 1 === plan.allowed && plan.instead === 'refused') {
			report('refused', { fault: { code: 'unknownMethod', message: 'it is gone' } });
			break;
		}
	}
	const last = said.at(-1);
	const isTold = last && 'report' in last && plan.saidAgain;
	if (isTold) said.push({ report: { ...last.report, key: { epoch: 'e1', n: said.length } } });
	return said.slice(0, plan.silentAfter);
}

function claimOf({ claim }: Plan): Claim {
	const at = claim.endsWith('expired') ? 62_000 : 2000;
	const [first, event = first] = claim.split(' ') as [string, string?];
	if (first === 'closed') {
		const closed = { reason: 'closed', actor: 'anna', envelope: null };
		return { v: 1, by: 'centre', event: event as 'cancelled', ...closed, at, facts };
	}
	const by = { v: 1, by: 'node', epoch: 'e1', boot: 'b1', machine: 'm1' } as const;
	return { ...by, event: event as 'started', at, facts };
}

function started(attempt: number, startedAt: number): Attempt {
	return { attempt, startedAt, endedAt: null, outcome: null, exitCode: null, signal: null, fault: null };
}

function fold(entry: LedgerEntry | undefined, statement: Statement): LedgerEntry {
	return 'claim' in statement
		? foldClaim(handle, entry, statement.claim)
		: foldReport(handle, entry, statement.report);
}

function foldAll(statements: readonly Statement[]): LedgerEntry {
	return statements.reduce<LedgerEntry | undefined>(fold, undefined) ?? entryFor(handle, facts);
}

/** The same report under another key settles as well as the first: which of the two was heard first says nothing. */
function withoutKey(entry: LedgerEntry): LedgerEntry {
	return { ...entry, settledBy: null };
}

/** All statements of a story, some of them several times, in any order. */
const told = plans.chain((plan) => {
	const story = storyOf(plan);
	const repeats = fc.array(fc.constantFrom(...story), { maxLength: 4 });
	const heard = repeats.chain((again) => {
		const all = [...story, ...again];
		return fc.shuffledSubarray(all, { minLength: all.length });
	});
	return fc.record({ plan: fc.constant(plan), story: fc.constant(story), heard });
});

test(
	'the entry says what happened, whatever order it was told in, and however often',
	() => {
		fc.assert(
			fc.property(told, ({ plan, story, heard }) => {
				const entry = foldAll(heard);
				expect(withoutKey(entry)).toEqual(withoutKey(foldAll(story)));
				expect(ledgerEntrySchema.parse(entry)).toEqual(entry);
				expect(entry.late).toEqual([]);
				expect(entry.attempts.length).toBeLessThanOrEqual(plan.claim === 'started' ? plan.allowed : 0);
				if (entry.startedAt === null) expect(entry.attempts).toEqual([]);
				if (plan.claim !== 'started') {
					expect(entry.state).toBe(advance('queued', story.map(eventOf)[0] ?? 'due').state);
				}
				expect(entry.endedAt === null).toBe(!isFinal(entry.state));
			}),
			fuzz,
		);
	},
	fuzzTimeoutMs,
);

test(
	'a final state never changes, also when the centre gave the command up and its node speaks after all',
	() => {
		fc.assert(
			fc.property(told, fc.nat(12), ({ plan, heard }, lostAfter) => {
				let entry = entryFor(handle, facts);
				let final: LedgerEntry | undefined;
				heard.forEach((statement, index) => {
					entry = fold(entry, statement);
					// The reaper asks only what silence makes lost.
					const silence = lostAt(entry);
					if (index === lostAfter && silence !== null) entry = foldLost(entry, silence + 1);
					if (isFinal(entry.state)) final ??= entry;
					if (final && !isDeepStrictEqual({ ...entry, late: [] }, { ...final, late: [] })) {
						expect(entry, 'what was final').toEqual(final);
					}
				});
				const { state, attempts, late } = entry;
				const times = late.map(({ at }) => at);
				expect(times).toEqual(times.toSorted((a, b) => a - b));
				expect(times.length).toBeLessThanOrEqual(8);
				const isStarted = plan.claim === 'started';
				if (state === 'lost') expect(isStarted).toBe(true);
				if (state === 'expired') expect(isStarted).toBe(false);
				if (state === 'cancelled') expect(attempts.length > 0).toBe(isStarted);
				// Nothing is late but what was heard after it was given up.
				if (state !== 'lost') expect(late).toEqual([]);
			}),
			fuzz,
		);
	},
	fuzzTimeoutMs,
);

test(
	'the history begins with queued, is in order, and ends as the command did',
	() => {
		fc.assert(
			fc.property(told, fc.boolean(), ({ heard }, isLost) => {
				const whole = foldAll(heard);
				const entry = isLost ? foldLost(whole, (lostAt(whole) ?? whole.queuedAt) + 1) : whole;
				const history = historyOf(entry);
				expect(history[0]).toMatchObject({ state: 'queued', at: facts.queuedAt, by: '_operator' });
				const times = history.filter(({ late }) => !late).map(({ at }) => at);
				expect(times).toEqual(times.toSorted((a, b) => a - b));
				const told = history.filter(({ late }) => !late);
				expect(told.at(-1)?.state).toBe(entry.state);
				const starts = told.filter(({ state }) => state === 'running');
				expect(starts.map(({ note }) => note)).toEqual(
					entry.attempts.map(({ attempt }) => `attempt ${attempt}`),
				);
			}),
			fuzz,
		);
	},
	fuzzTimeoutMs,
);

test(
	'no row of events leaves a final state',
	() => {
		const events = fc.array(fc.constantFrom(...commandEvents), { maxLength: 20 });
		fc.assert(
			fc.property(fc.constantFrom(...commandStates), events, (from, row) => {
				let state = from;
				for (const event of row) {
					const next = advance(state, event);
					const isEnd = isFinal(state);
					if (isEnd || next.effect !== 'moved') {
						expect(next).toEqual({ state, effect: isEnd ? 'late' : 'ignored' });
					}
					state = next.state;
				}
			}),
			fuzz,
		);
	},
	fuzzTimeoutMs,
);

function eventOf(statement: Statement): Report['event'] {
	return 'claim' in statement ? statement.claim.event : statement.report.event;
}
