import { describe, expect, test } from 'vitest';
import { isStewardError } from '../../src/base/errors.ts';
import { envelopeDigest, envelopeFor, envelopeSchema } from '../../src/domain/envelope.ts';
import { type FormDefaults, parseMessage } from '../../src/domain/message.ts';
import { commandDefaults } from '../../src/domain/policy.ts';
import { deepestNesting } from '../../src/domain/validation.ts';
import { decode } from '../../src/domain/wire.ts';

const command = { toNode: 'ship1', method: 'shellCommand', kind: 'command', data: ['true'] };

function problemsOf(input: unknown, defaults?: FormDefaults): readonly string[] {
	try {
		parseMessage(input, defaults);
	} catch (error) {
		if (!isStewardError(error, 'invalid')) throw error;
		const { problems } = error.details;
		if (!Array.isArray(problems)) throw new Error('no list of problems');
		for (const problem of problems) expect(error.message).toContain(problem);
		return problems;
	}
	return [];
}

describe('the examples that everybody starts from', () => {
	const examples =
		'[{"toNode":"ship1","data":["bash","-c","ls -l ../"],"commandOrEvent":"command","method":"shellCommand"}]';
	const events =
		'[{"toNode":"central","data":["some message sent from a ship for testing\\n"],"commandOrEvent":"event","method":"textLogging"}]';

	test('a command', () => {
		const [form]: unknown[] = JSON.parse(examples);
		expect(parseMessage(form)).toEqual({
			target: { nodes: ['ship1'] },
			kind: 'command',
			method: 'shellCommand',
			data: ['bash', '-c', 'ls -l ../'],
			id: undefined,
			whenAbsent: 'queue',
			policy: {
				lane: undefined,
				deliverWithinMs: 7 * 86_400_000,
				runForMs: undefined,
				attempts: undefined,
				backoff: undefined,
				onInterrupt: undefined,
			},
		});
	});

	test('an event', () => {
		const [form]: unknown[] = JSON.parse(events);
		expect(parseMessage(form)).toMatchObject({
			target: { nodes: ['central'] },
			kind: 'event',
			method: 'textLogging',
			data: ['some message sent from a ship for testing\n'],
		});
	});
});

describe('each field', () => {
	test('targets: one node, several without repeats, or labels', () => {
		const { toNode: _, ...rest } = command;
		expect(parseMessage(command).target).toEqual({ nodes: ['ship1'] });
		expect(parseMessage({ ...rest, toNodes: ['ship2', 'ship1', 'ship2'] }).target).toEqual({
			nodes: ['ship2', 'ship1'],
		});
		expect(parseMessage({ ...rest, where: { fleet: 'north' } }).target).toEqual({
			where: { fleet: 'north' },
		});
	});

	test('kind and commandOrEvent are one field', () => {
		const { kind: _, ...rest } = command;
		expect(parseMessage({ ...rest, commandOrEvent: 'event' }).kind).toBe('event');
		expect(parseMessage({ ...rest, kind: 'event' }).kind).toBe('event');
		expect(parseMessage({ ...rest, kind: 'event', commandOrEvent: 'event' }).kind).toBe('event');
	});

	test('data may be any JSON, and is null where it is left out', () => {
		const { data: _, ...rest } = command;
		expect(parseMessage(rest).data).toBeNull();
		for (const data of [null, 0, '', false, [], {}, [{ deep: [1, 'two', null] }]]) {
			expect(parseMessage({ ...rest, data }).data).toEqual(data);
		}
	});

	test('policies are compiled into milliseconds', () => {
		const message = parseMessage({
			...command,
			id: 'mine-1',
			lane: 'urgent',
			deliverWithin: '1h30m',
			runFor: '250ms',
			attempts: 3,
			backoff: { kind: 'fixed', initial: '2s', cap: '1m', jitter: 0 },
			onInterrupt: 'rerun',
			whenAbsent: 'reject',
		});
		expect(message).toMatchObject({
			id: 'mine-1',
			whenAbsent: 'reject',
			policy: {
				lane: 'urgent',
				deliverWithinMs: 5_400_000,
				runForMs: 250,
				attempts: 3,
				backoff: { kind: 'fixed', initialMs: 2000, capMs: 60_000, jitter: 0 },
				onInterrupt: 'rerun',
			},
		});
	});

	test('deliverWithin: never', () => {
		expect(parseMessage({ ...command, deliverWithin: 'never' }).policy.deliverWithinMs).toBeNull();
	});

	test('a backoff may be named only, or in part: the rest is the default', () => {
		const { backoff } = commandDefaults;
		expect(parseMessage({ ...command, backoff: 'fixed' }).policy.backoff).toEqual({
			...backoff,
			kind: 'fixed',
			jitter: 0,
		});
		expect(parseMessage({ ...command, backoff: { initial: '1h' } }).policy.backoff).toEqual({
			...backoff,
			initialMs: 3_600_000,
			capMs: 3_600_000,
		});
		expect(parseMessage({ ...command, backoff: {} }).policy.backoff).toEqual(backoff);
		expect(parseMessage({ ...command, backoff: { initial: '9s' } }).policy.backoff).toEqual({
			...backoff,
			initialMs: 9000,
		});
	});

	test.each([
		['toNode', 7],
		['toNode', 'a b'],
		['toNode', '123'],
		['toNode', '_raw'],
		['toNodes', []],
		['toNodes', ['ship1', '*']],
		['where', 'fleet=north'],
		['where', { fleet: 7 }],
		['method', ''],
		['method', '1st'],
		['method', 'a.b'],
		['kind', 'job'],
		['commandOrEvent', 'Command'],
		['id', ''],
		['id', 'a.b'],
		['id', 'x'.repeat(65)],
		['lane', 'control'],
		['lane', 'events'],
		['lane', 'fast'],
		['deliverWithin', 5],
		['deliverWithin', '5'],
		['deliverWithin', 'soon'],
		['runFor', 'never'],
		['runFor', 60],
		['attempts', 0],
		['attempts', 1.5],
		['attempts', 1001],
		['attempts', '3'],
		['backoff', 'linear'],
		['backoff', { initial: 7 }],
		['backoff', { jitter: 2 }],
		['onInterrupt', 'ignore'],
		['whenAbsent', 'wait'],
	])('%s: %j is refused by name', (field, value) => {
		const { toNode: _, ...rest } = command;
		const targets = field.startsWith('toNode') || field === 'where' ? rest : command;
		const problems = problemsOf({ ...targets, [field]: value });
		expect(problems).toHaveLength(1);
		expect(problems[0]).toMatch(new RegExp(`^${field}(\\.\\w+)?: `));
	});
});

