import { expect, test } from 'vitest';
import { LeftLog } from '../../../src/http/live/left-log.ts';

test('names what left after a moment, and says where it cannot because it had not begun', () => {
	const log = new LeftLog(100);
	const begun = log.until;
	log.note('a.1', 110);
	log.note('a.2', 120);
	expect(log.between(begun, log.until)).toEqual({ handles: ['a.1', 'a.2'], isWhole: true });
	expect(log.between(110, log.until)).toEqual({ handles: ['a.2'], isWhole: true });
	expect(log.between(99, log.until)).toEqual({ handles: ['a.1', 'a.2'], isWhole: false });
	expect(log.between(log.until, log.until)).toEqual({ handles: [], isWhole: true });
	// Another server had come further.
	expect(log.between(500, log.until)).toEqual({ handles: [], isWhole: true });
});

test('what is noted late comes after what somebody may have been told', () => {
	const log = new LeftLog(0);
	log.note('a.1', 200);
	log.note('a.2', 150);
	const seen = log.until;
	expect(log.between(0, seen).handles).toEqual(['a.1', 'a.2']);
	log.note('a.3', 120);
	expect(log.between(seen, log.until).handles).toEqual(['a.3']);
});

test('keeps a bounded number, and says what it dropped that it cannot name', () => {
	const log = new LeftLog(0);
	for (let place = 1; place <= 45_000; place++) log.note(`a.${place}`, place);
	const { handles, isWhole } = log.between(0, log.until);
	expect([handles.length <= 40_000, handles.at(-1), isWhole]).toEqual([true, 'a.45000', false]);
	expect(log.between(44_990, log.until)).toMatchObject({ isWhole: true, handles: { length: 10 } });
});
