import { expect, test } from 'vitest';
import { StatementCheck } from '../../src/central/statement-check.ts';
import type { TrustedKey, TrustList } from '../../src/domain/trust.ts';
import { mintUser, newFleetKeys, publicKeyOf } from '../../src/security/accounts.ts';
import { parseCredentials } from '../../src/security/credentials.ts';
import { newUserKey, type SigningKey, signingKey } from '../../src/security/keys.ts';
import { sealStatements } from '../../src/security/seal.ts';

const now = Date.UTC(2026, 4, 1);
const fleet = newFleetKeys();
const ships = { key: publicKeyOf(fleet.signing.node[0] ?? ''), name: 'ships', role: 'node' } as const;

async function ship(name: string, keys = fleet, expiresAt?: number) {
	const { creds = '' } = await mintUser(keys, { role: 'node', name, expiresAt });
	return parseCredentials(creds);
}

const statement = { subject: 'steward.report.ship1.a', data: Buffer.from('{}') };

function delivery(key: SigningKey | undefined, told = statement) {
	const [seal = ''] = key ? sealStatements(key, [statement]) : [];
	return { ...told, header: (name: string) => (name === 'Steward-Seal' ? seal : '') };
}

function checker(keys: readonly TrustedKey[] | undefined, jwts: Record<string, string> = {}, at = now) {
	const trust = (): TrustList | undefined => keys && { roots: [], keys: [...keys] };
	return new StatementCheck({ trust, jwtOf: (node) => jwts[node], serverNow: () => at });
}

test('a node is known by its JWT, which a key of the fleet vouches for', async () => {
	const { key, jwt } = await ship('ship1');
	const check = checker([ships], { ship1: jwt });
	expect(check.check('ship1', delivery(key))).toBe('held');
	expect(check.check('ship1', delivery(undefined))).toBe('none');
	const altered = { ...statement, data: Buffer.from('{"v":1}') };
	expect(check.check('ship1', delivery(key, altered))).toBe('broken');
	const elsewhere = { ...statement, subject: 'steward.report.ship1.b' };
	expect(check.check('ship1', delivery(key, elsewhere))).toBe('broken');
});

test('a key that nobody knows yet is unknown; without a trust list nothing is checked', async () => {
	const { key, jwt } = await ship('ship1');
	expect(checker([ships]).check('ship1', delivery(key))).toBe('unknown');
	expect(checker([ships], { ship1: jwt }).check('ship1', delivery(signingKey(newUserKey().seed)))).toBe(
		'unknown',
	);
	expect(checker(undefined, { ship1: jwt }).check('ship1', delivery(key))).toBeNull();
	const ofOthers = [{ ...ships, role: 'operator' as const }];
	expect(checker(ofOthers, { ship1: jwt }).check('ship1', delivery(key))).toBeNull();
});

test('a JWT of another node, another fleet, another role or another time vouches for nothing', async () => {
	const other = await ship('ship2');
	expect(checker([ships], { ship1: other.jwt }).check('ship1', delivery(other.key))).toBe('broken');
	const strange = await ship('ship1', newFleetKeys());
	expect(checker([ships], { ship1: strange.jwt }).check('ship1', delivery(strange.key))).toBe('broken');
	const expired = await ship('ship1', fleet, now - 1000);
	expect(checker([ships], { ship1: expired.jwt }).check('ship1', delivery(expired.key))).toBe('broken');
	const { key, jwt } = await ship('ship1');
	const elsewhere = { ...ships, key: publicKeyOf(newFleetKeys().signing.node[0] ?? '') };
	const asOperator = [{ ...ships, role: 'operator' as const }, elsewhere];
	expect(checker(asOperator, { ship1: jwt }).check('ship1', delivery(key))).toBe('broken');
});

test('signing keys overlap while they are rotated', async () => {
	const { key, jwt } = await ship('ship1');
	const [rotated] = [{ ...ships, until: now + 1000 }];
	expect(checker([rotated], { ship1: jwt }).check('ship1', delivery(key))).toBe('held');
	expect(checker([rotated], { ship1: jwt }, now + 1000).check('ship1', delivery(key))).toBe('broken');
});

test('an entry of its own decides, also where it counts no more', async () => {
	const { key, jwt } = await ship('ship1');
	const own = { key: key.publicKey, name: 'ship1', role: 'node' } as const;
	expect(checker([own]).check('ship1', delivery(key))).toBe('held');
	const ended = checker([ships, { ...own, until: now }], { ship1: jwt });
	expect(ended.check('ship1', delivery(key))).toBe('broken');
	expect(checker([{ ...own, name: 'ship2' }]).check('ship1', delivery(key))).toBe('broken');
});
