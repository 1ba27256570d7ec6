import { describe, expect, test } from 'vitest';
import { entryFor } from '../../src/domain/ledger.ts';
import type { NodeRecord } from '../../src/domain/node-state.ts';
import { ledgerView, nodeView, queuedView, timeOrNull, waitingView } from '../../src/domain/view.ts';
import { jsonSchemaOf, viewSchemas } from '../../src/domain/view-schema.ts';

const handle = { node: 'ship1', id: 'c1' };
const queued = {
	...handle,
	method: 'shellCommand',
	lane: 'normal' as const,
	sender: '_operator',
	queuedAt: Date.UTC(2026, 0, 1),
	deadlineAt: Date.UTC(2026, 0, 8),
};
const facts = {
	method: 'shellCommand',
	lane: 'normal' as const,
	sender: '_operator',
	digest: 'd',
	seq: 7,
	queuedAt: Date.UTC(2026, 0, 1),
	deliverWithinMs: 7 * 86_400_000,
};
const record: NodeRecord = {
	v: 1,
	lastSeenAt: Date.UTC(2026, 0, 2),
	conflict: { machines: ['m1', 'm2'], noticedAt: Date.UTC(2026, 0, 3) },
	state: {
		v: 1,
		node: 'ship1',
		version: '0.1.0',
		machine: 'm1',
		boot: 'b',
		epoch: 'e',
		platform: { os: 'linux', arch: 'x64', runtime: 'node', hostname: 'h' },
		labels: { fleet: 'north' },
		startedAt: Date.UTC(2026, 0, 1),
		saidAt: Date.UTC(2026, 0, 2),
		clockOffsetMs: -12,
		methods: [{ name: 'ping', kind: 'command', data: {} }],
		lanes: [{ lane: 'normal', capacity: 1, running: 1, status: 'ready', pause: null }],
		running: [
			{
				id: 'c1',
				method: 'ping',
				lane: 'normal',
				startedAt: Date.UTC(2026, 0, 2),
				attempt: 2,
				runForMs: 60_000,
			},
		],
		stopped: [{ method: 'ping', kind: 'stop', by: 'anna', reason: 'it hangs', since: 1 }],
		schedules: [],
		trust: { version: 3 },
		access: null,
		unreported: ['c2'],
		outbox: 3,
		stopping: false,
	},
};

/** Every field is there, also where nothing is known; times are text. */
function checkCommand(view: unknown): void {
	expect(viewSchemas.command.strict().parse(view)).toEqual(view);
	expect(Object.keys(view ?? {}).sort()).toEqual(Object.keys(viewSchemas.command.shape).sort());
}

