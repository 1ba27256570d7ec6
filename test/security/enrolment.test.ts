import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { decode } from '@nats-io/jwt';
import { describe, expect, test } from 'vitest';
import { isStewardError } from '../../src/base/errors.ts';
import { currentByName, trustListOf } from '../../src/domain/enrolled.ts';
import { credentialsOf, formatBundle, parseBundle } from '../../src/security/bundle.ts';
import { parseCredentials } from '../../src/security/credentials.ts';
import {
	bundleFacts,
	bundleOf,
	type EnrolRequest,
	enrol,
	type Repeat,
	revoke,
} from '../../src/security/enrolment.ts';
import { changeKeyFolder, readKeyFolder, revokedOf } from '../../src/security/key-folder.ts';
import { newUserKey } from '../../src/security/keys.ts';
import {
	accountsNow,
	addSigningKeys,
	behindRotation,
	finishRotation,
	isTold,
	noteTold,
	untoldAccounts,
} from '../../src/security/rotation.ts';
import { makeKeyFolder, nowMs } from './fleet-keys.ts';

const ship = (name: string, also: Partial<EnrolRequest> = {}): EnrolRequest => ({
	...{ name, role: 'node', labels: {} },
	...also,
});

function enrolIn(path: string, requests: readonly EnrolRequest[], repeat: Repeat = 'refuse', at = nowMs) {
	return changeKeyFolder(path, (folder) => enrol(folder, requests, { nowMs: at, repeat }));
}

async function codeOf(work: Promise<unknown>): Promise<string> {
	return work.then(
		() => 'none',
		(error) => (isStewardError(error) ? error.code : 'defect'),
	);
}

