import { decode } from '@nats-io/jwt';
import { expect, test } from 'vitest';
import { accountJwts, fleetRoles, mintUser, newFleetKeys, publicKeyOf } from '../../src/security/accounts.ts';
import { parseCredentials } from '../../src/security/credentials.ts';
import { newUserKey } from '../../src/security/keys.ts';
import { accountOf, covers, offers, permissions, services } from '../../src/security/permissions.ts';

const keys = newFleetKeys();

type Claims = { permissions?: unknown; tags?: string[]; issuer_account?: string; [field: string]: unknown };

test('a user has its role and its name, and no permission of its own', async () => {
	for (const role of fleetRoles) {
		const { jwt, creds = '' } = await mintUser(keys, { role, name: 'ship1', expiresAt: 1_900_000_000_000 });
		const { name, iss, exp, nats } = decode<Claims>(jwt);
		expect({ name, iss, exp }).toEqual({
			name: 'ship1',
			iss: publicKeyOf(keys.signing[role][0] ?? ''),
			exp: 1_900_000_000,
		});
		expect(nats.issuer_account).toBe(publicKeyOf(keys.accounts[accountOf[role]]));
		expect(Object.keys(nats).sort()).toEqual(['issuer_account', 'tags', 'type', 'version']);
		expect(parseCredentials(creds)).toMatchObject({ name: 'ship1', role });
	}
});

test('a key that was made elsewhere gets a JWT and nothing secret', async () => {
	const { publicKey } = newUserKey();
	const minted = await mintUser(keys, { role: 'node', name: 'ship1', publicKey });
	expect(minted).toEqual({ publicKey, jwt: minted.jwt });
	expect(decode(minted.jwt).sub).toBe(publicKey);
	for (const none of ['U'.repeat(56), publicKeyOf(keys.operator), newUserKey().seed]) {
		const refused = mintUser(keys, { role: 'node', name: 'ship1', publicKey: none });
		await expect(refused).rejects.toMatchObject({ code: 'invalid' });
		await expect(refused).rejects.not.toThrow(none);
	}
});

test('a name that would be more than one token, or any, is refused', async () => {
	for (const name of ['', '*', '>', 'a.b', 'a b', '_operator', '1', '{{name()}}', 'a'.repeat(64)]) {
		await expect(mintUser(keys, { role: 'node', name })).rejects.toMatchObject({ code: 'invalid' });
	}
});

test('accounts hold public keys only, and a revoked key only where its role is, whenever its JWT was made', async () => {
	const revoked = [{ publicKey: newUserKey().publicKey, role: 'node' as const }];
	const accounts = await accountJwts(keys, { revoked });
	const text = accounts.map(({ jwt }) => Buffer.from(jwt.split('.')[1] ?? '', 'base64url')).join('');
	for (const seed of [
		keys.operator,
		...Object.values(keys.accounts),
		...Object.values(keys.signing).flat(),
	]) {
		expect(text).not.toContain(seed);
	}
	const revocations = accounts.map(({ name, jwt }) => [name, decode<Claims>(jwt).nats.revocations]);
	expect(Object.fromEntries(revocations)).toEqual({
		...{ SYS: {}, HUB: {}, VIEWERS: {} },
		SHIPS: { [revoked[0]?.publicKey ?? '']: Date.parse('9999-12-31T23:59:59Z') / 1000 },
	});
});

test('what an account reaches is on offer once, and its users may use no more than it reaches', () => {
	for (const name of ['SHIPS', 'VIEWERS'] as const) {
		for (const { hub } of services[name]) {
			expect(offers().filter((offer) => covers(offer.hub, hub))).toHaveLength(1);
		}
	}
	for (const [role, reached] of [
		['node', services.SHIPS],
		['viewer', services.VIEWERS],
	] as const) {
		for (const subject of permissions[role].publish) {
			expect(
				reached.some(({ local }) => covers(local, subject)),
				subject,
			).toBe(true);
		}
	}
});

test('one subject covers another token by token', () => {
	for (const [wide, narrow] of [
		['a.>', 'a.b.c'],
		['a.*', 'a.b'],
		['a.*', 'a.*'],
		['a.>', 'a.*.>'],
	] as const) {
		expect(covers(wide, narrow), `${wide} ${narrow}`).toBe(true);
	}
	for (const [wide, narrow] of [
		['a.>', 'a'],
		['a.b', 'a.*'],
		['a.*', 'a.>'],
		['a.*', 'a.b.c'],
	] as const) {
		expect(covers(wide, narrow), `${wide} ${narrow}`).toBe(false);
	}
});
