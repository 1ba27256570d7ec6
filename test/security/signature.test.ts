import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Envelope, envelopeDigest } from '../../src/domain/envelope.ts';
import { bytesToSign } from '../../src/domain/signed-bytes.ts';
import { newUserKey, signingKey } from '../../src/security/keys.ts';
import { signEnvelope, signedContent } from '../../src/security/signature.ts';

const key = signingKey(newUserKey().seed);
const now = Date.UTC(2026, 4, 1);
const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

const envelope: Envelope = {
	v: 1,
	id: 'a',
	node: 'ship1',
	method: 'shellCommand',
	lane: 'normal',
	data: { command: ['ls', '-l'] },
	sender: '_operator',
	deliverWithinMs: 60_000,
};

test('what is signed holds, and again after it has travelled', () => {
	const signed = signEnvelope(envelope, key, now);
	expect(signedContent(signed)).toMatch(/^[A-Za-z0-9_-]{43}$/);
	expect(signedContent(JSON.parse(JSON.stringify(signed)))).toBe(signedContent(signed));
});

test('the signed bytes are those that are written down: FF, a line, canonical JSON', () => {
	const signed = signEnvelope(envelope, key, now);
	const json =
		'{"data":{"command":["ls","-l"]},"deliverWithinMs":60000,"id":"a","lane":"normal","method":"shellCommand","node":"ship1",' +
		`"sender":"_operator","signed":{"at":${now},"key":"${key.publicKey}","until":${now + 60_000 + hourMs}},"v":1}`;
	const bytes = Buffer.concat([Buffer.from([255]), Buffer.from(`steward command 1\n${json}`)]);
	expect(key.sign(bytes)).toBe(signed.signed.signature);
	// Whatever text a broker has a client sign at a connect, it is no command.
	expect(Buffer.from(bytesToSign('command', json)).toString()).toContain('\ufffd');
	expect(bytesToSign('statements', json)).not.toEqual(bytesToSign('command', json));
});

test('any JSON that data may be is signed as it travels', () => {
	fc.assert(
		fc.property(fc.jsonValue(), (data) => {
			const travelled = JSON.parse(JSON.stringify(signEnvelope({ ...envelope, data }, key, now)));
			expect(signedContent(travelled)).toBeDefined();
		}),
	);
	const odd = { at: new Date(now), none: undefined, list: [undefined], minus: -0, half: '\ud800' };
	expect(signedContent(signEnvelope({ ...envelope, data: odd }, key, now))).toBeDefined();
});

test('of what JSON writes as another number nothing holds', () => {
	const text = JSON.stringify(signEnvelope({ ...envelope, data: { a: 0, b: null } }, key, now));
	expect(signedContent(JSON.parse(text.replace('"a":0', '"a":-0')))).toBeUndefined();
	expect(signedContent(JSON.parse(text.replace('"b":null', '"b":1e999')))).toBeUndefined();
	expect(signedContent(JSON.parse(text.replace('"a":0', '"a":0.0')))).toBeDefined();
});

test('two ways to write one signature are one content', () => {
	const signed = signEnvelope(envelope, key, now);
	const { signature } = signed.signed;
	const same = ['A', 'B', 'C', 'Q', 'g', 'w']
		.map((last) => signature.slice(0, -1) + last)
		.filter((text) => Buffer.from(text, 'base64url').equals(Buffer.from(signature, 'base64url')));
	const contents = same.map((text) =>
		signedContent({ ...signed, signed: { ...signed.signed, signature: text } }),
	);
	expect(new Set([...contents, signedContent(signed)]).size).toBe(1);
});

test.each([
	['its deadline and an hour for clocks', {}, 60_000 + hourMs],
	['a year where it is never too late', { deliverWithinMs: null }, 365 * dayMs + hourMs],
	['its time, its deadline and a day', { notBefore: now + 7 * dayMs }, 8 * dayMs + 60_000],
])('it may be started until %s', (_, change, until) => {
	expect(signEnvelope({ ...envelope, ...change }, key, now).signed).toMatchObject({
		at: now,
		until: now + until,
	});
});

test('signing again takes the place of the signature, and the command stays the same command', () => {
	const other = signingKey(newUserKey().seed);
	const twice = signEnvelope(signEnvelope(envelope, key, now), other, now + 5);
	expect(twice).toEqual(signEnvelope(envelope, other, now + 5));
	expect(envelopeDigest(twice)).toBe(envelopeDigest(envelope));
});
