import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { cliInside } from '../support/cli-inside.ts';
import { tempDir } from '../support/temp.ts';

test('the token stands on stdout alone, and is shown nowhere afterwards', async () => {
	await using folder = await tempDir();
	const steward = cliInside(folder.path);
	const added = await steward('tokens', 'add', 'ada', '--role', 'operator');
	expect(added).toMatchObject({
		code: 0,
		stdout: expect.stringMatching(/^stw_[a-z0-9]{8}_[A-Za-z0-9_-]{43}\n$/),
	});
	expect(added.stderr).toContain('from now on nobody is let in without a token');
	const token = added.stdout.trim();
	const secret = token.slice('stw_12345678_'.length);
	const shown = [
		await steward('tokens'),
		await steward('tokens', 'ls', '--json'),
		await steward('tokens', 'rm', 'ada'),
	];
	for (const { code, stdout, stderr } of [...shown, { ...added, stdout: '' }]) {
		expect(code).toBe(0);
		expect(stdout + stderr).not.toContain(secret);
	}
	expect(shown[0]?.stdout).toContain('ada');
	const path = join(folder.path, 'home', '.local', 'share', 'steward', 'tokens.json');
	expect(JSON.parse(await readFile(path, 'utf8'))).toEqual({ v: 1, tokens: [] });
});

test('it says until when, of what role, and what has expired', async () => {
	await using folder = await tempDir();
	let now = Date.UTC(2026, 10, 23);
	const steward = cliInside(folder.path, { now: () => now });
	await steward('tokens', 'add', 'ada', '--role', 'operator');
	const second = await steward('tokens', 'add', 'wall', '--role', 'viewer', '--expires', '90d');
	expect(second.stderr).toContain('2027-02-21T00:00:00.000Z');
	expect(second.stderr).not.toContain('from now on');
	const list = async () => JSON.parse((await steward('tokens', 'ls', '--json')).stdout);
	expect(await list()).toMatchObject([
		{ name: 'ada', role: 'operator', expiresAt: null, expired: false },
		{ name: 'wall', role: 'viewer', createdAt: '2026-11-23T00:00:00.000Z', expired: false },
	]);
	for (const entry of await list()) expect(Object.keys(entry)).not.toContain('sha256');
	now += 91 * 86_400_000;
	expect((await list())[1]).toMatchObject({ expired: true });
	expect((await steward('tokens', 'ls')).stdout).toContain('expired 1d ago');
});

test('the file is where the data is, or where the configuration says', async () => {
	await using folder = await tempDir();
	const steward = cliInside(folder.path);
	await steward('tokens', 'add', 'ada', '--role', 'viewer', '--data', './there');
	expect(await readFile(join(folder.path, 'there', 'tokens.json'), 'utf8')).toContain('"ada"');
	await mkdir(join(folder.path, 'etc'));
	await writeFile(join(folder.path, 'c.yaml'), 'http: { tokens: ./etc/who.json }\n');
	await steward('tokens', 'add', 'bob', '--role', 'viewer', '--config', 'c.yaml');
	expect(await readFile(join(folder.path, 'etc', 'who.json'), 'utf8')).toContain('"bob"');
});

test.each([
	['without a role', ['add', 'ada'], 2, '--role: expected operator or viewer, got nothing'],
	['with a role that is none', ['add', 'ada', '--role', 'root'], 2, 'got "root"'],
	['with a life that is none', ['add', 'ada', '--role', 'viewer', '--expires', 'soon'], 2, '--expires'],
	['under a name that is none', ['add', 'a b', '--role', 'viewer'], 2, 'name: expected'],
	['of one that is not there', ['rm', 'nobody'], 4, 'there is no token nobody'],
])('%s it says what helps', async (_what, words, code, text) => {
	await using folder = await tempDir();
	const told = await cliInside(folder.path)('tokens', ...words);
	expect(told).toMatchObject({ code, stdout: '' });
	expect(told.stderr).toContain(text);
});

test('a name for a reverse proxy that is none is refused before anything starts', async () => {
	await using folder = await tempDir('steward-cli-');
	const steward = cliInside(folder.path);
	for (const command of ['up', 'central']) {
		const { code, stderr } = await steward(
			command,
			'--http-origin',
			'https://fine.example,https://*.example',
		);
		expect([code, stderr]).toEqual([
			2,
			expect.stringContaining('http.origins.1: expected a whole name without *'),
		]);
	}
});
