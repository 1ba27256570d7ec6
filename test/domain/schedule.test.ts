import { describe, expect, test } from 'vitest';
import { isStewardError, messageOf } from '../../src/base/errors.ts';
import { parseSchedule, type ScheduleForm } from '../../src/domain/schedule.ts';

const form = {
	...{
		name: 'nightly',
		cron: '0 2 * * *',
		toNode: 'ship1',
		message: { method: 'shellCommand', data: { command: ['date'] } },
	},
} satisfies ScheduleForm;

function problemsOf(input: unknown): string[] {
	try {
		parseSchedule(input);
	} catch (error) {
		const problems = isStewardError(error, 'invalid') ? error.details.problems : undefined;
		if (!Array.isArray(problems)) throw error;
		expect(messageOf(error)).toBe(`the schedule is not valid: ${problems.join('; ')}`);
		return problems;
	}
	return [];
}

describe('what is left out', () => {
	test('has a default', () => {
		const schedule = parseSchedule(form);
		expect(schedule).toMatchObject({
			...{ name: 'nightly', target: { nodes: ['ship1'] }, placement: 'centre', missed: { policy: 'once' } },
			...{ overlap: 'skip', jitterMs: 0, startAt: null, endAt: null, paused: false, note: '' },
		});
		expect(schedule.zone.name).toBe('UTC');
		expect(schedule.recurrence).toMatchObject({ kind: 'cron', cron: { expression: '0 2 * * *' } });
		expect(schedule.message).toMatchObject({
			kind: 'command',
			method: 'shellCommand',
			data: { command: ['date'] },
		});
		expect('target' in schedule.message).toBe(false);
	});
});

describe('accepted forms', () => {
	test('of a recurrence', () => {
		expect(parseSchedule({ ...form, cron: undefined, every: '1h30m' }).recurrence).toEqual({
			kind: 'every',
			everyMs: 5_400_000,
		});
		expect(parseSchedule({ ...form, cron: '@weekly' }).recurrence).toMatchObject({
			cron: { expression: '@weekly' },
		});
	});

	test.each([
		['skip', { policy: 'skip' }],
		['once', { policy: 'once' }],
		['all', { policy: 'all', max: 100, notOlderThanMs: 604_800_000 }],
		[{ all: {} }, { policy: 'all', max: 100, notOlderThanMs: 604_800_000 }],
		[{ all: { max: 10 } }, { policy: 'all', max: 10, notOlderThanMs: 604_800_000 }],
		[{ all: { max: 1000, notOlderThan: '90m' } }, { policy: 'all', max: 1000, notOlderThanMs: 5_400_000 }],
	] as const)('missed: %j', (missed, expected) => {
		expect(parseSchedule({ ...form, missed }).missed).toEqual(expected);
	});

	test('of a target', () => {
		const { toNode: _, ...rest } = form;
		expect(parseSchedule({ ...rest, toNodes: ['a', 'b', 'a'] }).target).toEqual({ nodes: ['a', 'b'] });
		expect(parseSchedule({ ...rest, where: { fleet: 'north' } }).target).toEqual({
			where: { fleet: 'north' },
		});
	});

	test('times are those of the zone, unless they say where', () => {
		const { startAt, endAt } = parseSchedule({
			...{ ...form, timeZone: 'Europe/Oslo', startAt: '2026-12-24T08:00', endAt: '2026-12-24T07:00Z' },
		});
		expect([startAt, endAt]).toEqual([Date.parse('2026-12-24T07:00Z'), Date.parse('2026-12-24T07:00Z')]);
	});

	test('all that may be said', () => {
		expect(
			parseSchedule({
				...form,
				placement: 'node',
				overlap: 'replace',
				jitter: '1d',
				paused: true,
				note: 'x'.repeat(1000),
			}),
		).toMatchObject({ placement: 'node', overlap: 'replace', jitterMs: 86_400_000, paused: true });
	});
});

