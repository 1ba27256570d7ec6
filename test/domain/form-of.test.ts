import fc from 'fast-check';
import { expect, test } from 'vitest';
import { exactDuration, parseDuration } from '../../src/base/duration.ts';
import { parseSince } from '../../src/base/since.ts';
import { envelopeDigest, envelopeFor } from '../../src/domain/envelope.ts';
import { formOf } from '../../src/domain/form-of.ts';
import { parseMessage } from '../../src/domain/message.ts';

test('a duration is written so that it is read again to the millisecond', () => {
	expect(exactDuration(5_400_000)).toBe('1h30m');
	expect(exactDuration(604_800_000)).toBe('7d');
	expect(exactDuration(90_061_001)).toBe('1d1h1m1s1ms');
	fc.assert(fc.property(fc.nat(4_000_000_000), (ms) => parseDuration(exactDuration(ms)) === ms));
});

test('since then is a duration ago or a moment, and nothing else', () => {
	const now = Date.UTC(2026, 10, 23);
	expect(parseSince('1h', now)).toBe(now - 3_600_000);
	expect(parseSince('2026-11-22', now)).toBe(now - 86_400_000);
	expect(parseSince('2026-11-22T23:00:00Z', now)).toBe(now - 3_600_000);
	for (const text of ['', 'yesterday', '2026', '1', '2026-13-40T00:00:00Z', '-1h'])
		expect(parseSince(text, now)).toBeUndefined();
});

const duration = fc.integer({ min: 0, max: 10_000_000 }).map(exactDuration);
const forms = fc.record(
	{
		method: fc.constantFrom('ping', 'shellCommand'),
		kind: fc.constant('command' as const),
		toNode: fc.constant('ship1'),
		data: fc.jsonValue({ maxDepth: 2 }),
		lane: fc.constantFrom('urgent' as const, 'normal' as const, 'bulk' as const),
		deliverWithin: fc.oneof(fc.constant('never' as const), duration),
		runFor: duration,
		attempts: fc.integer({ min: 1, max: 1000 }),
		backoff: fc.oneof(
			fc.constantFrom('fixed' as const, 'exponential' as const),
			fc.record({
				kind: fc.constantFrom('fixed' as const, 'exponential' as const),
				initial: duration,
				cap: duration,
				jitter: fc.double({ min: 0, max: 1, noNaN: true }),
			}),
		),
		onInterrupt: fc.constantFrom('report' as const, 'rerun' as const),
		patience: duration,
	},
	{ requiredKeys: ['method', 'kind', 'toNode'] },
);

test('the form of an envelope makes the same command again, under any id', () => {
	fc.assert(
		fc.property(forms, (form) => {
			const envelope = envelopeFor(parseMessage(form), 'ship1', 'a', '_operator');
			const again = envelopeFor(parseMessage(formOf(envelope)), 'ship1', 'a', '_operator');
			expect(envelopeDigest(again)).toBe(envelopeDigest(envelope));
		}),
	);
});

test('a lane that the method asked for is left to it, and what belongs to the one command stays out', () => {
	const message = parseMessage({
		toNode: 'ship1',
		method: 'ping',
		kind: 'command',
		notBefore: '2026-11-23T10:00:00Z',
	});
	const envelope = envelopeFor(message, 'ship1', 'a', '_operator', 'bulk');
	expect(Object.keys(formOf({ ...envelope, lineage: { kind: 'retry', of: 'ship1.b' } })).toSorted()).toEqual([
		'commandOrEvent',
		'deliverWithin',
		'method',
		'toNode',
	]);
});
