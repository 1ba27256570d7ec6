import { execFileSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import type { Cli } from '../../src/cli/cli.ts';
import { readScheduleForms, type ScheduleOptions } from '../../src/cli/commands/schedule-form.ts';
import {
	againLine,
	changeTable,
	outcomeLine,
	printDryRun,
	printSchedule,
	printUnsigned,
	scheduleTable,
	tickTable,
} from '../../src/cli/render/schedule.ts';
import { parseSchedule } from '../../src/domain/schedule.ts';
import { outcomeView, type ScheduleView, ticksAfter } from '../../src/domain/schedule-view.ts';
import { manualClock } from '../support/clock.ts';
import { keptScreen } from '../support/screen.ts';

const nowMs = Date.UTC(2026, 10, 22, 10);
const time = (hours: number) => new Date(nowMs + hours * 3_600_000).toISOString();

describe('what is written', () => {
	const cli: Cli = {
		...{ env: {}, cwd: '/', version: '0', program: 'steward', stdout: keptScreen(), stderr: keptScreen() },
		...{ clock: manualClock(), timeZone: 'Europe/Oslo', onSignal: () => () => undefined },
		endAtOnce: () => undefined,
		readStdin: async () => stdin,
	};
	let stdin = '';
	const read = async (words: string, options: ScheduleOptions = {}) =>
		(await readScheduleForms(cli, words.split(' ').filter(Boolean), options)).forms;

	test('as words and options is the same as in a file, with the zone of this machine', async () => {
		const options = {
			cron: '0 3 * * *',
			attempts: '3',
			missed: 'all,max=10,not-older-than=1d',
			jitter: '5m',
		};
		const [form] = await read('nightly ship1,ship2 shellCommand backup {{node}}', options);
		expect(form).toEqual({
			...{ name: 'nightly', cron: '0 3 * * *', timeZone: 'Europe/Oslo', toNodes: ['ship1', 'ship2'] },
			...{ missed: { all: { max: 10, notOlderThan: '1d' } }, jitter: '5m' },
			message: { method: 'shellCommand', data: ['backup', '{{node}}'], attempts: 3 },
		});
		stdin = JSON.stringify(form);
		expect(await read('', { file: '-' })).toEqual([form]);
		expect(parseSchedule(form).missed).toEqual({ policy: 'all', max: 10, notOlderThanMs: 86_400_000 });
		const [labels] = await read('tanks readTank', {
			...{ where: 'role=tug', every: '15m', timeZone: 'UTC', data: '{"tank":1}', paused: true },
			...{ placement: 'node', overlap: 'replace', startAt: '2027-01-01', endAt: '2028-01-01', note: 'x' },
		});
		expect(labels).toEqual({
			...{ name: 'tanks', every: '15m', timeZone: 'UTC', where: { role: 'tug' }, placement: 'node' },
			...{ overlap: 'replace', startAt: '2027-01-01', endAt: '2028-01-01', note: 'x', paused: true },
			message: { method: 'readTank', data: { tank: 1 } },
		});
	});

	test('in YAML may be one or several; what is wrong with it is told with its line', async () => {
		stdin = '- name: a\n  cron: 0 3 * * *\n- {"name": "b"}\n';
		expect(await read('', { file: '-' })).toEqual([{ name: 'a', cron: '0 3 * * *' }, { name: 'b' }]);
		stdin = 'name: a\ncron: */15 * * * *\n';
		await expect(read('', { file: '-' })).rejects.toMatchObject({
			...{ code: 'invalid', message: expect.stringMatching(/^stdin: .*line 2/s) },
		});
		stdin = '[]';
		await expect(read('', { file: '-' })).rejects.toMatchObject({ code: 'invalid' });
		stdin = `a: &a [1,1,1,1,1,1,1,1,1,1]\n${['b', 'c', 'd', 'e'].map((name, n) => `${name}: &${name} [${Array(10).fill(`*${'abcd'[n]}`).join(',')}]`).join('\n')}\n`;
		await expect(read('', { file: '-' })).rejects.toMatchObject({ code: 'invalid' });
		const beside = read('nightly', { file: '-', cron: '0 3 * * *', endAt: 'x' });
		await expect(beside).rejects.toMatchObject({
			message: expect.stringContaining('(nightly --cron --end-at)'),
		});
		await expect(read('', { file: 'no-such-file' })).rejects.toMatchObject({ code: 'usage' });
	});

	test('and lacks something is told with an example', async () => {
		for (const words of ['', 'nightly', 'nightly ship1']) {
			await expect(read(words, { cron: '@daily' })).rejects.toMatchObject({
				...{ code: 'usage', message: expect.stringContaining('steward schedules add nightly') },
			});
		}
		await expect(read('nightly', { where: 'a=b' })).rejects.toMatchObject({ code: 'usage' });
		const [form] = await read('nightly ship1 ping', { missed: 'all,max=ten' });
		expect(() => parseSchedule(form)).toThrow(/missed: expected "skip"/);
	});
});

const view: ScheduleView = {
	...{
		name: 'nightly',
		version: 3,
		words: 'At 03:00, Europe/Oslo',
		problem: null,
		cron: '0 3 * * *',
		everyMs: null,
	},
	...{ timeZone: 'Europe/Oslo', toNodes: ['ship1', 'ship2'], where: null, targets: 2, placement: 'centre' },
	message: { method: 'shellCommand', data: ['a\u001b[2J'], runFor: '1h' },
	missed: { policy: 'once', max: null, notOlderThanMs: null },
	...{ overlap: 'skip', jitterMs: 0, startAt: null, endAt: null, paused: false, note: 'a\nb' },
	...{ since: time(-48), next: time(3.5), changed: { at: time(-24), by: 'anna' }, on: [] },
	last: {
		tick: time(-2),
		states: { succeeded: 1, failed: 1 },
		nodes: [
			{ node: 'ship1', handle: 'ship1.a', tick: time(-2), state: 'succeeded' },
			{ node: 'ship2', handle: 'ship2.b', tick: time(-26), state: 'failed' },
		],
	},
	counts: { fired: 1200, missed: 3, skipped: 0 },
};

describe('a schedule', () => {
	test('many are a table: when, for whom, the next and the last, with the outcome of each node', () => {
		const where = { toNodes: null, where: { role: 'tug' }, targets: 40 };
		const onNodes = {
			...({ ...view, ...where, name: 'tanks', placement: 'node', paused: true, next: null } as const),
			on: [
				{ node: 'ship1', version: 2, inEffect: false, next: null, last: null, lastState: null, missed: 0 },
			],
			last: { tick: time(-2), states: { succeeded: 39, unreported: 1 }, nodes: [] },
		};
		const over = { ...view, name: 'over', next: null, last: null };
		expect(scheduleTable([view, onNodes, over], keptScreen(), nowMs).split('\n')).toEqual([
			'NAME     WHEN                   NODES          BY                 NEXT       LAST    OUTCOME                        MISSED  NOTE',
			'nightly  At 03:00, Europe/Oslo  ship1,ship2    centre             in 3h 30m  2h ago  ship1 succeeded, ship2 failed       3  a\\nb',
			'tanks    At 03:00, Europe/Oslo  role=tug (40)  node (on its way)  paused     2h ago  39 succeeded, 1 unreported          3  a\\nb',
			'over     At 03:00, Europe/Oslo  ship1,ship2    centre             over       -       -                                   3  a\\nb',
		]);
	});

	test('in full: what it sends, its policies, each node; nothing of it steers the terminal', () => {
		const screen = keptScreen({ columns: 200 });
		const on = [
			{
				node: 'ship1',
				version: 3,
				inEffect: true,
				next: time(3.5),
				last: time(-2),
				lastState: 'failed',
				missed: 2,
			},
			{ node: 'ship2', version: null, inEffect: false, next: null, last: null, lastState: null, missed: 0 },
		] as const;
		printSchedule(screen, { ...view, placement: 'node', on: [...on] }, nowMs);
		expect(screen.text).toBe(
			[
				'nightly  version 3',
				'  when      At 03:00, Europe/Oslo  (0 3 * * *)',
				'  nodes     ship1,ship2',
				'  sends     shellCommand ["a\\u001b[2J"]',
				'  policy    {"runFor":"1h"}',
				'  fired by  its nodes, also without a link',
				'  missed    once: of what could not fire in time the last one fires',
				'  overlap   skip: left out while the one before is not done',
				'  note      a\\nb',
				'  changed   2026-11-21T10:00:00.000Z (1d ago) by anna',
				'  next      2026-11-22T14:30:00+01:00 (in 3h 30m)',
				'  counts    1,200 fired, 3 missed, 0 skipped',
				'  last      2026-11-22T09:00:00+01:00 (2h ago)',
				'            ship1.a  succeeded',
				'            ship2.b  failed  of 2026-11-21T08:00:00.000Z (1d ago)',
				'  on        ship1  has version 3, next in 3h 30m, last 2h ago failed, 2 missed',
				'  on        ship2  has none: the change is on its way',
				'',
			].join('\n'),
		);
	});

	test('that cannot be read says so, and what to do', () => {
		const problem = 'timeZone: expected an IANA\ntime zone';
		const unread = {
			...view,
			problem,
			words: `cannot be read: ${problem}`,
			cron: null,
			next: null,
			last: null,
			note: '',
		};
		expect(scheduleTable([unread], keptScreen(), nowMs).split('\n')[1]).toMatch(
			/^nightly {2}cannot be read: timeZone: expected an IANA\\ntime zone {2}- +centre {2}never /,
		);
		const screen = keptScreen();
		printSchedule(screen, unread, nowMs);
		expect(screen.text).toContain('  problem   timeZone: expected an IANA\\ntime zone\n');
		expect(screen.text).toContain('--replace');
		expect(screen.text).not.toContain('next');
	});

	test('that nobody vouches for says so in lists, and is shown in full, so that it can be read', () => {
		const problem = 'nobody has\nsigned it';
		const unsigned = { ...view, problem, next: null };
		expect(scheduleTable([unsigned], keptScreen(), nowMs).split('\n')[1]).toMatch(
			/^nightly {2}fires nothing: nobody has\\nsigned it {2}ship1.* never /,
		);
		const screen = keptScreen();
		printSchedule(screen, unsigned, nowMs);
		expect(screen.text).toContain('  problem   nobody has\\nsigned it\n');
		expect(screen.text).toContain('  sends     shellCommand');
		const shown = keptScreen();
		const form = { name: 'nightly', toNode: 'ship1', message: { method: 'ping', data: '\u001b[2J' } };
		printUnsigned(shown, { name: 'nightly', version: 2, removed: false, form, by: 'eve\n', problem });
		expect(shown.text).toMatch(/^nightly {2}version 2 {2}changed last by eve\\n\n {2}nobody/);
		expect(shown.text).toContain('"data":"\\u001b[2J"');
	});

	test('of many nodes the others are counted', () => {
		const screen = keptScreen();
		const last = { ...view.last, tick: time(-2), states: { succeeded: 1500 }, nodes: view.last?.nodes ?? [] };
		printSchedule(screen, { ...view, last }, nowMs);
		expect(screen.text).toContain('            and 1,498 more\n');
	});

	test('its ticks stand in its own zone and in that of who looks, over a change of the clocks', () => {
		const form = {
			name: 'a',
			cron: '0 3 * * *',
			timeZone: 'Europe/Oslo',
			toNode: 'x',
			message: { method: 'ping' },
		};
		const schedule = parseSchedule(form);
		const before = Date.UTC(2026, 9, 24);
		const ticks = ticksAfter({ name: 'a', since: 0 }, schedule, before, 2);
		expect(tickTable(ticks, keptScreen(), before, 'UTC').split('\n')).toEqual([
			'Europe/Oslo                    UTC (here)                     WHEN',
			'Sat 2026-10-24T03:00:00+02:00  Sat 2026-10-24T01:00:00+00:00  in 1h',
			'Sun 2026-10-25T03:00:00+01:00  Sun 2026-10-25T02:00:00+00:00  in 1d 2h',
		]);
		expect(tickTable(ticks, keptScreen(), before, 'Europe/Oslo').split('\n')[0]).toBe(
			'Europe/Oslo (here)             WHEN',
		);
		const record = { name: 'a', form, since: before, version: null };
		const screen = keptScreen();
		printDryRun(screen, outcomeView('valid', record, schedule, before, { count: 10 }), before, 'UTC');
		expect(screen.text).toMatch(/^valid {2}a {2}At 03:00, Europe\/Oslo\n(.*\n){11}$/);
	});

	test.each(['bash', 'dash'])('that was removed is brought back by a line for %s', (shell) => {
		const data = ["it's", 'a\nb', '\\n \\\\ %s $HOME `id` !x', '\u202ec\u009b2J\u007f', 'ø'];
		const form = { name: 'a', every: '15m', toNode: 'x', message: { method: 'ping', data } };
		const line = againLine(form, 'cat; :');
		expect(line).not.toMatch(/[\n\u007f-\u009f\u202e]/);
		expect(line).toMatch(/ \| cat; : schedules add --file -$/);
		expect(JSON.parse(execFileSync(shell, ['-c', line], { encoding: 'utf8' }))).toEqual(form);
	});

	test('a change is one line', () => {
		const form = { name: 'a', every: '15m', toNode: 'x', message: { method: 'ping' } };
		const record = { name: 'a', form, since: nowMs, version: 2 };
		const outcome = outcomeView('changed', record, parseSchedule(form), nowMs, { fields: ['every', 'note'] });
		expect(outcomeLine(outcome, keptScreen(), nowMs)).toBe(
			'changed  a  version 2  every 15 minutes  (every, note)  next 2026-11-22T10:15:00+00:00 (in 15m)',
		);
		const change = {
			name: 'a',
			version: 2,
			at: time(-1),
			by: 'anna',
			change: 'paused',
			fields: ['paused'],
		} as const;
		expect(changeTable([{ ...change, fields: ['paused'], reason: 'dry\ndock' }], keptScreen(), nowMs)).toBe(
			'WHEN    BY    CHANGE  VERSION  FIELDS  REASON\n1h ago  anna  paused        2  paused  dry\\ndock',
		);
	});
});
