import { createAccount, createOperator, createUser, fromPublic } from '@nats-io/nkeys';
import { expect, test } from 'vitest';
import { newUserKey, signatureHolds, signingKey } from '../../src/security/keys.ts';

const text = new TextEncoder().encode('{"id":"a"}');

/** One key in 32 has the letter itself where it is put. */
const otherThan = (letter: string | undefined) => (letter === 'A' ? 'B' : 'A');

test('what is signed with a key holds for it, and for the library of NATS as well', () => {
	const { publicKey, seed } = newUserKey();
	const key = signingKey(seed);
	expect(key.publicKey).toBe(publicKey);
	const signature = key.sign(text);
	expect(signature).toMatch(/^[A-Za-z0-9_-]{86}$/);
	expect(signatureHolds(publicKey, text, signature)).toBe(true);
	expect(fromPublic(publicKey).verify(text, Buffer.from(signature, 'base64url'))).toBe(true);
	const pair = createUser();
	const theirs = Buffer.from(pair.sign(text)).toString('base64url');
	expect(signatureHolds(pair.getPublicKey(), text, theirs)).toBe(true);
});

test('another text, another key, half a signature or no key at all do not hold', () => {
	const key = signingKey(newUserKey().seed);
	const signature = key.sign(text);
	const other = new TextEncoder().encode('{"id":"b"}');
	expect(signatureHolds(key.publicKey, other, signature)).toBe(false);
	expect(signatureHolds(newUserKey().publicKey, text, signature)).toBe(false);
	expect(signatureHolds(key.publicKey, text, signature.slice(0, 40))).toBe(false);
	expect(signatureHolds(key.publicKey, text, '')).toBe(false);
	const changed = `${key.publicKey.slice(0, -1)}${otherThan(key.publicKey.at(-1))}`;
	for (const none of ['', 'U'.repeat(56), changed, 'ü']) {
		expect(signatureHolds(none, text, signature)).toBe(false);
	}
});

test('an error about a seed does not show it', () => {
	const { seed } = newUserKey();
	const broken = `${seed.slice(0, 20)}${otherThan(seed[20])}${seed.slice(21)}`;
	let told = '';
	try {
		signingKey(broken);
	} catch (error) {
		told = `${String(error)} ${JSON.stringify(error)} ${error instanceof Error ? error.stack : ''}`;
	}
	expect(told).toContain('no NATS seed');
	expect(told).not.toContain(seed.slice(0, 15));
	expect(told).not.toContain(seed.slice(-15));
});

test('a public key is written as the library of NATS writes it', () => {
	for (const make of [createUser, createAccount, createOperator]) {
		const pair = make();
		const seed = new TextDecoder().decode(pair.getSeed());
		expect(signingKey(seed).publicKey).toBe(pair.getPublicKey());
	}
});
