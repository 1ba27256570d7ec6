import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bytesToSign } from '../../src/domain/signed-bytes.ts';
import { mintUser, newFleetKeys, publicKeyOf } from '../../src/security/accounts.ts';
import { parseCredentials } from '../../src/security/credentials.ts';
import { newUserKey, signingKey } from '../../src/security/keys.ts';
import {
	longestSeal,
	readSeal,
	type SealedStatement,
	sealHolds,
	sealStatements,
} from '../../src/security/seal.ts';
import { readUserJwt } from '../../src/security/user-jwt.ts';

const key = signingKey(newUserKey().seed);

function statements(count: number): SealedStatement[] {
	return Array.from({ length: count }, (_, n) => ({
		subject: `steward.report.ship1.c${n}`,
		data: `{"n":${n}}`,
	}));
}

function holds(text: string, statement: SealedStatement): boolean {
	const seal = readSeal(text, statement);
	return seal !== undefined && seal.key === key.publicKey && sealHolds(seal);
}

test('each statement of a batch of any size is checked alone', () => {
	for (const count of [1, 2, 3, 4, 5, 7, 8, 9, 64, 100, 333, 1000]) {
		const batch = statements(count);
		const seals = sealStatements(key, batch);
		const places = count < 20 ? batch.map((_, n) => n) : [0, 1, count >> 1, count - 2, count - 1];
		for (const n of places) {
			const [seal, statement] = [seals[n] ?? '', batch[n] ?? { subject: '', data: '' }];
			expect(seal.length).toBeLessThanOrEqual(longestSeal);
			expect(holds(seal, statement), `${n} of ${count}`).toBe(true);
			expect(holds(seal, { ...statement, data: '{}' })).toBe(false);
			expect(holds(seal, { ...statement, subject: 'steward.report.ship2.c0' })).toBe(false);
			// What shows that one statement belongs there shows it of no other.
			expect(holds(seals[(n + 1) % count] ?? '', statement)).toBe(count === 1);
		}
	}
});

test('no other text is a seal of the statement, save for another way to write the same', () => {
	const batch = statements(5);
	const [statement] = batch as [SealedStatement];
	const [seal = ''] = sealStatements(key, batch);
	const whole = readSeal(seal, statement);
	fc.assert(
		fc.property(fc.nat(seal.length - 1), fc.constantFrom(...'AbZ29_- /'), (at, letter) => {
			const changed = seal.slice(0, at) + letter + seal.slice(at + 1);
			const read = readSeal(changed, statement);
			if (read === undefined || !sealHolds(read)) return;
			expect(read.key).toBe(key.publicKey);
			expect(read.root).toEqual(whole?.root);
		}),
	);
	for (const odd of ['', 'x', seal.slice(0, -1), `${seal} x`, seal.replace('0/5', '0/99999'), `${seal}\n`]) {
		expect(holds(odd, statement), odd).toBe(false);
	}
});

test('the seal of two is what is written down', () => {
	const [one, two] = statements(2) as [SealedStatement, SealedStatement];
	const hash = (...parts: (string | Uint8Array)[]) =>
		createHash('sha256')
			.update(Buffer.concat(parts.map((part) => Buffer.from(part))))
			.digest();
	const [left, right] = [one, two].map(({ subject, data }) => hash(`\0${subject}\n${String(data)}`)) as [
		Buffer,
		Buffer,
	];
	const signature = key.sign(bytesToSign('statements', hash('\u0001', left, right)));
	expect(sealStatements(key, [one, two])).toEqual([
		`${key.publicKey} ${signature} 0/2 ${right.toString('base64url')}`,
		`${key.publicKey} ${signature} 1/2 ${left.toString('base64url')}`,
	]);
});

test('the JWT of a user says whose key it is, and who vouches; one that was altered says nothing', async () => {
	const keys = newFleetKeys();
	const expiresAt = Date.UTC(2030, 0, 1);
	const { creds = '' } = await mintUser(keys, { role: 'node', name: 'ship1', expiresAt });
	const { jwt, key: own } = parseCredentials(creds);
	const issuer = publicKeyOf(keys.signing.node[0] ?? '');
	expect(readUserJwt(jwt)).toEqual({ key: own.publicKey, name: 'ship1', issuer, expiresAt });
	const [header, body = '', signature] = jwt.split('.');
	const claims = JSON.parse(Buffer.from(body, 'base64url').toString());
	for (const change of [{ name: 'ship2' }, { sub: key.publicKey }, { iss: key.publicKey }, { exp: 0 }]) {
		const forged = Buffer.from(JSON.stringify({ ...claims, ...change })).toString('base64url');
		expect(readUserJwt(`${header}.${forged}.${signature}`), JSON.stringify(change)).toBeUndefined();
	}
	for (const odd of ['', 'a.b.c', `${header}.${body}`, `${header}.${body}.`])
		expect(readUserJwt(odd)).toBeUndefined();
});