describe('a time to come', () => {
	const at = (form: object) => parseMessage({ ...command, ...form }).notBefore;

	test('says its zone itself, or is of the one that is named, or else of UTC', () => {
		const utc = Date.UTC(2026, 11, 24, 8);
		expect(at({ notBefore: '2026-12-24T08:00:00+01:00' })).toBe(utc - 3_600_000);
		expect(at({ notBefore: '2026-12-24T08:00', timeZone: 'Europe/Oslo' })).toBe(utc - 3_600_000);
		expect(at({ notBefore: '2026-12-24T08:00Z', timeZone: 'Europe/Oslo' })).toBe(utc);
		expect(at({ notBefore: '2026-12-24 08:00' })).toBe(utc);
		expect(at({})).toBeUndefined();
	});

	test('that is none, or of no zone, is told with its field', () => {
		const problems = (form: object) => problemsOf({ ...command, ...form });
		expect(problems({ notBefore: 'soon' })).toEqual([expect.stringMatching(/^notBefore: .*got "soon"$/)]);
		expect(problems({ notBefore: 1e12 })).toEqual([expect.stringMatching(/^notBefore: /)]);
		expect(problems({ notBefore: '2026-02-30', timeZone: 'UTC' })).toHaveLength(1);
		expect(problems({ notBefore: '2026-12-24', timeZone: 'Oslo' })).toEqual([
			expect.stringMatching(/^timeZone: .*IANA/),
		]);
		expect(problems({ timeZone: 'UTC' })).toEqual([expect.stringMatching(/^timeZone: /)]);
		expect(problems({ kind: 'event', notBefore: '2026-12-24', timeZone: 'UTC' })).toEqual([
			'notBefore: an event has none; it is for commands',
			'timeZone: an event has none; it is for commands',
		]);
	});

	test('travels in the envelope, and makes it another command', () => {
		const envelope = (form: object) =>
			envelopeFor(parseMessage({ ...command, ...form }), 'ship1', 'c1', '_operator');
		const timed = envelope({ notBefore: '2026-12-24T08:00', timeZone: 'Europe/Oslo' });
		expect(decode(envelopeSchema, JSON.stringify(timed))).toEqual(timed);
		expect(timed.notBefore).toBe(Date.UTC(2026, 11, 24, 7));
		expect(envelopeDigest(timed)).toBe(envelopeDigest(envelope({ notBefore: '2026-12-24T07:00Z' })));
		expect(envelopeDigest(timed)).not.toBe(envelopeDigest(envelope({})));
		expect(envelope({})).not.toHaveProperty('notBefore');
	});
});

