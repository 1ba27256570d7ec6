import { describe, expect, test } from 'vitest';
import { beatSchema, matchesLabels, nodeRecordSchema, nodeStateSchema } from '../../src/domain/node-state.ts';
import {
	type CentreClaim,
	claimSchema,
	type DeadEvent,
	deadEventSchema,
	decode,
	type NodeClaim,
	type Report,
	reportSchema,
} from '../../src/domain/wire.ts';

const facts = {
	method: 'shellCommand',
	lane: 'normal',
	sender: '_operator',
	digest: 'd',
	seq: 1,
	queuedAt: 1000,
	deliverWithinMs: null,
} as const;
const attempt = {
	attempt: 1,
	startedAt: 2000,
	endedAt: null,
	outcome: null,
	exitCode: null,
	signal: null,
	fault: null,
} as const;
const nodeClaim: NodeClaim = {
	v: 1,
	by: 'node',
	epoch: 'e',
	boot: 'b',
	machine: 'm',
	event: 'started',
	at: 2000,
	facts,
};
const centreClaim: CentreClaim = {
	v: 1,
	by: 'centre',
	event: 'expired',
	reason: 'r',
	actor: 'a',
	at: 2000,
	facts,
	envelope: '{}',
};
const report: Report = {
	v: 1,
	key: { epoch: 'e', n: 1 },
	event: 'started',
	at: 2000,
	attempts: [attempt],
	facts,
};
const deadEvent: DeadEvent = {
	v: 1,
	key: { epoch: 'e', n: 1 },
	event: 'deadEvent',
	at: 2000,
	sender: 'ship2',
	method: 'textLogging',
	data: ['x'],
	attempts: 3,
	fault: { code: 'threw', message: 'm' },
};
const state = {
	v: 1,
	node: 'ship1',
	version: '0.1.0',
	machine: 'm',
	boot: 'b',
	epoch: 'e',
	platform: { os: 'linux', arch: 'x64', runtime: 'node', hostname: 'h' },
	labels: { fleet: 'north' },
	startedAt: 1,
	saidAt: 2,
	clockOffsetMs: null,
	methods: [{ name: 'ping', kind: 'command', data: {} }],
	lanes: [{ lane: 'normal', capacity: 1, running: 0, status: 'ready', pause: null }],
	running: [{ id: 'c1', method: 'ping', lane: 'normal', startedAt: 3, attempt: 1, runForMs: 60_000 }],
	stopped: [{ method: 'ping', kind: 'stop', by: 'anna', reason: 'it hangs', since: 1 }],
	schedules: [
		{
			...{ name: 'nightly', version: 2, through: 4, last: 4, next: 8 },
			...{ fired: 3, missed: 2, skipped: 1 },
		},
	],
	trust: { version: 2 },
	access: null,
	unreported: ['c0'],
	outbox: 0,
	stopping: false,
};

const bytes = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));

const statements = [
	{ name: 'a claim of a node', schema: claimSchema, value: nodeClaim },
	{ name: 'a claim of the centre', schema: claimSchema, value: centreClaim },
	{ name: 'a report', schema: reportSchema, value: report },
	{ name: 'an undeliverable event', schema: deadEventSchema, value: deadEvent },
	{ name: 'a state', schema: nodeStateSchema, value: state },
	{
		name: 'a record of a node',
		schema: nodeRecordSchema,
		value: { v: 1, state, lastSeenAt: 5, conflict: null },
	},
	{ name: 'a beat', schema: beatSchema, value: { machine: 'm', boot: 'b', leaving: false } },
] as const;