describe('problems', () => {
	test('all at once', () => {
		expect(
			problemsOf({
				...{
					name: 'a b',
					cron: '60 * * * *',
					every: '10ms',
					timeZone: 'Oslo',
					toNode: '_x',
					toNodes: [],
					placement: 'ship',
				},
				...{
					missed: 'never',
					overlap: 'wait',
					jitter: '2d',
					startAt: 'soon',
					endAt: 7,
					paused: 'no',
					note: 1,
					jiter: '1m',
				},
				message: { method: '7', data: { text: '{{nod}}' }, attempts: 0, id: 'x', runFor: 'long' },
			}),
		).toEqual([
			'name: expected 1 to 64 letters, digits, "_" or "-" (for example nightly-backup), got "a b"',
			'timeZone: expected an IANA time zone such as Europe/Oslo or UTC, got "Oslo"',
			expect.stringMatching(/^toNode: expected 1 to 63 letters/),
			expect.stringMatching(/^toNodes: /),
			'placement: expected "centre" or "node", got "ship"',
			expect.stringMatching(/^missed: expected "skip", "once", "all" or \{ "all"/),
			'overlap: expected "allow", "skip" or "replace", got "wait"',
			expect.stringMatching(/^endAt: .*string, got 7$/),
			expect.stringMatching(/^paused: .*boolean, got "no"$/),
			expect.stringMatching(/^note: .*string, got 1$/),
			'jiter: unknown field; did you mean "jitter"?',
			'cron: expected exactly one of cron, every, got both',
			'every: expected 1s at the least, got "10ms"',
			'cron: expected a cron expression (minute: got value 60 expected range 0-59), got "60 * * * *"',
			'jitter: expected 10s at the most (1,000 times every), got "2d"',
			expect.stringMatching(/^startAt: expected a time such as .*, got "soon"$/),
			'toNode: expected exactly one of toNode, toNodes, where, got 2',
			'message.id: each tick has an id of its own',
			'message.data: {{nod}}: there is no such word; did you mean "{{node}}"?',
			expect.stringMatching(/^message\.method: expected 1 to 64 letters/),
			expect.stringMatching(/^message\.runFor: expected a duration/),
			expect.stringMatching(/^message\.attempts: /),
		]);
	});

	test.each<[unknown, (string | RegExp)[]]>([
		[{ name: undefined }, [/^name: /]],
		[{ cron: undefined }, ['cron: expected exactly one of cron, every, got none']],
		[{ cron: 5 }, [/^cron: .*string, got 5$/]],
		[{ cron: '* * * *' }, [/^cron: expected 5 fields/]],
		[{ cron: '* * * * * * *' }, [/^cron: expected 5 fields/]],
		[
			{ cron: 'H 2 * * *' },
			['cron: expected a cron expression (minute: no H; jitter spreads the nodes), got "H 2 * * *"'],
		],
		[{ cron: undefined, every: '999ms' }, ['every: expected 1s at the least, got "999ms"']],
		[{ cron: undefined, every: '5' }, [/^every: expected a duration/]],
		[{ cron: undefined, every: 60 }, [/^every: expected a duration/]],
		[{ timeZone: '+01:00' }, [/^timeZone: expected an IANA time zone/]],
		[{ toNode: undefined }, ['toNode: expected exactly one of toNode, toNodes, where, got 0']],
		[{ where: { a: 'b' } }, ['toNode: expected exactly one of toNode, toNodes, where, got 2']],
		[{ toNode: undefined, where: {} }, ['where: expected at least one label, got {}']],
		[{ startAt: '2026-02-30' }, [/^startAt: expected a time such as/]],
		[{ startAt: '2026-03-01', endAt: '2026-02-01' }, ['endAt: it is before startAt']],
		[{ jitter: '1d1s' }, ['jitter: expected 1d at the most, got "1d1s"']],
		// What reckons with it looks back as far: no more ticks than can be walked through.
		[
			{ cron: undefined, every: '2s', jitter: '2001s' },
			['jitter: expected 33m 20s at the most (1,000 times every), got "2001s"'],
		],
		[{ cron: undefined, every: '2s', jitter: '2000s' }, []],
		[{ cron: undefined, every: '1h', jitter: '25h' }, ['jitter: expected 1d at the most, got "25h"']],
		[
			{ cron: '0 0 2 * * *', jitter: '16m' },
			['jitter: expected 15m at the most (with a cron that has seconds), got "16m"'],
		],
		[{ cron: ' 0  0 2 * * * ', jitter: '15m' }, []],
		[{ note: 'x'.repeat(1001) }, [/^note: /]],
		[{ missed: { all: { max: 0 } } }, [/^missed: expected/]],
		[{ missed: { all: { max: 1001 } } }, [/^missed: expected/]],
		[{ missed: { all: { maxx: 1 } } }, ['missed.all.maxx: unknown field']],
		[{ message: undefined }, ['message: expected the message to send: method, data, …, got nothing']],
		[{ message: [] }, [/^message: expected the message to send/]],
		[
			{ message: { toNode: 'ship2', notBefore: 1, timeZone: 'UTC', method: 'x' } },
			[/^message.toNode: the target/, /^message.notBefore: /, /^message.timeZone: /],
		],
		[{ message: { method: 'x', datta: 1 } }, ['message.datta: unknown field; did you mean "data"?']],
		[{ message: { method: 'x', toString: 1 } }, ['message.toString: unknown field']],
		[
			{ message: { method: '', kind: 'event' } },
			[/^message.commandOrEvent: a schedule sends commands/, /^message.method: /],
		],
		[
			{ message: { method: 'x', commandOrEvent: 'event' } },
			[/^message.commandOrEvent: a schedule sends commands/],
		],
		[
			{ message: { method: 'x', commandOrEvent: 'thing' } },
			[/^message.commandOrEvent: expected "command" or "event"/],
		],
		[{ timezone: 'UTC' }, ['timezone: unknown field; did you mean "timeZone"?']],
	])('%j', (change, expected) => {
		const problems = problemsOf({ ...form, ...(change as object) });
		expect(problems).toEqual(
			expected.map((problem) => (typeof problem === 'string' ? problem : expect.stringMatching(problem))),
		);
	});

	test.each([null, undefined, 5, 'text', [], true])('%j is no schedule', (input) => {
		expect(problemsOf(input).length).toBeGreaterThan(0);
	});

	test('of data in a circle, too deep, and wide', () => {
		const circle: Record<string, unknown> = {};
		circle.circle = circle;
		let deep: unknown = 1;
		for (let depth = 0; depth < 100_000; depth++) deep = [deep];
		for (const data of [circle, deep]) {
			expect(problemsOf({ ...form, message: { method: 'x', data } })).toEqual([
				expect.stringMatching(/^message.data: expected data nested at most/),
			]);
		}
		const wide = Array.from({ length: 200_000 }, () => 0);
		expect(problemsOf({ ...form, message: { method: 'x', data: wide } })).toEqual([]);
	});
});