describe('who is enrolled', () => {
	test('gets a bundle that holds all it needs, and credentials of its own', async () => {
		await using keys = await makeKeyFolder({ names: ['hub.example.org', '2001:db8::1', '*.example.org'] });
		const expires = nowMs + 1000;
		const [one] = await enrolIn(keys.path, [ship('ship1', { labels: { role: 'tug' }, expires })]);
		if (one === undefined) throw new Error('nobody was enrolled');
		const facts = await bundleFacts(await readKeyFolder(keys.path));
		const bundle = parseBundle(formatBundle(bundleOf(facts, one)));
		expect(bundle).toMatchObject({
			...{ name: 'ship1', role: 'node', labels: { role: 'tug' } },
			servers: ['tls://hub.example.org:4222', 'tls://[2001:db8::1]:4222'],
			ca: await readFile(join(keys.path, 'ca.crt'), 'utf8'),
		});
		expect(bundle.trust.roots).toEqual([expect.stringMatching(/^O/)]);
		expect(bundle.trust.keys.map(({ name, role }) => [name, role])).toEqual([
			['centre', 'centre'],
			['dashboard', 'operator'],
		]);
		const credentials = parseCredentials(credentialsOf(bundle, undefined));
		expect(credentials).toMatchObject({ name: 'ship1', role: 'node', key: { publicKey: one.entry.key } });
		expect(decode(bundle.jwt)).toMatchObject({ exp: expires / 1000 });
		expect(await readFile(join(keys.path, 'enrolled.json'), 'utf8')).not.toContain(bundle.seed);
	});

	test('with a key of its own machine gets no secret, and needs exactly that key', async () => {
		await using keys = await makeKeyFolder();
		const own = newUserKey();
		const [one] = await enrolIn(keys.path, [ship('ship1', { publicKey: own.publicKey })]);
		if (one === undefined) throw new Error('nobody was enrolled');
		const bundle = bundleOf(await bundleFacts(await readKeyFolder(keys.path)), one);
		expect(formatBundle(bundle)).not.toMatch(/S[A-Z2-7]{57}/);
		expect(() => credentialsOf(bundle, undefined)).toThrow(/--key/);
		expect(() => credentialsOf(bundle, newUserKey().seed)).toThrow(/not the one/);
		expect(parseCredentials(credentialsOf(bundle, `${own.seed}\n`)).key.publicKey).toBe(own.publicKey);
	});

	test('is not enrolled twice by accident; again revokes the old key, renew keeps it', async () => {
		await using keys = await makeKeyFolder();
		const [first] = await enrolIn(keys.path, [ship('ship1')]);
		expect(await codeOf(enrolIn(keys.path, [ship('ship2'), ship('ship1')]))).toBe('refused');
		expect(currentByName((await readKeyFolder(keys.path)).enrolled).has('ship2')).toBe(false);
		expect(await codeOf(enrolIn(keys.path, [ship('ship2'), ship('ship2')]))).toBe('invalid');

		const [renewed] = await enrolIn(keys.path, [ship('ship1')], 'renew');
		expect(renewed?.entry.key).toBe(first?.entry.key);
		expect(renewed?.seed).toBeUndefined();
		expect(revokedOf((await readKeyFolder(keys.path)).enrolled)).toEqual([]);

		const [again] = await enrolIn(keys.path, [ship('ship1')], 'replace', nowMs + 5);
		expect(again?.entry.key).not.toBe(first?.entry.key);
		const { enrolled } = await readKeyFolder(keys.path);
		expect(revokedOf(enrolled)).toEqual([{ publicKey: first?.entry.key, role: 'node' }]);
		expect(enrolled.find(({ key }) => key === first?.entry.key)?.revoked).toBe(nowMs + 5);
		expect(currentByName(enrolled).get('ship1')?.key).toBe(again?.entry.key);
		expect(await codeOf(enrolIn(keys.path, [ship('ship3')], 'renew'))).toBe('not-found');
		// The old credentials would be those of the old role, and count on.
		expect(await codeOf(enrolIn(keys.path, [ship('ship1', { role: 'viewer' })], 'renew'))).toBe('refused');
	});

	test('keeps role, labels and the length of its life when nothing else is said', async () => {
		await using keys = await makeKeyFolder();
		const labels = { role: 'tug' };
		await enrolIn(keys.path, [
			...[ship('ship1', { labels, expires: nowMs + 1000 }), { name: 'alice', role: 'operator' as const }],
			{ name: 'ship2', labels },
		]);
		for (const repeat of ['renew', 'replace'] as const) {
			const names = [{ name: 'ship1' }, { name: 'alice' }, { name: 'ship2', labels: { role: 'ferry' } }];
			const made = await enrolIn(keys.path, names, repeat, nowMs + 500);
			expect(made.map(({ entry: { role, labels } }) => [role, labels])).toEqual([
				['node', labels],
				['operator', {}],
				['node', { role: 'ferry' }],
			]);
			expect(made.map(({ entry }) => entry.expires)).toEqual([nowMs + 1500, undefined, undefined]);
			expect(decode(made[1]?.jwt ?? '')).toMatchObject({ nats: { tags: ['role:operator'] } });
		}
		const labelled = enrolIn(keys.path, [{ name: 'alice', labels }], 'renew');
		expect(await codeOf(labelled)).toBe('invalid');
	});

	test('stays out once revoked, also with the same key under another name', async () => {
		await using keys = await makeKeyFolder();
		const { publicKey } = newUserKey();
		await enrolIn(keys.path, [ship('ship1', { publicKey })]);
		await changeKeyFolder(keys.path, (folder) => revoke(folder, ['ship1'], nowMs + 1));
		expect(await codeOf(enrolIn(keys.path, [ship('ship1', { publicKey })]))).toBe('refused');
		expect(await codeOf(enrolIn(keys.path, [ship('other', { publicKey })]))).toBe('refused');
		expect(await codeOf(enrolIn(keys.path, [ship('ship1')]))).toBe('none');
		const unknown = changeKeyFolder(keys.path, (folder) => revoke(folder, ['ship1', 'ship9'], nowMs));
		expect(await codeOf(unknown)).toBe('not-found');
	});

	test('has a name that a subject can hold, and a key of a user', async () => {
		await using keys = await makeKeyFolder();
		for (const name of ['', 'a.b', '*', '>', '_x', '17', 'a/b', 'x'.repeat(64), 'ship 1', 'schiff\n']) {
			expect([name, await codeOf(enrolIn(keys.path, [ship(name)]))]).toEqual([name, 'invalid']);
		}
		const { trust } = await bundleFacts(await readKeyFolder(keys.path));
		expect(await codeOf(enrolIn(keys.path, [ship('a', { publicKey: trust.roots[0] })]))).toBe('invalid');
		expect((await readKeyFolder(keys.path)).enrolled).toHaveLength(3);
	});
});

