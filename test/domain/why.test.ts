import { describe, expect, test } from 'vitest';
import { entryFor, foldClaim, foldLost, foldReport, type LedgerEntry } from '../../src/domain/ledger.ts';
import type { NodeState } from '../../src/domain/node-state.ts';
import type { Attempt } from '../../src/domain/result.ts';
import { ledgerView, nodeView, type Presence } from '../../src/domain/view.ts';
import { viewSchemas } from '../../src/domain/view-schema.ts';
import { explain, type WhyFacts } from '../../src/domain/why.ts';
import type { Claim, CommandFacts, Report } from '../../src/domain/wire.ts';

const minute = 60_000;
const now = Date.UTC(2026, 0, 1, 12);
const handle = { node: 'ship1', id: 'c1' };
const facts: CommandFacts = {
	...{ method: 'shellCommand', lane: 'normal', sender: '_operator', digest: 'd', seq: 7 },
	...{ queuedAt: now - 10 * minute, deliverWithinMs: 60 * minute },
};
const present: Presence = { status: 'present', since: null };
const queued = entryFor(handle, facts);
const due = (notBefore: number) =>
	entryFor(handle, { ...facts, notBefore, accepted: { at: facts.queuedAt, seq: facts.seq } });
const claim: Claim = {
	...{ v: 1, by: 'node', epoch: 'e', boot: 'b', machine: 'm', event: 'started', at: now - 3 * minute },
	facts,
};
const running = foldClaim(handle, undefined, claim);

function attempt(more: Partial<Attempt> = {}): Attempt {
	const open = { attempt: 1, startedAt: now - 3 * minute, endedAt: null, outcome: null };
	return { ...open, exitCode: null, signal: null, fault: null, ...more };
}

function report(event: Report['event'], more: Partial<Report> = {}): LedgerEntry {
	const ended = attempt({ endedAt: now - minute, outcome: 'failed', exitCode: 3 });
	const said: Report = {
		v: 1,
		key: { epoch: 'e', n: 1 },
		event,
		at: now - minute,
		attempts: [ended],
		facts,
	};
	return foldReport(handle, running, { ...said, ...more });
}

const secondFailed = attempt({ attempt: 2, endedAt: now - minute, outcome: 'failed', exitCode: 3 });

function closed(event: 'cancelled' | 'expired'): LedgerEntry {
	const by = {
		v: 1,
		by: 'centre',
		reason: 'not needed',
		actor: 'anna',
		at: now,
		facts,
		envelope: null,
	} as const;
	return foldClaim(handle, undefined, { ...by, event });
}

const normal = { lane: 'normal', capacity: 1, running: 0, status: 'ready', pause: null } as const;
const pause = { kind: 'pause', by: 'anna', reason: 'harbour', since: now - minute } as const;
const other = { id: 'c0', method: 'm', lane: 'normal', startedAt: now - 3 * minute, attempt: 1 } as const;

function nodeWith(state: Partial<NodeState> = {}, conflict = false): WhyFacts['node'] {
	const said: NodeState = {
		...{ v: 1, node: 'ship1', version: '1', machine: 'm', boot: 'b', epoch: 'e', labels: {} },
		...{ platform: { os: 'linux', arch: 'x64', runtime: 'node', hostname: 'h' }, startedAt: 1, saidAt: 1 },
		...{ clockOffsetMs: 0, methods: [], lanes: [normal], running: [], outbox: 0, stopping: false },
		...{ stopped: [], unreported: [], schedules: [], trust: null, access: null, ...state },
	};
	const noticed = conflict ? { machines: ['m1', 'm2'], noticedAt: now } : null;
	return nodeView('ship1', { v: 1, state: said, lastSeenAt: now, conflict: noticed }, present, null);
}

function why(entry: LedgerEntry, more: Partial<WhyFacts> = {}) {
	const command = ledgerView(entry, null);
	const base = { command, node: nodeWith(), presence: present, place: null, cancelAsked: null, now };
	const answer = explain({ ...base, ...more });
	expect(viewSchemas.why.strict().parse(answer)).toEqual(answer);
	return answer;
}

