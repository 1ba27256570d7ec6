import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { isStewardError } from '../../src/base/errors.ts';
import { closeConnection, openConnection } from '../../src/jetstream/connection.ts';
import { credentialsOf, parseBundle } from '../../src/security/bundle.ts';
import { parseCredentials } from '../../src/security/credentials.ts';
import { cliInside } from '../support/cli-inside.ts';
import { disposables } from '../support/disposables.ts';
import { eventually } from '../support/eventually.ts';
import { startNats } from '../support/nats.ts';
import { freePort } from '../support/ports.ts';
import { tempDir } from '../support/temp.ts';
import { makeBroker } from './make-broker.ts';

/** A fleet as `steward init --secure` makes it, its broker, and the command line of who has its keys. */
async function openSecure() {
	const things = disposables();
	const dir = things.use(await tempDir('steward-secure-'));
	const keys = join(dir.path, 'keys');
	const steward = cliInside(dir.path);
	const port = await freePort();
	const where = ['--host', '127.0.0.1', '--port', String(port), '--keys', keys];
	const made = await steward('init', '--secure', ...where, '--json');
	expect(made).toMatchObject({ code: 0 });
	const { broker } = things.use(
		makeBroker(dir.path, { port, secureConfig: join(keys, 'server', 'nats-server.conf') }),
	);
	await broker.start();
	const told = () => ['--keys', keys, '--servers', broker.url];
	const bundleOf = async (name: string) =>
		parseBundle(await readFile(join(dir.path, `${name}.steward`), 'utf8'));
	return {
		...{ broker, keys, path: dir.path, bundleOf },
		steward: (...words: readonly string[]) => steward(...words, ...told()),
		/** Whoever has these credentials, and what becomes of the connection. */
		async connect(
			name: string,
			{ ca = join(keys, 'ca.crt'), tls = true, url = broker.url, creds = '' } = {},
		) {
			const text = creds === '' ? credentialsOf(await bundleOf(name), undefined) : creds;
			const connection = await openConnection({
				...{ servers: [url], name, credentials: parseCredentials(text), timeoutMs: 30_000 },
				tls: tls ? { ca } : false,
			});
			things.use({ [Symbol.asyncDispose]: () => closeConnection(connection, systemClock) });
			return connection;
		},
		[Symbol.asyncDispose]: () => things[Symbol.asyncDispose](),
	};
}

async function codeOf(work: Promise<unknown>): Promise<string> {
	return work.then(
		() => 'let in',
		(error) => (isStewardError(error) ? error.code : String(error)),
	);
}

test.concurrent('who is revoked is cut off while connected, and stays out, also after a restart of the broker; others stay in', async () => {
	await using world = await openSecure();
	const { steward, connect, broker } = world;
	expect(await steward('enrol', 'ship1')).toMatchObject({ code: 0 });
	expect(await steward('enrol', 'ship2')).toMatchObject({ code: 0 });
	const [one, two] = [await connect('ship1'), await connect('ship2')];
	expect([one.reach.isUp, two.reach.isUp]).toEqual([true, true]);

	const revoked = await steward('revoke', 'ship1');
	expect(revoked).toMatchObject({ code: 0, stdout: 'revoked ship1: out from now on\n', stderr: '' });
	await eventually(() => !one.reach.isUp, { message: 'the revoked ship stayed connected' });
	await closeConnection(one, systemClock);
	expect(await codeOf(connect('ship1'))).toBe('unauthorized');
	expect(two.reach.isUp).toBe(true);
	expect(await codeOf(connect('ship2'))).toBe('let in');

	await broker.stop();
	await broker.start();
	expect(await codeOf(connect('ship1'))).toBe('unauthorized');
	expect(await codeOf(connect('ship2'))).toBe('let in');
});

test.concurrent('what the broker could not be told is said and kept: it counts at its next start, or is told by the next command', async () => {
	await using world = await openSecure();
	const { steward, connect, broker, keys, path } = world;
	for (const name of ['ship1', 'ship2']) expect(await steward('enrol', name)).toMatchObject({ code: 0 });
	const config = join(keys, 'server', 'nats-server.conf');
	const before = await readFile(config, 'utf8');
	await broker.stop();

	const away = await steward('revoke', 'ship1');
	expect(away).toMatchObject({ code: 0, stderr: expect.stringContaining('the broker does not know it yet') });
	expect(await steward('keys', 'push')).toMatchObject({ code: 3 });
	const listed = await cliInside(path)('enrolled', '--all', '--keys', keys);
	expect(listed.stdout).toMatch(/ship1 +node .*revoked/);
	expect(listed.stderr).toContain('steward keys push');

	// The control: a broker that starts with what it had before lets the ship in, and the next command tells it.
	const after = await readFile(config, 'utf8');
	await writeFile(config, before);
	await broker.start();
	const held = await connect('ship1');
	expect(await steward('enrol', 'ship3')).toMatchObject({
		code: 0,
		stderr: expect.not.stringContaining('yet'),
	});
	await eventually(() => !held.reach.isUp, { message: 'the next command did not tell the broker' });

	await broker.stop();
	const accounts = join(keys, 'server', 'accounts');
	expect(await readdir(accounts)).not.toEqual([]);
	await rm(accounts, { recursive: true });
	await writeFile(config, after);
	await broker.start();
	expect(await codeOf(connect('ship1'))).toBe('unauthorized');
	expect(await codeOf(connect('ship2'))).toBe('let in');
});

