import { expect, test } from 'vitest';
import { beginningsOf, formatAccepted, isLater, parseAccepted } from '../../src/domain/delay.ts';
import { foldClaim, foldReport } from '../../src/domain/ledger.ts';
import {
	type Claim,
	type CommandFacts,
	isSameCommand,
	ledgerAgeMs,
	type Report,
} from '../../src/domain/wire.ts';

const day = 86_400_000;
const handle = { node: 'ship1', id: 'c1' };
const accepted = { at: 1000, seq: 3 };
const facts: CommandFacts = {
	...{ method: 'm', lane: 'normal', sender: '_operator', digest: 'd', deliverWithinMs: 5000 },
	...{ seq: 3, queuedAt: 1000, notBefore: 60 * day, accepted },
};
const queued = { ...facts, seq: 9, queuedAt: 60 * day };

test('waits while the message is the one as which it was accepted', () => {
	expect([isLater(facts), isLater(queued), isLater({ seq: 3 }), isLater({ seq: 3, accepted: null })]).toEqual(
		[true, false, false, false],
	);
	expect(beginningsOf(facts)).toEqual({ scheduledAt: 1000, queuedAt: null });
	expect(beginningsOf(queued)).toEqual({ scheduledAt: 1000, queuedAt: 60 * day });
	expect(beginningsOf({ seq: 3, queuedAt: 7 })).toEqual({ scheduledAt: null, queuedAt: 7 });
});

test('what was accepted is read from a header again, and nothing else', () => {
	expect(parseAccepted(formatAccepted(accepted))).toEqual(accepted);
	for (const odd of ['', '1', '1 2 3', 'a 1', '-1 2', '1 1e3', ' 1 2']) {
		expect(parseAccepted(odd), odd).toBeUndefined();
	}
});

test('is the same command before and after its queueing, however long it waited; an id that is used again is not', () => {
	expect(isSameCommand(facts, queued)).toBe(true);
	expect(isSameCommand(queued, facts)).toBe(true);
	expect(isSameCommand(queued, { ...facts, digest: 'other' })).toBe(false);
	const { accepted: _, ...plain } = facts;
	expect(isSameCommand(queued, { ...plain, queuedAt: 61 * day })).toBe(true);
	expect(isSameCommand(queued, { ...plain, queuedAt: 60 * day + ledgerAgeMs })).toBe(false);
	expect(isSameCommand({ ...plain, queuedAt: 60 * day + ledgerAgeMs }, queued)).toBe(false);
	expect(isSameCommand(plain, { ...plain, queuedAt: ledgerAgeMs + 1000 })).toBe(false);
});

test('whoever has started it knows that it was queued; whoever closed it before says that it was not', () => {
	const started: Claim = {
		...{ v: 1, by: 'node', epoch: 'e', boot: 'b', machine: 'm', event: 'started', at: 60 * day + 1 },
		facts: queued,
	};
	const before = foldClaim(handle, undefined, {
		...{ v: 1, by: 'centre', event: 'cancelled', reason: 'r', actor: 'a', at: 2000, envelope: null },
		facts,
	});
	expect(before).toMatchObject({ state: 'cancelled', accepted, seq: 3, deadlineAt: null });
	const waiting = { ...before, state: 'scheduled' as const, closed: null, endedAt: null };
	expect(foldClaim(handle, waiting, started)).toMatchObject({
		...{ state: 'running', seq: 9, queuedAt: 60 * day, deadlineAt: 60 * day + 5000, accepted },
	});
	const report: Report = {
		...{ v: 1, key: { epoch: 'e', n: 1 }, event: 'succeeded', at: 60 * day + 2, attempts: [] },
		facts: queued,
	};
	expect(foldReport(handle, waiting, report)).toMatchObject({ state: 'succeeded', seq: 9 });
});
