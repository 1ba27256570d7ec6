import { expect, test } from 'vitest';
import {
	documentsFor,
	type Published,
	type SignedDocument,
	type UnsignedDocument,
} from '../../src/domain/document.ts';
import { offer, rotationsWith, signDocument } from '../../src/security/document.ts';
import { newUserKey, signingKey } from '../../src/security/keys.ts';

const newRoot = () => signingKey(newUserKey().seed);
const [a, b, c] = [newRoot(), newRoot(), newRoot()];

function list(
	version: number,
	roots: readonly { publicKey: string }[],
	over: Partial<UnsignedDocument> = {},
) {
	const body = { roots: roots.map(({ publicKey }) => publicKey), keys: [] };
	return { v: 1, kind: 'trust', version, at: 0, body, ...over } as const;
}

function publishedAfter(document: SignedDocument, before?: Published): Published {
	return { v: 1, document, rotations: rotationsWith(document, before), by: '', reason: '' };
}

const pinned = { roots: [a.publicKey], document: undefined };

test('a list that a pinned root signed is accepted; one of anybody else, or altered, is not', () => {
	const good = signDocument(list(1, [a]), [a]);
	expect(offer([good], pinned)).toMatchObject({ judgement: { verdict: 'accepted' }, document: good });
	const foreign = signDocument(list(1, [b]), [b]);
	const altered: SignedDocument[] = [
		{ ...good, version: 2 },
		{ ...good, at: 1 },
		{ ...good, kind: 'access' },
		{ ...good, body: { roots: [b.publicKey], keys: [] } },
		{ ...good, signatures: [{ key: a.publicKey, signature: foreign.signatures[0]?.signature ?? '' }] },
		{ ...good, signatures: [{ key: b.publicKey, signature: good.signatures[0]?.signature ?? '' }] },
	];
	for (const bad of [foreign, ...altered]) {
		const { judgement, document } = offer([bad], pinned);
		expect(judgement).toMatchObject({
			verdict: 'refused',
			why: expect.stringContaining('no signature of a root'),
		});
		expect(document).toBeUndefined();
	}
	// Fields in another order are the same document.
	const { body, ...rest } = good;
	expect(offer([{ body, ...rest }], pinned).judgement.verdict).toBe('accepted');
	expect(offer([good], { roots: [], document: undefined }).judgement).toMatchObject({
		why: expect.stringContaining('no root key is known here'),
	});
});

test('an older version never replaces a newer one, and one version never means two things', () => {
	const [first, second] = [signDocument(list(1, [a]), [a]), signDocument(list(2, [a]), [a])];
	const held = offer([second], pinned);
	expect(offer([first], held)).toMatchObject({ judgement: { verdict: 'older' }, document: second });
	expect(offer([second], held).judgement.verdict).toBe('known');
	// Signed by another root as well, it says the same.
	expect(offer([signDocument(list(2, [a]), [b, a])], held).judgement.verdict).toBe('known');
	const other = signDocument(list(2, [a, b]), [a]);
	expect(offer([other], held).judgement).toMatchObject({ why: expect.stringContaining('other content') });
});

test('a signed list that says nonsense changes nothing, and says why', () => {
	const nonsense = signDocument(list(3, [a], { body: { roots: [], keys: 'all', kyes: 1 } }), [a]);
	const { judgement, document } = offer([nonsense], pinned);
	expect(judgement).toMatchObject({
		verdict: 'refused',
		why: expect.stringMatching(/roots.*keys.*kyes: unknown field/s),
	});
	expect(document).toBeUndefined();
	const rules = signDocument({ v: 1, kind: 'access', version: 1, at: 0, body: { rules: [{ allow: '*' }] } }, [
		a,
	]);
	expect(offer([rules], pinned)).toMatchObject({ judgement: { verdict: 'accepted' }, roots: [a.publicKey] });
});

test('roots rotate: whoever missed any of the lists in between comes to the current one, and old roots count no more', () => {
	const steps = [
		signDocument(list(1, [a]), [a]),
		signDocument(list(2, [a, b]), [a]),
		signDocument(list(3, [b]), [b]),
		signDocument(list(4, [b]), [b]),
		signDocument(list(5, [c]), [b]),
		signDocument(list(6, [c]), [c]),
	];
	const published: Published[] = [];
	for (const step of steps) published.push(publishedAfter(step, published.at(-1)));
	const current = published.at(-1);
	if (!current) throw new Error('nothing was published');
	// From each list, and from the pinned root alone.
	for (let has = 0; has < steps.length; has++) {
		const held = has === 0 ? pinned : offer(steps.slice(0, has), pinned);
		expect(held.document?.version).toBe(has || undefined);
		const { judgement, document, roots } = offer(documentsFor(current, has), held);
		expect({ has, judgement }).toEqual({ has, judgement: { verdict: 'accepted' } });
		expect(document?.version).toBe(6);
		expect(roots).toEqual([c.publicKey]);
		expect(offer([signDocument(list(7, [a]), [a, b])], { roots, document }).judgement.verdict).toBe(
			'refused',
		);
	}
	expect(documentsFor(current, 0).map(({ version }) => version)).toEqual([2, 3, 5, 6]);
	expect(documentsFor(current, 5).map(({ version }) => version)).toEqual([6]);
	// Without them nobody would come there.
	expect(offer([current.document], pinned).judgement.verdict).toBe('refused');
});

test('a first list that names other roots than those that signed it leads to them as well', () => {
	const first = publishedAfter(signDocument(list(1, [b]), [a]));
	const second = publishedAfter(signDocument(list(2, [b]), [b]), first);
	expect(offer(documentsFor(second, 0), pinned).judgement.verdict).toBe('accepted');
});
