import { describe, expect, test } from 'vitest';
import { contentDigest } from '../../src/base/ids.ts';
import { type Envelope, envelopeDigest, envelopeSchema } from '../../src/domain/envelope.ts';

/** With every field that an envelope may have. */
const whole = envelopeSchema.parse({
	...{ v: 1, id: 'id1', node: 'ship1', method: 'ping', lane: 'urgent', data: { b: [1, null], a: 'ü' } },
	...{ sender: '_operator', notBefore: 7, deliverWithinMs: null, runForMs: 1000, attempts: 3 },
	...{ backoff: { kind: 'fixed', initialMs: 1000, capMs: 1000, jitter: 0 }, onInterrupt: 'rerun' },
	...{ patienceMs: 5000, lineage: { kind: 'retry', of: 'ship1.id0' } },
	signed: { key: 'A'.repeat(56), at: 1, until: 2, signature: 'a'.repeat(86) },
}) satisfies Envelope;

describe('the digest of an envelope', () => {
	test('is that of its content: all but who sent and signed it', () => {
		const { sender: _, signed: __, ...content } = whole;
		expect(envelopeDigest(whole)).toBe(contentDigest(content));
		const { notBefore: ___, runForMs: ____, ...less } = whole;
		const { sender: _____, signed: ______, ...lessContent } = less;
		expect(envelopeDigest(less)).toBe(contentDigest(lessContent));
	});

	test('is the same in every version of the program', () => {
		// Written down: a change of it would call a command that is sent again after an upgrade another one.
		expect(envelopeDigest(whole)).toBe('SJp9o1iM7PszxKlKTisqHdxgu9a-C_R0vagum2hEsDs');
	});

	test('differs where any field of the content does', () => {
		const others: Partial<Envelope>[] = [
			{},
			...[{ id: 'id2' }, { node: 'ship2' }, { method: 'pong' }, { lane: 'normal' as const }],
			...[{ data: null }, { notBefore: 8 }, { deliverWithinMs: 0 }, { runForMs: 1 }, { attempts: 1 }],
			...[{ backoff: undefined }, { onInterrupt: undefined }, { patienceMs: 1 }, { lineage: undefined }],
		];
		const digests = others.map((other) => envelopeDigest({ ...whole, ...other }));
		expect(new Set(digests).size).toBe(others.length);
	});

	test('of a lane that nobody named is the same whatever the method asks for', () => {
		const lanes = (['normal', 'urgent', 'bulk'] as const).map((lane) =>
			envelopeDigest({ ...whole, lane, laneFrom: 'method' }),
		);
		expect(new Set([...lanes, envelopeDigest({ ...whole, lane: 'normal' })]).size).toBe(1);
	});
});
