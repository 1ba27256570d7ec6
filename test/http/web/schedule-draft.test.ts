import { describe, expect, test } from 'vitest';
import { parseSchedule } from '../../../src/domain/schedule.ts';
import {
	newSchedule,
	type ScheduleDraft,
	scheduleDraft,
	scheduleForm,
} from '../../../src/http/web/schedule/draft.ts';
import { messageForm } from '../../../src/http/web/send/message.ts';

const written = (draft: ScheduleDraft) => scheduleForm(draft, messageForm(draft.message, undefined).form);

describe('the form of a schedule', () => {
	test.each([
		[
			{
				name: 'nightly',
				cron: '0 3 * * *',
				timeZone: 'Europe/Oslo',
				toNodes: ['ship1', 'ship2'],
				message: { method: 'shellCommand', data: ['./backup', '{{node}}'], runFor: '1h' },
				missed: 'once',
				overlap: 'skip',
				note: 'asked for by anna',
			},
		],
		[
			{
				name: 'a',
				every: '15m',
				where: { role: 'tug' },
				message: { method: 'ping', data: { n: 1 } },
				placement: 'node',
				jitter: '1m',
			},
		],
		[
			{
				name: 'b',
				every: '1h',
				toNode: 'ship1',
				message: { method: 'ping' },
				missed: { all: { max: 10, notOlderThan: '1d' } },
				startAt: '2026-12-24T08:00',
				endAt: '2027-01-01T00:00',
				paused: true,
			},
		],
		[
			{
				name: 'c',
				cron: '@daily',
				toNode: 'ship1',
				message: { method: 'ping', backoff: { kind: 'fixed', initial: '1m' }, attempts: 3 },
				missed: 'all',
			},
		],
	])('comes back as it was: %j', (form) => {
		const again = written(scheduleDraft(form, []));
		expect(again).toEqual(form);
		expect(parseSchedule(again)).toEqual(parseSchedule(form));
	});

	test('leaves out what is as usual', () => {
		const draft = {
			...newSchedule('UTC'),
			name: 'x',
			target: { by: 'names', nodes: ['ship1'], labels: '' },
		} as const;
		expect(written(draft)).toEqual({
			name: 'x',
			cron: '0 3 * * *',
			timeZone: 'UTC',
			toNode: 'ship1',
			message: { method: 'shellCommand' },
		});
		expect(written({ ...draft, by: 'every' })).not.toHaveProperty('cron');
	});
});