test('a trust list names who may send, until it expires, and nobody who was revoked', () => {
	const entry = (name: string, role: 'operator' | 'viewer' | 'centre' | 'node', also = {}) => ({
		...{ name, role, key: `U${name}`, signer: 'A', labels: {}, at: 5 },
		...also,
	});
	const list = trustListOf(
		[
			...[entry('alice', 'operator', { revoked: 50 }), entry('bob', 'operator', { expires: 100 })],
			...[entry('eve', 'viewer'), entry('ship1', 'node'), entry('centre', 'centre')],
		],
		['O'],
	);
	expect(list).toEqual({
		roots: ['O'],
		keys: [
			{ key: 'Ubob', name: 'bob', role: 'operator', until: 100 },
			{ key: 'Ucentre', name: 'centre', role: 'centre' },
		],
	});
});

describe('what the server has to know', () => {
	test('is told after each change that takes something back or adds a signing key, and by nothing else', async () => {
		await using keys = await makeKeyFolder();
		const told = async () => isTold(await readKeyFolder(keys.path));
		const tell = () => changeKeyFolder(keys.path, noteTold);
		expect(await told()).toBe(true);
		await enrolIn(keys.path, [ship('ship1'), ship('ship2')]);
		expect(await told()).toBe(true);
		await changeKeyFolder(keys.path, (folder) => revoke(folder, ['ship1'], nowMs));
		expect(await told()).toBe(false);
		expect(untoldAccounts(await readKeyFolder(keys.path))).toEqual(['SHIPS']);
		await tell();
		expect(await told()).toBe(true);
		await changeKeyFolder(keys.path, addSigningKeys);
		expect(await told()).toBe(false);
	});

	test('is in the configuration as well, whose other lines stay as they are', async () => {
		await using keys = await makeKeyFolder();
		const path = join(keys.path, 'server', 'nats-server.conf');
		const text = async () => readFile(path, 'utf8');
		const before = (await text()).split('\n');
		await enrolIn(keys.path, [ship('ship1')]);
		await changeKeyFolder(keys.path, (folder) => revoke(folder, ['ship1'], nowMs));
		const accounts = await changeKeyFolder(keys.path, accountsNow);
		const after = (await text()).split('\n');
		expect(after).toHaveLength(before.length);
		// JWTs of one second with the same content are the same: those of SHIPS differ for certain.
		const changed = after.filter((line, index) => line !== before[index]).map((line) => line.split(': ')[1]);
		expect(changed).toContain(accounts.find(({ name }) => name === 'SHIPS')?.jwt);
		for (const { jwt } of accounts) expect(after.join('\n').split(jwt)).toHaveLength(2);
		expect(changed.filter((jwt) => !accounts.some((one) => one.jwt === jwt))).toEqual([]);
		const revoked = accounts.flatMap(({ jwt }) =>
			Object.keys(decode<{ revocations?: Record<string, number> }>(jwt).nats.revocations ?? {}),
		);
		const { enrolled } = await readKeyFolder(keys.path);
		expect(revoked).toEqual(enrolled.filter(({ revoked }) => revoked).map(({ key }) => key));
	});

	test('new signing keys go beside the old ones until they are taken out, and who is behind is named', async () => {
		await using keys = await makeKeyFolder();
		await enrolIn(keys.path, [ship('ship1'), ship('ship2')]);
		const behind = async () => {
			const folder = await readKeyFolder(keys.path);
			return behindRotation(folder, folder.enrolled);
		};
		expect(await behind()).toEqual([]);
		const { keys: before } = await readKeyFolder(keys.path);
		await changeKeyFolder(keys.path, addSigningKeys);
		const { keys: both } = await readKeyFolder(keys.path);
		for (const [role, [old]] of Object.entries(before.signing)) {
			expect(Object.entries(both.signing)).toContainEqual([
				role,
				[expect.not.stringMatching(old ?? ''), old],
			]);
		}
		expect(await behind()).toEqual(['centre', 'dashboard', 'central', 'ship1', 'ship2']);
		await enrolIn(keys.path, [ship('ship1')], 'renew');
		expect(await behind()).toEqual(['centre', 'dashboard', 'central', 'ship2']);
		const { keys: seeds } = await changeKeyFolder(keys.path, finishRotation);
		expect(Object.values(seeds.signing).map((list) => list.length)).toEqual([1, 1, 1, 1, 1]);
		expect((await readKeyFolder(keys.path)).keys).toEqual(seeds);
	});
});