describe('a command', () => {
	test('that waits', () => {
		const view = queuedView(queued);
		checkCommand(view);
		expect(view).toMatchObject({
			handle: 'ship1.c1',
			kind: 'command',
			state: 'queued',
			queuedAt: '2026-01-01T00:00:00.000Z',
			deadline: '2026-01-08T00:00:00.000Z',
			attempt: 0,
			attempts: [],
			result: null,
		});
	});

	test('before its time is scheduled and in no queue; afterwards its history tells both', () => {
		const accepted = { at: facts.queuedAt - 5000, seq: 3 };
		const notBefore = facts.queuedAt;
		const later = { ...facts, seq: 3, queuedAt: accepted.at, accepted, notBefore };
		const stored = { ...handle, method: facts.method, lane: facts.lane };
		const [before, after] = [later, { ...facts, accepted, notBefore }].map((told) => {
			const view = waitingView({ ...stored, facts: told });
			checkCommand(view);
			// The stream's headers and the records say the same.
			expect(ledgerView(entryFor(handle, told), null)).toEqual(view);
			return view;
		});
		expect(before).toMatchObject({
			...{ state: 'scheduled', queuedAt: null, deadline: null, notBefore: '2026-01-01T00:00:00.000Z' },
			history: [{ state: 'scheduled', at: '2025-12-31T23:59:55.000Z', by: '_operator' }],
		});
		expect(after).toMatchObject({
			...{ state: 'queued', queuedAt: '2026-01-01T00:00:00.000Z', deadline: '2026-01-08T00:00:00.000Z' },
			...{ notBefore: '2026-01-01T00:00:00.000Z' },
			history: [{ state: 'scheduled' }, { state: 'queued', by: 'central', at: '2026-01-01T00:00:00.000Z' }],
		});
	});

	test('in an outbox has no history yet', () => {
		expect(queuedView({ ...queued, queuedAt: null }).history).toEqual([]);
	});

	test('an event waits under its own word, and without a deadline', () => {
		const view = queuedView({ ...queued, kind: 'event', deadlineAt: null });
		checkCommand(view);
		expect(view).toMatchObject({ kind: 'event', state: 'waiting', deadline: null });
	});

	test('of the ledger, at its beginning and at its end', () => {
		const entry = entryFor(handle, facts);
		checkCommand(ledgerView(entry, null));
		const view = ledgerView(
			{
				...entry,
				state: 'failed',
				startedAt: facts.queuedAt + 1000,
				endedAt: facts.queuedAt + 3000,
				attempts: [
					{
						attempt: 1,
						startedAt: facts.queuedAt + 1000,
						endedAt: facts.queuedAt + 3000,
						outcome: 'failed',
						exitCode: 1,
						signal: null,
						fault: { code: 'failed', message: 'exit code 1' },
					},
				],
				fault: { code: 'failed', message: 'exit code 1' },
				settledBy: 'e1:1',
				late: [{ event: 'succeeded', at: facts.queuedAt + 9000, key: 'e1:2' }],
			},
			{ exitCode: 1, signal: null, stdout: null, stderr: null, value: { any: 'JSON' } },
		);
		checkCommand(view);
		expect(view).toMatchObject({
			startedAt: '2026-01-01T00:00:01.000Z',
			endedAt: '2026-01-01T00:00:03.000Z',
			attempt: 1,
			attempts: [{ startedAt: '2026-01-01T00:00:01.000Z', endedAt: '2026-01-01T00:00:03.000Z', exitCode: 1 }],
			late: [{ event: 'succeeded', at: '2026-01-01T00:00:09.000Z' }],
		});
		expect(view).not.toHaveProperty('settledBy');
	});

	test('with an absurd deadline breaks no list', () => {
		for (const deliverWithinMs of [8.9e15, 1e300]) {
			checkCommand(ledgerView(entryFor(handle, { ...facts, deliverWithinMs }), null));
		}
		checkCommand(queuedView({ ...queued, queuedAt: -1e300, deadlineAt: 1e300 }));
	});
});

describe('a node', () => {
	const presence = { status: 'present', since: null } as const;

	test('that has spoken', () => {
		const view = nodeView('ship1', record, presence, 4);
		expect(viewSchemas.node.strict().parse(view)).toEqual(view);
		expect(view).toMatchObject({
			node: 'ship1',
			presence: 'present',
			lastSeenAt: '2026-01-02T00:00:00.000Z',
			queued: 4,
			outbox: 3,
			running: [{ handle: 'ship1.c1', startedAt: '2026-01-02T00:00:00.000Z', attempt: 2 }],
			conflict: { machines: ['m1', 'm2'], noticedAt: '2026-01-03T00:00:00.000Z' },
		});
	});

	test('that nobody ever heard of has every field all the same', () => {
		const view = nodeView('ship2', undefined, { status: 'never', since: null }, null);
		expect(viewSchemas.node.strict().parse(view)).toEqual(view);
		expect(Object.keys(view).sort()).toEqual(Object.keys(viewSchemas.node.shape).sort());
		expect(view).toMatchObject({
			presence: 'never',
			lastSeenAt: null,
			labels: {},
			queued: null,
			conflict: null,
		});
	});
});

test('a time that is not there is null, the epoch is a time', () => {
	expect(timeOrNull(null)).toBeNull();
	expect(timeOrNull(undefined)).toBeNull();
	expect(timeOrNull(0)).toBe('1970-01-01T00:00:00.000Z');
});

test.each(Object.keys(viewSchemas) as (keyof typeof viewSchemas)[])('%s has a JSON Schema', (name) => {
	expect(jsonSchemaOf(name)).toMatchObject({ title: name, type: 'object' });
});