const causes: readonly [string, ReturnType<typeof why>, string, RegExp][] = [
	['its node was never seen', why(queued, { node: undefined }), 'neverSeen', /^ship1 was never seen/],
	[
		'its node is absent',
		why(queued, { presence: { status: 'absent', since: '2026-01-01T11:00:00.000Z' } }),
		'nodeAway',
		/^ship1 is absent since 2026-01-01T11:00:00.000Z \(1h\); it starts when ship1 is there/,
	],
	[
		'no centre watches',
		why(queued, { presence: { status: 'unknown', since: '2026-01-01T11:59:00.000Z' } }),
		'unknown',
		/unknown: no centre since 2026-01-01T11:59:00.000Z \(1m\)/,
	],
	[
		'two machines have its name',
		why(queued, { node: nodeWith({}, true) }),
		'nameUsedTwice',
		/2 machines use the name/,
	],
	[
		'its node has no such lane',
		why(queued, { node: nodeWith({ lanes: [] }) }),
		'noSuchLane',
		/node\.lanes\.normal/,
	],
	[
		'its lane is paused',
		why(queued, { node: nodeWith({ lanes: [{ ...normal, status: 'paused', pause }] }) }),
		'lanePaused',
		/paused by anna since 2026-01-01T11:59:00.000Z: harbour/,
	],
	[
		'its node is drained',
		why(queued, {
			node: nodeWith({ lanes: [{ ...normal, status: 'paused', pause: { ...pause, kind: 'drain' } }] }),
		}),
		'drained',
		/drained by anna/,
	],
	[
		'its method is stopped',
		why(queued, { node: nodeWith({ stopped: [{ ...pause, kind: 'stop', method: 'shellCommand' }] }) }),
		'methodStopped',
		/shellCommand was stopped on ship1 by anna/,
	],
	[
		'its node is stopping',
		why(queued, { node: nodeWith({ lanes: [{ ...normal, status: 'stopped' }] }) }),
		'stopping',
		/is stopping/,
	],
	[
		'its lane has no consumer',
		why(queued, { node: nodeWith({ lanes: [{ ...normal, status: 'waiting' }] }) }),
		'noConsumer',
		/no consumer/,
	],
	[
		'the clock is not known',
		why(queued, { node: nodeWith({ clockOffsetMs: null }) }),
		'clockUnknown',
		/broker's time/,
	],
	[
		'others are before it',
		why(queued, {
			node: nodeWith({ running: [{ ...other, runForMs: 10 * minute }] }),
			place: { position: 7, of: 12, first: 'ship1.c0' },
		}),
		'behind',
		/^It is number 7 of 12 on the lane normal, behind ship1\.c0, which has run for 3m of 10m \(attempt 1\)\.$/,
	],
	[
		'others are before it and none runs',
		why(queued, { place: { position: 2, of: 2, first: 'ship1.c0' } }),
		'behind',
		/number 2 of 2 .* behind ship1\.c0; nothing runs/,
	],
	[
		'it is next',
		why(queued, { place: { position: 1, of: 1, first: null } }),
		'next',
		/^It is next on the lane normal/,
	],
	[
		'it runs',
		why(running, { node: nodeWith({ running: [{ ...other, id: 'c1', runForMs: 10 * minute }] }) }),
		'running',
		/^It has run for 3m of 10m \(attempt 1\)\.$/,
	],
	[
		'its node went away with it',
		why(running, { presence: { status: 'absent', since: '2026-01-01T11:59:00.000Z' } }),
		'nodeAway',
		/started at .*, and ship1 is absent since .*: what became of it comes when ship1 is back/,
	],
	[
		'its report is to come',
		why(running, { node: nodeWith({ unreported: ['c1'] }) }),
		'unreported',
		/recorded there/,
	],
	[
		'it was asked to end',
		why(running, {
			cancelAsked: { by: 'anna', reason: 'enough', at: '2026-01-01T11:59:30.000Z', isTaken: false },
			node: nodeWith({ running: [{ ...other, id: 'c1', runForMs: 10 * minute }] }),
		}),
		'cancelAsked',
		/^It has run for 3m of 10m \(attempt 1\); anna asked for its end at .* \(enough\), and ship1 has not answered/,
	],
	[
		'its node is back and does not run it',
		why(running, { node: nodeWith() }),
		'handedBack',
		/^It was started at .*, and ship1 does not run it now: it is handed over once more\.$/,
	],
	[
		'its node is back, does not run it, and its lane is paused',
		why(running, { node: nodeWith({ lanes: [{ ...normal, status: 'paused', pause }] }) }),
		'lanePaused',
		/ship1 does not run it now; the lane normal of ship1 is paused by anna/,
	],
	[
		'its time has not come, whether its node is there or not',
		why(due(now + 120 * minute), { presence: { status: 'absent', since: null } }),
		'scheduled',
		/^It waits for its time: 2026-01-01T14:00:00.000Z \(in 2h\)\.$/,
	],
	[
		'its time has come, and a centre is there',
		why(due(now - 1000)),
		'due',
		/^Its time was 2026-01-01T11:59:59.000Z \(1s ago\): a centre queues it now\.$/,
	],
	[
		'its time has come, and no centre queues it',
		why(due(now - minute), { presence: { status: 'unknown', since: '2026-01-01T11:00:00.000Z' } }),
		'due',
		/: a centre queues it, and there is no centre since 2026-01-01T11:00:00.000Z\.$/,
	],
	[
		'its next attempt is due later',
		why(report('retryDue', { nextAttemptAt: now + 2 * minute })),
		'retrying',
		/^Attempt 1 failed with exit code 3; the next one is due at 2026-01-01T12:02:00.000Z \(in 2m\)\.$/,
	],
	[
		'its next attempt is due and its lane paused',
		why(report('retryDue', { nextAttemptAt: now - 1 }), {
			node: nodeWith({ lanes: [{ ...normal, status: 'paused', pause }] }),
		}),
		'lanePaused',
		/the next one is due, and the lane normal of ship1 is paused by anna/,
	],
	['it ended well', why(report('succeeded')), 'ended', /^It succeeded with exit code 3 at/],
	[
		'it failed',
		why(report('failed', { fault: { code: 'threw', message: 'boom' } })),
		'ended',
		/^It failed .*: boom\.$/,
	],
	['it ran for too long', why(report('timedOut')), 'timedOut', /ran for longer than it may/],
	['it was interrupted', why(report('interrupted')), 'interrupted', /outcome is unknown/],
	[
		'it was refused',
		why(
			foldClaim(handle, undefined, {
				...claim,
				event: 'refused',
				fault: { code: 'badData', message: 'data: expected text' },
			}),
		),
		'refused',
		/refused at .*: data: expected text; nothing ran/,
	],
	[
		'it was refused for another attempt',
		why(
			report('refused', {
				attempts: [attempt({ endedAt: now - minute, outcome: 'failed' }), secondFailed],
				fault: { code: 'unknownMethod', message: 'there is no method deploy' },
			}),
		),
		'refused',
		/^It was refused at .*: there is no method deploy; it had run 2 times before \(failed with exit code 3\)\.$/,
	],
	[
		'it was cancelled before',
		why(closed('cancelled')),
		'cancelled',
		/certainly never ran: not needed \(by anna\)/,
	],
	['it was cancelled while it ran', why(report('cancelled')), 'cancelled', /while it ran/],
	['it expired', why(closed('expired')), 'expired', /certainly never started/],
	['it is lost', why(foldLost(running, now)), 'lost', /it may have run/],
];

test.each(causes)('%s', (_, answer, cause, sentence) => {
	expect(answer.cause).toBe(cause);
	expect(answer.sentence).toMatch(sentence);
});

test('every cause that there is has a row', () => {
	const told = new Set(causes.map(([, { cause }]) => cause));
	expect([...told].sort()).toEqual([...viewSchemas.why.shape.cause.options].sort());
});

describe('beside the cause', () => {
	test('a deadline, a clock that is off, what came late, where it comes from', () => {
		const entry: LedgerEntry = { ...queued, lineage: { kind: 'retry', of: 'ship1.c0' } };
		expect(why(entry, { node: nodeWith({ clockOffsetMs: 60 * minute }) }).notes).toEqual([
			'it expires at 2026-01-01T12:50:00.000Z (in 50m) if it has not started by then',
			"ship1's clock is 1h behind the broker's; deadlines count in the broker's time",
			'it was made as a retry of ship1.c0',
		]);
		const late = foldReport(handle, foldLost(running, now), {
			...{ v: 1, key: { epoch: 'e', n: 1 }, event: 'succeeded', at: now, attempts: [attempt()], facts },
		});
		expect(why(late).notes).toEqual(['too late to count: succeeded at 2026-01-01T12:00:00.000Z']);
	});
});
