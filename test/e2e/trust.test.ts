import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { runProgram } from '../../src/cli/program.ts';
import { publicKeyOf } from '../../src/security/accounts.ts';
import { parseCredentials } from '../../src/security/credentials.ts';
import { writeAccounts, writeEnrolled, writeFleet } from '../../src/security/key-folder.ts';
import { newUserKey } from '../../src/security/keys.ts';
import { eventually } from '../support/eventually.ts';
import { startCentral, startNode } from '../support/fleet.ts';
import { keptScreen } from '../support/screen.ts';
import { startSecureNats } from '../support/secure-nats.ts';
import { tempDir } from '../support/temp.ts';

/** The command line in this process: each as a child process would take a second. */
async function run(env: Record<string, string>, cwd: string, words: readonly string[]) {
	const [stdout, stderr] = [keptScreen(), keptScreen()];
	const cli = {
		...{ env, cwd, version: 'test', program: 'steward', stdout, stderr, clock: systemClock, timeZone: 'UTC' },
		readStdin: async () => '',
		onSignal: () => () => undefined,
		endAtOnce: () => undefined,
	};
	const code = await runProgram(cli, words);
	return { code, stdout: stdout.text, stderr: stderr.text };
}

test('an operator publishes who is trusted and what they may do, sees who has it, and is told why something is denied', async () => {
	await using nats = await startSecureNats();
	await using dir = await tempDir();
	const hub = await nats.credentials('centre', 'hub');
	await using _ = await startCentral(nats.url, {}, hub);
	const root = publicKeyOf(nats.keys.operator);
	const node = { roots: [root] };
	const credentials = await nats.credentials('node', 'ship1');
	await using ship = await startNode(nats.url, 'ship1', { credentials, node });
	expect(ship.part.name).toBe('node ship1');

	const rootFile = join(dir.path, 'operator.nk');
	await writeFile(rootFile, `${nats.keys.operator}\n`, { mode: 0o600 });
	const aliceFile = await nats.credentialsFile('operator', 'alice');
	const alice = parseCredentials(await readFile(aliceFile, 'utf8')).key.publicKey;
	const env = { STEWARD_SERVERS: nats.url, STEWARD_CREDENTIALS: aliceFile, USER: 'alice', HOME: dir.path };
	const steward = (...args: string[]) => run(env, dir.path, args);
	const json = async (...args: string[]) => JSON.parse((await steward(...args, '--json')).stdout);

	expect(await steward('trust')).toMatchObject({
		code: 4,
		stderr: expect.stringContaining('no trust list yet'),
	});
	const keys = [{ key: hub.key.publicKey, name: 'hub', role: 'centre' }];
	await writeFile(join(dir.path, 'trust.json'), JSON.stringify({ roots: [root], keys }));
	await eventually(async () => (await json('nodes', 'ls'))[0]?.presence === 'present', {
		message: 'the ship is there',
	});
	const publish = ['trust', 'publish', '--file', 'trust.json'];
	expect(await steward(...publish)).toMatchObject({ code: 2, stderr: expect.stringContaining('--root-key') });
	await chmod(rootFile, 0o644);
	expect(await steward(...publish, '--keys', '.')).toMatchObject({
		code: 2,
		stderr: expect.stringContaining('chmod 600'),
	});
	await chmod(rootFile, 0o600);
	expect(await json(...publish, '--keys', '.', '--reason', 'to begin with')).toMatchObject({
		outcome: 'published',
		document: { version: 1, by: 'alice', reason: 'to begin with', signers: [root] },
		nodes: { have: ['ship1'], waiting: [], absent: [] },
	});

	// Not in the list: told at once. Then she is.
	const ls = ['send', 'ship1', 'shellCommand', '--wait', '--', 'ls', '/'];
	expect(await steward(...ls)).toMatchObject({
		code: 6,
		stderr: expect.stringContaining('not in trust list 1'),
	});
	const added = await steward('trust', 'add-key', 'alice', alice, '--until', '365d', '--root-key', rootFile);
	expect(added).toMatchObject({
		code: 0,
		stdout: expect.stringContaining('in effect on 1 node, all that take it'),
	});
	expect((await steward(...ls)).code).toBe(0);
	expect((await steward('trust', 'add-key', 'x', 'nonsense', '--keys', '.')).stderr).toContain(
		'expected a public key',
	);
	expect(await steward('trust', 'remove-key', 'bob', '--keys', '.')).toMatchObject({ code: 4 });

	const rules = 'rules:\n  - { allow: shellCommand, issuer: alice, args: [ls, "**"], note: looking }\n';
	await writeFile(
		join(dir.path, 'access.yaml'),
		`${rules}  - { allow: "control/*", role: centre, sender: 1 }\n`,
	);
	const bad = await steward('access', 'check', '--file', 'access.yaml');
	expect(bad).toMatchObject({ code: 2, stderr: expect.stringContaining('rules.1.sender') });
	await writeFile(join(dir.path, 'access.yaml'), rules);
	expect(await steward('access', 'check', '--file', 'access.yaml')).toMatchObject({
		code: 0,
		stderr: expect.stringContaining('the centre may not use the control lane'),
	});
	expect((await json('access', 'set', '--file', 'access.yaml', '--keys', '.')).nodes.have).toEqual(['ship1']);
	expect((await json('access', 'set', '--file', 'access.yaml', '--keys', '.')).outcome).toBe('unchanged');
	expect((await steward(...ls)).code).toBe(0);
	expect(await steward('send', 'ship1', 'shellCommand', '--', 'rm', '-r', '/srv')).toMatchObject({
		code: 6,
		stderr: expect.stringContaining('no rule of the access list allows it'),
	});
	const asked = ['access', 'explain', '--issuer', 'alice', '--method', 'shellCommand', '--node', 'ship1'];
	expect(await steward(...asked, '--', 'rm', '/srv')).toMatchObject({
		code: 1,
		stdout: expect.stringMatching(/denied.*rule 1 .*argument 1 is not ls.*no rule fits/s),
	});
	expect(await steward(...asked, '--', 'ls')).toMatchObject({
		code: 0,
		stdout: expect.stringContaining('decides: looking'),
	});
	// Back to what was before is a new version.
	expect((await json('trust', 'publish', '--from-version', '1', '--keys', '.')).document.version).toBe(3);
	expect((await json('trust', 'history')).map((one: { version: number }) => one.version)).toEqual([3, 2, 1]);
	expect((await json('trust', 'export')).map(({ kind }: { kind: string }) => kind)).toEqual([
		'trust',
		'access',
	]);
	// Whoever is enrolled, as the folder of keys has it; what it has never heard of stays.
	const { accounts, signing } = nats.keys;
	await writeAccounts(dir.path, { accounts, signing });
	const fleet = { v: 1, host: '127.0.0.1', port: 4222, names: ['localhost'], root, told: {} } as const;
	const facts = { role: 'operator', labels: {}, signer: alice, at: 0 } as const;
	const folder = { path: dir.path, fleet: { ...fleet, names: [...fleet.names] } };
	await writeEnrolled(folder, [
		{ ...facts, name: 'alice', key: alice },
		{ ...facts, name: 'carol', key: newUserKey().publicKey, revoked: 5 },
		{ ...facts, name: 'eve', key: newUserKey().publicKey, role: 'viewer' },
		{ ...facts, name: 'ship9', key: newUserKey().publicKey, role: 'node', revoked: 6 },
		{ ...facts, name: 'ship1', key: credentials.key.publicKey, role: 'node' },
	]);
	await writeFleet(dir.path, folder.fleet);
	const published = await steward('trust', 'publish', '--keys', '.', '--json');
	// She was on version 2, and is not on the one before this.
	expect(published.stderr).toMatch(/back on it, because enrolled: alice\n.*revoke alice/);
	const enrolled = JSON.parse(published.stdout);
	expect(enrolled.nodes.have).toEqual(['ship1']);
	expect(enrolled.document.body.keys).toMatchObject([
		{ name: 'alice', role: 'operator' },
		{ name: '_nodes', role: 'node', key: publicKeyOf(signing.node[0] ?? '') },
		{ name: 'ship9', role: 'node', until: 6 },
		{ name: 'hub', role: 'centre' },
	]);
	const same = await steward('trust', 'publish', '--keys', '.', '--json');
	expect(JSON.parse(same.stdout).outcome).toBe('unchanged');
	expect(same.stderr).not.toContain('back on it');
	for (const shown of [await steward('trust', 'show'), await steward('access', 'show')]) {
		expect(shown).toMatchObject({ code: 0, stdout: expect.not.stringContaining(nats.keys.operator) });
	}
});