describe('fields that contradict each other', () => {
	const { toNode: _, kind: __, ...rest } = command;

	test('exactly one target', () => {
		expect(problemsOf({ ...rest, kind: 'command' })).toEqual([
			'toNode: expected exactly one of toNode, toNodes, where, got 0',
		]);
		expect(problemsOf({ ...command, toNodes: ['ship2'], where: { a: 'b' } })).toEqual([
			'toNode: expected exactly one of toNode, toNodes, where, got 3',
		]);
	});

	test('a kind, and only one', () => {
		expect(problemsOf({ ...rest, toNode: 'ship1' })).toEqual([
			'commandOrEvent: expected "command" or "event", got nothing',
		]);
		expect(problemsOf({ ...command, commandOrEvent: 'event' })).toContain(
			'kind: says "command" while commandOrEvent says "event"',
		);
	});

	test('an event has no policies of commands', () => {
		const policies = {
			lane: 'urgent',
			runFor: '1s',
			attempts: 2,
			backoff: 'fixed',
			onInterrupt: 'rerun',
			whenAbsent: 'skip',
		};
		expect(problemsOf({ ...command, kind: 'event', ...policies })).toEqual(
			Object.keys(policies).map((key) => `${key}: an event has none; it is for commands`),
		);
		expect(parseMessage({ ...command, kind: 'event', deliverWithin: '1d', id: 'e1' })).toMatchObject({
			id: 'e1',
			policy: { deliverWithinMs: 86_400_000 },
		});
	});
});

describe('problems', () => {
	test('all are listed together, also those between fields', () => {
		expect(
			problemsOf({ toNdoe: 'ship1', methd: 'x', method: '1', attempts: 0, lane: 'fast', kind: 'event' }),
		).toEqual([
			expect.stringMatching(/^method: expected 1 to 64 letters.*, got "1"$/),
			'lane: expected one of urgent, normal, bulk, got "fast"',
			expect.stringMatching(/^attempts: .*got 0$/),
			'toNdoe: unknown field; did you mean "toNode"?',
			'methd: unknown field; did you mean "method"?',
			'toNode: expected exactly one of toNode, toNodes, where, got 0',
			'lane: an event has none; it is for commands',
			'attempts: an event has none; it is for commands',
		]);
	});

	test.each([
		['tonode', 'toNode'],
		['comandOrEvent', 'commandOrEvent'],
		['on_interrupt', 'onInterrupt'],
		['run-for', 'runFor'],
		['atempts', 'attempts'],
	])('%s: did you mean %s?', (typed, meant) => {
		expect(problemsOf({ ...command, [typed]: 'x' })).toContain(
			`${typed}: unknown field; did you mean "${meant}"?`,
		);
	});

	test.each([undefined, null, 7, 'text', [], [command], true])('%j is no message', (input) => {
		expect(problemsOf(input)).toHaveLength(1);
		expect(problemsOf(input, { toNode: 'ship1', kind: 'command', method: 'x' })).toHaveLength(1);
	});

	test('what is not JSON is refused and not thrown at the caller', () => {
		const loop: unknown[] = [];
		loop.push(loop, loop);
		for (const data of [10n, () => 1, Number.NaN, Number.POSITIVE_INFINITY, Symbol('s'), loop]) {
			expect(problemsOf({ ...command, data })).toEqual([expect.stringMatching(/^data: /)]);
		}
	});

	test('data nested without end is refused before anything recurses into it', () => {
		const data: unknown = JSON.parse(`${'['.repeat(100_000)}${']'.repeat(100_000)}`);
		expect(problemsOf({ ...command, data })).toEqual([expect.stringMatching(/^data: expected .*nested/)]);
	});

	test('data nested as deep as it may be comes through to its node', () => {
		const data: unknown = JSON.parse(`${'['.repeat(deepestNesting)}${']'.repeat(deepestNesting)}`);
		const envelope = envelopeFor(parseMessage({ ...command, data }), 'ship1', 'c1', '_operator');
		expect(decode(envelopeSchema, JSON.stringify(envelope))?.data).toEqual(data);
		expect(problemsOf({ ...command, data: [data] })).toHaveLength(1);
	});

	test('a hostile message makes no long error', () => {
		const unknown = Object.fromEntries(
			Array.from({ length: 5000 }, (_, n) => [`k${n}${'x'.repeat(500)}`, 1]),
		);
		const toNodes = Array.from({ length: 5000 }, () => '*'.repeat(500));
		const { toNode: _, ...rest } = command;
		const problems = problemsOf({ ...rest, ...unknown, toNodes });
		expect(problems.join('; ').length).toBeLessThan(8000);
		expect(problems.at(-1)).toMatch(/^and \d+ more$/);
	});
});