describe.each(statements)('$name', ({ schema, value }) => {
	test('is read back, from bytes and from text', () => {
		expect(decode<unknown>(schema, bytes(value))).toEqual(value);
		expect(decode<unknown>(schema, JSON.stringify(value))).toEqual(value);
	});

	test('of a later version may say more: what is unknown is dropped', () => {
		expect(decode<unknown>(schema, bytes({ ...value, later: { any: 'thing' } }))).toEqual(value);
	});

	test('is nothing where a field is missing or of another kind', () => {
		for (const field of Object.keys(value)) {
			// Any JSON: what is left out of it is undefined, and that is allowed to be.
			if (field === 'data' || field === 'envelope') continue;
			// A node that has not been brought up to date does not know of these.
			if (!['stopped', 'unreported', 'schedules', 'trust', 'access'].includes(field)) {
				expect(decode<unknown>(schema, bytes({ ...value, [field]: undefined }))).toBeUndefined();
			}
			expect(decode<unknown>(schema, bytes({ ...value, [field]: [[]] }))).toBeUndefined();
		}
	});

	test('is nothing where it was cut short', () => {
		const whole = bytes(value);
		for (let length = 0; length < whole.length; length++) {
			expect(decode<unknown>(schema, whole.slice(0, length))).toBeUndefined();
		}
	});

	test.each(['', 'null', '7', '"text"', '[]', '{}', '{"v":2}', '{"__proto__":{}}', '\ufeff{}', 'NaN'])(
		'is not %j',
		(text) => {
			expect(decode<unknown>(schema, text)).toBeUndefined();
		},
	);

	test('is nothing in another encoding than UTF-8', () => {
		const text = JSON.stringify(value).replace(/"[a-z]/, '"\u00ff');
		expect(decode<unknown>(schema, Buffer.from(text, 'latin1'))).toBeUndefined();
	});

	test('is nothing where it is nested without end', () => {
		const deep = `${'['.repeat(200_000)}${']'.repeat(200_000)}`;
		expect(decode<unknown>(schema, deep)).toBeUndefined();
		expect(decode<unknown>(schema, `${JSON.stringify(value).slice(0, -1)},"data":${deep}}`)).toBeUndefined();
	});
});

describe('a statement that its author may not make', () => {
	test.each([
		['a node cancels', { ...nodeClaim, event: 'cancelled' }],
		['the centre starts', { ...centreClaim, event: 'started' }],
		['nobody claims', { ...nodeClaim, by: 'somebody' }],
	])('%s', (_, claim) => {
		expect(decode(claimSchema, bytes(claim))).toBeUndefined();
	});

	test.each([
		['number 0', { ...report, key: { epoch: 'e', n: 0 } }],
		['half a number', { ...report, key: { epoch: 'e', n: 1.5 } }],
		['an unknown event', { ...report, event: 'deadEvent' }],
		['attempt 0', { ...report, attempts: [{ ...attempt, attempt: 0 }] }],
		['an unknown outcome', { ...report, attempts: [{ ...attempt, outcome: 'lost' }] }],
		['an unknown lane', { ...report, facts: { ...facts, lane: 'fast' } }],
		['a line break in a name', { ...report, facts: { ...facts, method: 'a\r\nb' } }],
		['a sender without end', { ...report, facts: { ...facts, sender: 'x'.repeat(201) } }],
		['an outbox without end', { ...report, key: { epoch: 'x'.repeat(201), n: 1 } }],
	])('a report with %s', (_, hostile) => {
		expect(decode(reportSchema, bytes(hostile))).toBeUndefined();
	});

	test('a claim is no report, and a report no claim', () => {
		expect(decode(reportSchema, bytes(nodeClaim))).toBeUndefined();
		expect(decode(claimSchema, bytes(report))).toBeUndefined();
		expect(decode(reportSchema, bytes(deadEvent))).toBeUndefined();
	});
});

test('labels select where every one of them is there with the same value', () => {
	const labels = { fleet: 'north', kind: 'ship' };
	expect(matchesLabels({}, labels)).toBe(true);
	expect(matchesLabels({ fleet: 'north' }, labels)).toBe(true);
	expect(matchesLabels({ fleet: 'north', kind: 'ship' }, labels)).toBe(true);
	expect(matchesLabels({ fleet: 'south' }, labels)).toBe(false);
	expect(matchesLabels({ fleet: 'north', crew: '3' }, labels)).toBe(false);
	expect(matchesLabels({ toString: 'x' }, labels)).toBe(false);
});
