import { describe, expect, test } from 'vitest';
import {
	type DeadLetter,
	deadLetterView,
	letterSummarySchema,
	matchesLetter,
	summaryOf,
} from '../../src/domain/dead-letter.ts';
import { parseDeadSubject, subjects } from '../../src/domain/subject.ts';
import { viewSchemas } from '../../src/domain/view-schema.ts';

const letter: DeadLetter = {
	...{ v: 1, node: 'ship1', kind: 'command', method: 'ping', id: 'a', sender: '_operator', at: 1000 },
	...{ attempts: 2, fault: { code: 'badData', message: 'first\nsecond' }, lineage: null, origin: '' },
	...{ holds: 'envelope', kept: 'whole', characters: 2, message: '{}', replayed: null },
};

describe('the subject of a dead letter', () => {
	test('is read as it was built', () => {
		const subject = subjects.dead('ship1', 'event', 'textLogging', 'e1');
		expect(parseDeadSubject(subject)).toEqual({
			...{ node: 'ship1', kind: 'event', method: 'textLogging', id: 'e1' },
		});
		expect(subjects.deadWhere({ node: 'ship1', id: 'e1' })).toBe('steward.dead.ship1.*.*.e1');
		expect(subjects.deadWhere({})).toBe('steward.dead.*.*.*.*');
	});

	test.each([
		'steward.dead.ship1.event.textLogging',
		'steward.dead.ship1.event.textLogging.e1.more',
		'steward.dead.ship1.job.textLogging.e1',
		'steward.dead.*.event.textLogging.e1',
		'steward.dead.ship1.event.*.e1',
		'steward.dead.ship1.event.textLogging.*',
		'steward.event.ship1.event.textLogging.e1',
	])('is not %s', (subject) => {
		expect(parseDeadSubject(subject)).toBeUndefined();
	});
});

test('the summary is the letter without its message, and of a long reason the beginning', () => {
	const { message: _, ...rest } = letter;
	expect(summaryOf(letter)).toEqual(rest);
	expect(letterSummarySchema.parse(JSON.parse(JSON.stringify(summaryOf(letter))))).toEqual(rest);
	const long = summaryOf({ ...letter, fault: { code: 'x', message: 'y'.repeat(5000) } });
	expect(long.fault.message).toHaveLength(200);
	expect(JSON.stringify(summaryOf(letter))).not.toMatch(/[\r\n]/);
});

test('a filter lets through what it says, and everything where it says nothing', () => {
	const replayed = { ...letter, replayed: { as: 'ship1.b', at: 2000, by: 'me' } };
	expect(matchesLetter({}, letter)).toBe(true);
	for (const [filter, matches] of [
		[{ node: 'ship1' }, true],
		[{ node: 'ship2' }, false],
		[{ kind: 'command', method: 'ping', code: 'badData' }, true],
		[{ kind: 'event' }, false],
		[{ method: 'pin' }, false],
		[{ code: 'bad' }, false],
		[{ since: 1000 }, true],
		[{ since: 1001 }, false],
		[{ replayed: false }, true],
		[{ replayed: true }, false],
	] as const) {
		expect([filter, matchesLetter(filter, letter)]).toEqual([filter, matches]);
	}
	expect(matchesLetter({ replayed: true }, replayed)).toBe(true);
	expect(matchesLetter({ replayed: false }, replayed)).toBe(false);
});

test('the view has every field of the contract and no other, with its message and without', () => {
	const replayed = { ...letter, replayed: { as: 'ship1.b', at: 2000, by: 'me' } };
	for (const view of [deadLetterView(replayed, 7), deadLetterView(summaryOf(letter), 7)]) {
		expect(viewSchemas.deadLetter.strict().parse(view)).toEqual(view);
	}
	expect(deadLetterView(replayed, 7)).toMatchObject({
		...{ handle: 'ship1.a', seq: 7, at: '1970-01-01T00:00:01.000Z', message: '{}' },
		replayed: { as: 'ship1.b', at: '1970-01-01T00:00:02.000Z', by: 'me' },
	});
});