test.concurrent('a signing key that is replaced counts until the rotation is finished; who was renewed stays in', async () => {
	await using world = await openSecure();
	const { steward, connect, path, bundleOf } = world;
	for (const name of ['ship1', 'ship2']) expect(await steward('enrol', name)).toMatchObject({ code: 0 });
	const seed = (await bundleOf('ship2')).seed ?? '';
	await writeFile(join(path, 'ship2.nk'), seed, { mode: 0o600 });

	const centreFile = join(world.keys, 'centre.creds');
	const centreBefore = await readFile(centreFile);
	const begun = await steward('rotate');
	expect(begun).toMatchObject({
		code: 0,
		stdout: expect.stringContaining('have: ship1, ship2'),
		stderr: expect.stringContaining(`trust publish --keys ${world.keys}`),
	});
	// As if it had died before it wrote them.
	await writeFile(centreFile, centreBefore);
	expect(begun.stderr).not.toContain('yet');
	expect(await steward('rotate')).toMatchObject({ code: 6 });
	const old = await connect('ship1');
	expect(await steward('enrol', 'ship2', '--renew')).toMatchObject({ code: 0 });
	const renewed = await bundleOf('ship2');
	expect(renewed.seed).toBeUndefined();
	const asBefore = { creds: credentialsOf(renewed, seed) };
	expect(await codeOf(connect('ship2', asBefore))).toBe('let in');

	const refused = await steward('rotate', '--finish');
	expect(refused).toMatchObject({ code: 6, stderr: expect.stringMatching(/keep out ship1:.*--yes/) });
	expect(old.reach.isUp).toBe(true);
	expect(await codeOf(connect('ship1'))).toBe('let in');
	const finished = await steward('rotate', '--finish', '--yes');
	expect(finished).toMatchObject({ code: 0, stdout: expect.stringMatching(/out with them: ship1\n/) });
	await eventually(() => !old.reach.isUp, { message: 'the old signing key still counts' });
	expect(await codeOf(connect('ship1'))).toBe('unauthorized');
	expect(await codeOf(connect('ship2', asBefore))).toBe('let in');
	expect(await codeOf(connect('x', { creds: await readFile(centreFile, 'utf8') }))).toBe('let in');
	expect(await steward('rotate', '--finish')).toMatchObject({ code: 6 });
});

test.concurrent('from a configuration whose accounts are gone no broker starts, and doctor says what is wrong', async () => {
	await using world = await openSecure();
	const { broker, keys, path } = world;
	const config = join(keys, 'server', 'nats-server.conf');
	const whole = await readFile(config, 'utf8');
	await broker.stop();
	const open = whole.replace(/^operator:[\s\S]*?^}\nresolver_preload [\s\S]*?^}\n/m, '');
	expect(open).toMatch(/^tls \{/m);
	expect(open).not.toMatch(/operator|resolver/);
	await writeFile(config, open);
	await expect(broker.start()).rejects.toMatchObject({
		...{ code: 'invalid', message: expect.stringContaining('would let everybody in') },
	});
	const up = await cliInside(path)('up', '--keys', keys);
	expect(up).toMatchObject({
		code: 2,
		stderr: expect.stringContaining('no line "operator", "system_account"'),
	});
	const found = await cliInside(path)('doctor', '--keys', keys, '--servers', broker.url);
	expect(found).toMatchObject({ code: 1, stdout: expect.stringContaining('would let everybody in') });
	await writeFile(config, `${whole}\nno_auth_user: Uxyz\n`);
	expect((await cliInside(path)('up', '--keys', keys)).stderr).toContain('no_auth_user');

	// One that runs so takes any credentials.
	await using nats = await startNats();
	await writeFile(config, whole);
	await broker.start();
	const doctor = async (url: string) => {
		const words = ['--servers', url, '--credentials', join(keys, 'centre.creds')];
		return (await cliInside(path)('doctor', ...words, '--tls-ca', join(keys, 'ca.crt'), '--json')).stdout;
	};
	const accounts = (stdout: string) =>
		JSON.parse(stdout).find(({ check }: { check: string }) => check === 'accounts');
	expect(accounts(await doctor(broker.url))).toMatchObject({ level: 'ok' });
	const plain = ['doctor', '--servers', nats.url, '--credentials', join(keys, 'centre.creds'), '--json'];
	expect(accounts((await cliInside(path)(...plain)).stdout)).toMatchObject({ level: 'problem' });
});

test.concurrent('nothing is said without TLS, and only to the server whose authority is known', async () => {
	await using world = await openSecure();
	const { steward, connect, broker, path, keys } = world;
	expect(await steward('enrol', 'ship1')).toMatchObject({ code: 0 });
	await cliInside(path)('init', '--secure', '--keys', join(path, 'other'), '--host', '127.0.0.1');
	expect(await codeOf(connect('ship1', { ca: join(path, 'other', 'ca.crt') }))).toBe('unauthorized');
	const plain = { tls: false, url: broker.url.replace('tls:', 'nats:') };
	expect(await codeOf(connect('ship1', plain))).not.toBe('let in');
	expect(await codeOf(connect('ship1'))).toBe('let in');

	expect(await cliInside(path)('rotate', '--tls', '--keys', keys)).toMatchObject({ code: 0 });
	await broker.stop();
	await broker.start();
	expect(await codeOf(connect('ship1'))).toBe('let in');
});
