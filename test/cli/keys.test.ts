import { chmod, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { trustListSchema } from '../../src/domain/trust.ts';
import { parseBundle } from '../../src/security/bundle.ts';
import { parseCredentials } from '../../src/security/credentials.ts';
import { cliInside } from '../support/cli-inside.ts';
import { tempDir } from '../support/temp.ts';

const dayMs = 86_400_000;

/** A folder with the keys of a fleet, and a command line whose clock can be moved. Nothing listens where its broker would be. */
async function openKeys() {
	const dir = await tempDir('steward-cli-keys-');
	let aheadMs = 0;
	const run = cliInside(dir.path, { now: () => Date.now() + aheadMs });
	const seen: string[] = [];
	const steward = async (...words: readonly string[]) => {
		const result = await run(...words);
		seen.push(result.stdout, result.stderr);
		return result;
	};
	const keys = join(dir.path, 'home', '.local', 'share', 'steward', 'keys');
	const made = await steward('init', '--secure', '--host', '127.0.0.1', '--port', '1');
	return {
		...{ steward, keys, path: dir.path, made, config: join(dir.path, 'home', '.config', 'steward') },
		later: (ms: number) => {
			aheadMs += ms;
		},
		/** All that was printed. */
		seen: () => seen.join(''),
		file: (name: string) => readFile(join(dir.path, name), 'utf8'),
		[Symbol.asyncDispose]: () => dir[Symbol.asyncDispose](),
	};
}

describe('from init to a machine that belongs to the fleet', () => {
	test('a second init changes nothing and says so', async () => {
		await using world = await openKeys();
		expect(world.made).toMatchObject({ code: 0, stdout: expect.stringContaining('made the keys') });
		const again = await world.steward('init', '--secure', '--port', '9');
		expect(again.stdout).toMatch(/nothing changed.*\n.*tls:\/\/127\.0\.0\.1:1\n/);
		// No account lets a leaf server in, so nothing listens for one.
		expect(await world.steward('init', '--secure', '--leaf')).toMatchObject({ code: 2 });
		const mistaken = await world.steward('init', '--server-name', 'hub.example.org');
		expect(mistaken).toMatchObject({
			code: 2,
			stderr: expect.stringContaining('--server-name: only with --secure'),
		});
	});

	test('enrol prints one line to run, and join makes settings of it that only their owner can read', async () => {
		await using world = await openKeys();
		const { steward, config } = world;
		const enrolled = await steward(
			'enrol',
			'ship1',
			'--labels',
			'role=tug,port=hamburg',
			'--expires',
			'365d',
		);
		expect(enrolled.stdout.split('\n')[1]).toBe('steward join ship1.steward && steward node');
		expect(await steward('join', 'ship1.steward')).toMatchObject({ code: 0 });
		expect((await readdir(config)).sort()).toEqual([
			'config.yaml',
			'ship1.ca.crt',
			'ship1.creds',
			'trust.json',
		]);
		for (const name of await readdir(config)) {
			expect([name, (await stat(join(config, name))).mode & 0o777]).toEqual([name, 0o600]);
		}
		expect(parse(await readFile(join(config, 'config.yaml'), 'utf8'))).toEqual({
			servers: ['tls://127.0.0.1:1'],
			credentials: join(config, 'ship1.creds'),
			tls: { ca: join(config, 'ship1.ca.crt') },
			node: {
				name: 'ship1',
				labels: { role: 'tug', port: 'hamburg' },
				roots: [expect.stringMatching(/^O[A-Z2-7]{55}$/)],
			},
		});
		const trust = trustListSchema.parse(JSON.parse(await readFile(join(config, 'trust.json'), 'utf8')));
		expect(trust).toEqual(JSON.parse(await readFile(join(world.keys, 'trust.json'), 'utf8')));
		expect(trust.keys.map(({ name }) => name)).toEqual(['centre', 'dashboard']);
		const { name, expiresAt = 0 } = parseCredentials(await readFile(join(config, 'ship1.creds'), 'utf8'));
		expect([name, Math.round((expiresAt - Date.now()) / dayMs)]).toEqual(['ship1', 365]);
	});

	test('joining again takes newer credentials and leaves settings as they are; another name needs another folder', async () => {
		await using world = await openKeys();
		const { steward, config } = world;
		await steward('enrol', 'ship1');
		await steward('join', 'ship1.steward');
		const settings = `${await readFile(join(config, 'config.yaml'), 'utf8')}# mine\n`;
		await writeFile(join(config, 'config.yaml'), settings);
		const before = await readFile(join(config, 'ship1.creds'), 'utf8');
		await steward('enrol', 'ship1', '--renew');
		expect(await steward('join', 'ship1.steward')).toMatchObject({
			code: 2,
			stderr: expect.stringContaining('--key'),
		});
		expect(await steward('join', 'ship1.steward', '--key', join(config, 'ship1.creds'))).toMatchObject({
			code: 0,
		});
		const after = await readFile(join(config, 'ship1.creds'), 'utf8');
		expect(parseCredentials(after).key.publicKey).toBe(parseCredentials(before).key.publicKey);
		expect(await readFile(join(config, 'config.yaml'), 'utf8')).toBe(settings);

		await steward('enrol', 'alice', '--role', 'operator');
		expect(await steward('join', 'alice.steward')).toMatchObject({
			code: 6,
			stderr: expect.stringContaining('--to'),
		});
		expect(await steward('join', 'alice.steward', '--to', 'alice')).toMatchObject({
			code: 0,
			stderr: expect.stringContaining(`--config ${join(world.path, 'alice', 'config.yaml')}`),
		});
	});

	test('a key that was made on its machine never leaves it', async () => {
		await using world = await openKeys();
		const { steward, path } = world;
		const made = await steward('node', 'keygen', '--out', 'ship1.nk');
		const publicKey = made.stdout.trim();
		expect(publicKey).toMatch(/^U[A-Z2-7]{55}$/);
		expect((await stat(join(path, 'ship1.nk'))).mode & 0o777).toBe(0o600);
		expect(await steward('node', 'keygen', '--out', 'ship1.nk')).toMatchObject({ code: 6 });
		const seed = (await world.file('ship1.nk')).trim();
		expect(await steward('enrol', 'ship1', '--public-key', publicKey)).toMatchObject({ code: 0 });
		const all = await readdir(world.keys, { recursive: true, withFileTypes: true });
		const files = all.filter((one) => one.isFile()).map((one) => join(one.parentPath, one.name));
		for (const file of [...files, join(path, 'ship1.steward')]) {
			expect((await readFile(file, 'utf8')).includes(seed), file).toBe(false);
		}
		expect(await steward('join', 'ship1.steward', '--key', 'ship1.nk')).toMatchObject({ code: 0 });
	});

	test('many names are enrolled by one command, into a folder of their own', async () => {
		await using world = await openKeys();
		const { steward, path } = world;
		await writeFile(join(path, 'ships.txt'), '# the fleet\nship1\n\nship2 # a tug\n  ship3\n');
		const enrolled = await steward('enrol', '--file', 'ships.txt', '--out', 'bundles', '--json');
		expect(JSON.parse(enrolled.stdout)).toMatchObject([
			{ name: 'ship1' },
			{ name: 'ship2' },
			{ name: 'ship3' },
		]);
		expect((await readdir(join(path, 'bundles'))).sort()).toEqual([1, 2, 3].map((n) => `ship${n}.steward`));
		expect(parseBundle(await world.file('bundles/ship2.steward')).name).toBe('ship2');
		expect(await steward('enrol', 'ship2')).toMatchObject({
			code: 6,
			stderr: expect.stringContaining('--again'),
		});
	});

	test('no command prints a secret', async () => {
		await using world = await openKeys();
		const { steward, config } = world;
		await steward('node', 'keygen');
		for (const words of [
			['enrol', 'ship1'],
			['enrol', 'ship2', '--json'],
			['enrol', 'ship1', '--again'],
			['join', 'ship1.steward', '--json'],
			...[
				['enrolled', '--all'],
				['enrolled', '--json'],
				['revoke', 'ship2'],
				['rotate'],
				['doctor'],
				['doctor', '--json'],
			],
			['join', 'ship2.steward', '--key', 'operator.nk'],
		]) {
			await steward(...words);
		}
		await writeFile(
			join(config, 'ship1.creds'),
			'SUAIBDPBAUTWCWBKIO6XHQNINK5FWJW4OHLXC3HQ2KFE4PEJUA44CNHTC4',
		);
		await steward('doctor');
		await steward('nodes');
		expect(world.seen()).toMatch(/U[A-Z2-7]{55}/);
		expect(world.seen()).not.toMatch(/S[UAO][A-Z2-7]{56}/);
		expect(world.seen()).not.toContain('eyJ');
	});
});

describe('doctor', () => {
	const problems = async (steward: (...words: string[]) => Promise<{ code: number; stdout: string }>) => {
		const { code, stdout } = await steward('doctor', '--json');
		const findings: { check: string; level: string; text: string }[] = JSON.parse(stdout);
		return {
			code,
			of: (check: string) => findings.filter((one) => one.check === check && one.level !== 'ok'),
		};
	};

	test('tells what will end soon, what has ended, and what others may read', async () => {
		await using world = await openKeys();
		const { steward, config, keys } = world;
		await steward('enrol', 'ship1', '--expires', '40d');
		await steward('join', 'ship1.steward');
		const fresh = await problems(steward);
		expect([fresh.of('credentials'), fresh.of('keys'), fresh.of('authority')]).toEqual([[], [], []]);

		world.later(20 * dayMs);
		const soon = await problems(steward);
		expect(soon.of('credentials')).toMatchObject([{ level: 'warning' }]);
		expect(soon.of('keys')).toMatchObject([{ level: 'warning', text: expect.stringContaining('ship1') }]);
		world.later(21 * dayMs);
		expect((await problems(steward)).of('credentials')).toMatchObject([{ level: 'problem' }]);
		world.later(360 * dayMs);
		const late = await problems(steward);
		expect(late.of('keys')).toMatchObject([
			{ level: 'problem', text: expect.stringContaining("the server's certificate ended") },
			{ level: 'warning' },
		]);
		world.later(-402 * dayMs);
		expect((await problems(steward)).of('credentials')).toMatchObject([
			{ text: expect.stringContaining('clock') },
		]);
		world.later(dayMs);

		await chmod(join(config, 'ship1.creds'), 0o644);
		await chmod(join(keys, 'ca.key'), 0o640);
		const open = await problems(steward);
		expect(open.code).toBe(1);
		expect(open.of('credentials')).toMatchObject([{ text: expect.stringContaining('chmod 600') }]);
		expect(open.of('keys')).toMatchObject([{ text: expect.stringContaining('ca.key') }]);
	});

	test('tells what the broker was not told, and goes on where something is missing', async () => {
		await using world = await openKeys();
		const { steward, config } = world;
		await steward('enrol', 'ship1');
		await steward('join', 'ship1.steward');
		await steward('revoke', 'ship1');
		await rm(join(config, 'ship1.ca.crt'));
		await mkdir(join(config, 'ship1.ca.crt'));
		const found = await problems(steward);
		expect(found.of('authority')).toMatchObject([{ level: 'problem' }]);
		expect(found.of('keys')).toMatchObject([
			{ level: 'problem', text: expect.stringContaining('does not know') },
		]);
		expect(found.of('broker')).toMatchObject([{ level: 'problem' }]);
		expect(found.of('tls 127.0.0.1')).toMatchObject([{ level: 'problem' }]);
	});
});