describe('what the subject of a raw message says', () => {
	const defaults: FormDefaults = { toNode: 'ship1', kind: 'command', method: 'shellCommand' };

	test('may be left out of its body', () => {
		expect(parseMessage({ data: ['true'] }, defaults)).toMatchObject({
			target: { nodes: ['ship1'] },
			kind: 'command',
			method: 'shellCommand',
		});
	});

	test('is not added to other targets', () => {
		expect(parseMessage({ where: { a: 'b' } }, defaults).target).toEqual({ where: { a: 'b' } });
		expect(parseMessage({ toNodes: ['ship2'] }, defaults).target).toEqual({ nodes: ['ship2'] });
	});

	test('does not contradict commandOrEvent', () => {
		expect(parseMessage({ commandOrEvent: 'event' }, defaults).kind).toBe('event');
	});
});

describe('the envelope', () => {
	const message = parseMessage({ ...command, runFor: '1m', attempts: 2 });

	test('is for one node, on the normal lane if nobody says otherwise', () => {
		const envelope = envelopeFor(message, 'ship1', 'c1', '_operator');
		expect(envelopeSchema.parse(JSON.parse(JSON.stringify(envelope)))).toEqual({
			v: 1,
			id: 'c1',
			node: 'ship1',
			method: 'shellCommand',
			lane: 'normal',
			data: ['true'],
			sender: '_operator',
			deliverWithinMs: commandDefaults.deliverWithinMs,
			runForMs: 60_000,
			attempts: 2,
		});
	});

	const digestOf = (form: object, { node = 'ship1', id = 'c1', sender = '_operator' } = {}) =>
		envelopeDigest(envelopeFor(parseMessage({ ...command, ...form }), node, id, sender));

	test('equal content has one digest, whoever sent it and however it was written', () => {
		const digest = digestOf({});
		expect(digestOf({}, { sender: 'ship2' })).toBe(digest);
		expect(digestOf({ lane: 'normal', deliverWithin: '7d' })).toBe(digest);
		expect(digestOf({ data: { b: 1, a: [2, { d: 3, c: 4 }] } })).toBe(
			digestOf({ data: { a: [2, { c: 4, d: 3 }], b: 1 } }),
		);
		const travelled = envelopeSchema.parse(
			JSON.parse(JSON.stringify(envelopeFor(parseMessage(command), 'ship1', 'c1', 'x'))),
		);
		expect(envelopeDigest(travelled)).toBe(digest);
	});

	test('a lane that the method asks for, and nobody named, is no part of it', () => {
		const envelope = (form: object, methodLane?: 'urgent' | 'bulk') =>
			envelopeFor(parseMessage({ ...command, ...form }), 'ship1', 'c1', '_operator', methodLane);
		expect(envelope({}, 'urgent').lane).toBe('urgent');
		expect(envelopeDigest(envelope({}, 'urgent'))).toBe(digestOf({}));
		expect(envelopeDigest(envelope({}, 'bulk'))).toBe(digestOf({}));
		expect(envelope({ lane: 'bulk' }, 'urgent')).toEqual(envelope({ lane: 'bulk' }));
		expect(envelopeDigest(envelope({ lane: 'urgent' }, 'urgent'))).toBe(digestOf({ lane: 'urgent' }));
	});

	test('other content has another digest', () => {
		const digests = [
			digestOf({}),
			digestOf({ lane: 'urgent' }),
			digestOf({ lane: 'bulk' }),
			digestOf({ data: ['false'] }),
			digestOf({ data: null }),
			digestOf({ method: 'ping' }),
			digestOf({ deliverWithin: '6d' }),
			digestOf({ deliverWithin: 'never' }),
			digestOf({ runFor: '1m' }),
			digestOf({ attempts: 2 }),
			digestOf({ backoff: 'fixed' }),
			digestOf({ onInterrupt: 'rerun' }),
			digestOf({}, { node: 'ship2' }),
			digestOf({}, { id: 'c2' }),
		];
		expect(new Set(digests).size).toBe(digests.length);
	});
});
