import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { parseSchedule, type ScheduleForm } from '../../src/domain/schedule.ts';
import { decideDue } from './due.ts';

const text = await readFile(new URL('../../docs/schedules.md', import.meta.url), 'utf8');
const at = (time: string) => Date.parse(`2026-11-22T${time}Z`);

/** The compiler wants each of them. */
const fields: Readonly<Record<keyof ScheduleForm, true>> = {
	...{ name: true, cron: true, every: true, timeZone: true, toNode: true, toNodes: true, where: true },
	...{ message: true, placement: true, missed: true, overlap: true, jitter: true, startAt: true },
	...{ endAt: true, paused: true, note: true },
};

/** As the page tells it. */
function told(cron: string, missed: ScheduleForm['missed'], from: string, to: string): string {
	const schedule = parseSchedule({ name: 'a', cron, missed, toNode: 'ship1', message: { method: 'ping' } });
	const decision = decideDue(schedule, at(from), at(to));
	const fire = decision.fire.map((tick) => new Date(tick).toISOString().slice(11, 16));
	const short = fire.length === 0 ? 'none' : fire.join(', ');
	const fires = fire.length > 3 ? `${fire.length}, ${fire[0]} to ${fire.at(-1)}` : short;
	return `fires ${fires}; ${decision.missed} missed`;
}

test.each<[string, ScheduleForm['missed']]>([
	['`skip`', 'skip'],
	['`once`', 'once'],
	['`all`', 'all'],
	['`all`, `max: 2`', { all: { max: 2 } }],
	['`all`, `notOlderThan: 30m`', { all: { notOlderThan: '30m' } }],
])('docs/schedules.md tells what fires with %s', (words, missed) => {
	const minutely = told('* * * * *', missed, '10:00:30', '11:00:30');
	const other = told('*/10 * * * *', missed, '10:05:00', '11:05:00');
	expect(text).toContain(`| ${words} | ${minutely} | ${other} |`);
});

test('its example is a schedule, and it names every field of one', () => {
	const [, yaml = ''] = /```yaml\n(.*?)```/s.exec(text) ?? [];
	expect(parseSchedule(parse(yaml)).name).toBe('nightly');
	for (const field of Object.keys(fields)) expect(text).toContain(`\`${field}\``);
});
