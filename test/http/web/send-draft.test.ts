import { describe, expect, test } from 'vitest';
import { parseMessage } from '../../../src/domain/message.ts';
import {
	labelsOf,
	noPolicy,
	policyDraft,
	policyForm,
	problemsByField,
	targetDraft,
	targetForm,
	whenForm,
} from '../../../src/http/web/send/draft.ts';

describe('what is typed', () => {
	test('becomes the form, and what is empty is left out', () => {
		expect(policyForm(noPolicy)).toEqual({});
		expect(policyForm({ ...noPolicy, runFor: ' 5m ', attempts: '3', backoff: 'fixed' })).toEqual({
			runFor: '5m',
			attempts: 3,
			backoff: 'fixed',
		});
		expect(policyForm({ ...noPolicy, backoffInitial: '2s', backoffJitter: '0.5' })).toEqual({
			backoff: { initial: '2s', jitter: 0.5 },
		});
	});

	test.each([
		[
			{
				lane: 'urgent',
				deliverWithin: 'never',
				runFor: '1h',
				attempts: 2,
				onInterrupt: 'rerun',
				patience: '1d',
				whenAbsent: 'skip',
			},
		],
		[{ backoff: 'fixed' }],
		[{ backoff: { kind: 'exponential', initial: '1s', cap: '5m', jitter: 0 } }],
		[{}],
	])('comes back as it was: %j', (form) => {
		expect(policyForm(policyDraft(form))).toEqual(form);
	});

	test('says who it is for', () => {
		for (const target of [
			{ toNode: 'ship1' },
			{ toNodes: ['ship1', 'ship2'] },
			{ where: { role: 'tug', fleet: 'north' } },
		]) {
			expect(targetForm(targetDraft(target))).toEqual(target);
		}
		expect(labelsOf('role=tug fleet=a=b, new')).toEqual({ role: 'tug', fleet: 'a=b', new: '' });
	});

	test('says when', () => {
		const draft = { when: 'now', wait: '', at: '2026-12-24T08:00', timeZone: 'Europe/Oslo' } as const;
		expect(whenForm(draft, undefined, 0)).toEqual({});
		expect(whenForm({ ...draft, when: 'at' }, undefined, 0)).toEqual({
			notBefore: '2026-12-24T08:00',
			timeZone: 'Europe/Oslo',
		});
		expect(whenForm({ ...draft, when: 'in' }, 60_000, 0)).toEqual({ notBefore: '1970-01-01T00:01:00.000Z' });
	});
});

describe('what the server finds wrong', () => {
	test('stands at its field, and nothing is lost', () => {
		let problems: unknown;
		try {
			parseMessage({
				toNode: 'no good',
				method: 'x',
				kind: 'command',
				runFor: 'long',
				data: 1,
				backoff: { kind: 'fixed', initial: 'y' },
				odd: 1,
			});
		} catch (error) {
			problems = error instanceof Error && 'details' in error ? error.details : undefined;
		}
		const { problems: lines } = problems as { problems: string[] };
		const found = problemsByField(
			[...lines, 'body.method: expected text'],
			['toNode', 'runFor', 'backoff', 'method'],
		);
		expect(Object.keys(found).sort()).toEqual(['', 'backoff', 'method', 'runFor', 'toNode']);
		expect(found['']).toEqual([expect.stringContaining('odd: unknown field')]);
		expect(found.backoff).toEqual(['not one of the accepted forms']);
		expect(found.method).toEqual(['expected text']);
	});
});
