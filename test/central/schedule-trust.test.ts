import { expect, test } from 'vitest';
import { DocumentIndex } from '../../src/central/document-index.ts';
import { ScheduleTrust, tombstoneMs } from '../../src/central/schedule-trust.ts';
import type { ScheduleRecord } from '../../src/domain/schedule.ts';
import type { TrustList } from '../../src/domain/trust.ts';
import { signDocument } from '../../src/security/document.ts';
import { newUserKey, type SigningKey, signingKey } from '../../src/security/keys.ts';
import { signRecord } from '../../src/security/record-signature.ts';
import { recordOf, start } from './firing.ts';

const [root, other, alice, mallory] = [1, 2, 3, 4].map(() => signingKey(newUserKey().seed)) as [
	SigningKey,
	SigningKey,
	SigningKey,
	SigningKey,
];
const listOf = (operator: SigningKey, by = root): TrustList => ({
	roots: [by.publicKey],
	keys: [{ key: operator.publicKey, name: 'alice', role: 'operator' }],
});

/** `publish` is what the broker says: whoever signed it, and whatever came before. */
function trusting(roots: readonly string[] = [], left?: ConstructorParameters<typeof ScheduleTrust>[2]) {
	const documents = new DocumentIndex(roots);
	const trust = new ScheduleTrust(documents, roots, left);
	const publish = (version: number, body: TrustList, by = root) => {
		const document = signDocument({ v: 1, kind: 'trust', version, at: 0, body }, [by]);
		documents.take({ kind: 'trust', published: { v: 1, document, rotations: [], by: '', reason: '' } });
	};
	const gone = () => documents.take({ kind: 'trust', published: undefined });
	return { trust, publish, gone, ask: (record: ScheduleRecord) => trust.problemOf(record, start) };
}

const plain = recordOf({ name: 'a', every: '1h' });
const by = (key: SigningKey, more: Partial<ScheduleRecord> = {}, at = start) =>
	signRecord({ ...plain, ...more }, key, at);

test('without a trust list nobody has to vouch; with one an operator of it has to', () => {
	const { ask, publish } = trusting();
	expect([ask(plain), ask(by(mallory))]).toEqual([undefined, undefined]);
	publish(1, listOf(alice));
	expect(ask(plain)).toContain('nobody has signed it (steward schedules sign a');
	expect(ask(by(mallory))).toContain(mallory.publicKey);
	expect(ask(by(alice))).toBeUndefined();
});

test('a list that the broker takes away, puts back, or has signed by another root changes nothing', () => {
	const { ask, publish, gone } = trusting();
	publish(1, listOf(mallory));
	publish(2, listOf(alice));
	const holds = () => expect([ask(by(alice)), ask(by(mallory)) !== undefined]).toEqual([undefined, true]);
	holds();
	publish(1, listOf(mallory));
	holds();
	publish(3, listOf(mallory, other), other);
	holds();
	gone();
	holds();
	publish(3, listOf(mallory));
	expect(ask(by(alice))).toBeDefined();
});

test('what was pinned on this machine counts before anything is heard, and decides what is heard', () => {
	const pinned = trusting([root.publicKey]);
	expect(pinned.ask(by(alice))).toBeDefined();
	pinned.publish(1, listOf(mallory, other), other);
	expect(pinned.ask(by(mallory))).toBeDefined();
	pinned.publish(1, listOf(alice));
	expect(pinned.ask(by(alice))).toBeUndefined();
	const left = trusting([], { list: listOf(alice) });
	expect([left.ask(by(alice)), left.ask(plain)]).toEqual([undefined, expect.stringContaining('nobody')]);
	left.publish(1, listOf(mallory, other), other);
	expect(left.ask(by(mallory))).toBeDefined();
	const unreadable = trusting([], { documents: [], problem: new Error('no JSON') });
	unreadable.publish(1, listOf(mallory));
	expect(unreadable.ask(by(mallory))).toBeDefined();
	const body = listOf(alice);
	const signed = signDocument({ v: 1, kind: 'trust', version: 1, at: 0, body }, [root]);
	expect(trusting([root.publicKey], { documents: [signed] }).ask(by(alice))).toBeUndefined();
});

test('an older version that is put back is not believed, unless the name has begun anew since', () => {
	const { ask, publish } = trusting();
	publish(1, listOf(alice));
	const second = by(alice, { version: 2 }, start + 10);
	expect(ask(second)).toBeUndefined();
	expect(ask(by(alice))).toContain('version 1, and this centre has seen version 2');
	// What nobody signed makes nothing old.
	expect(ask({ ...plain, version: 9 })).toBeDefined();
	expect(ask(second)).toBeUndefined();
	expect(ask(by(alice, { version: 3, removed: true }, start + 20))).toBeUndefined();
	expect(ask(second)).toContain('seen version 3');
	expect(ask(by(alice, {}, start + 20 + tombstoneMs - 1))).toContain('seen version 3');
	expect(ask(by(alice, {}, start + 20 + tombstoneMs))).toBeUndefined();
});
