import { createHash, randomBytes } from 'node:crypto';
import { appendFile, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { packageRoot, streamsDir } from '../../src/base/package.ts';
import { makeBackup } from '../../src/client/backup.ts';
import { restoreBackup } from '../../src/client/backup-restore.ts';
import { verifyBackup } from '../../src/client/backup-verify.ts';
import { type Connection, closeConnection, openConnection } from '../../src/jetstream/connection.ts';
import { headersToPublish } from '../../src/jetstream/headers.ts';
import { applyTopology } from '../../src/jetstream/topology.ts';
import { startBroker } from '../jetstream/setup.ts';
import { disposables } from '../support/disposables.ts';
import { startNats } from '../support/nats.ts';
import { openRaw } from '../support/raw.ts';
import { startSecureNats } from '../support/secure-nats.ts';
import { tempDir } from '../support/temp.ts';

const save = (connection: Connection, dir: string, onProgress?: () => void) =>
	makeBackup({ connection, dir, version: 'test', clock: systemClock, ...(onProgress && { onProgress }) });

const sha256 = (data: Uint8Array) => createHash('sha256').update(data).digest('hex');

/** Every message of every stream, with its place and its headers. */
async function contents({ jsm }: Connection, names: readonly string[]): Promise<unknown> {
	const all: Record<string, unknown> = {};
	for (const name of names) {
		const { state } = await jsm.streams.info(name, { deleted_details: true });
		const messages: unknown[] = [];
		for (let seq = state.first_seq; seq <= state.last_seq && state.messages > 0; seq++) {
			const message = await jsm.streams.getMessage(name, { seq });
			if (!message) continue;
			const headers = [...(message.header ?? [])];
			messages.push([seq, message.subject, message.time.toISOString(), headers, sha256(message.data)]);
		}
		// Of an empty stream the server says sometimes that it begins with 0, sometimes with 1.
		const isEmpty = state.last_seq === 0;
		const { first_seq: first, last_seq: last, deleted } = state;
		all[name] = isEmpty ? 'empty' : { first, last, deleted, messages };
	}
	return all;
}

test('what a broker holds comes back as it was: subjects, headers, times, sequences, gaps', async () => {
	await using dir = await tempDir();
	const path = join(dir.path, 'backup');
	await using broker = await startBroker({ shards: 2 });
	const { js, jsm } = broker.connection;
	for (let i = 0; i < 8; i++) {
		await js.publish(`steward.command.0.ship1.normal.shellCommand.c${i}`, `${i}`);
		await js.publish('$KV.steward-ledger.ship1.a', `${i}`);
	}
	// More than one window of the server, and nothing that can be squeezed.
	for (let i = 0; i < 40; i++) await js.publish('steward.output.ship1.a', randomBytes(100_000));
	for (const filter of ['c0', 'c3', 'c7'].map((id) => `steward.command.0.*.*.*.${id}`)) {
		await jsm.streams.purge('STEWARD_COMMANDS_0', { filter });
	}
	await jsm.streams.purge('STEWARD_OUTPUT', { keep: 30 });
	const manifest = await save(broker.connection, path);
	const names = manifest.streams.map(({ name }) => name);
	expect(names).toHaveLength(14);
	expect(manifest).toMatchObject({ schema: 1, shards: 2 });
	expect(manifest.left).toEqual(['KV_steward-leases', 'KV_steward-presence']);
	expect(manifest.streams.every(({ quiet }) => quiet)).toBe(true);
	for (const file of await readdir(path)) expect((await stat(join(path, file))).mode & 0o777).toBe(0o600);
	expect((await stat(path)).mode & 0o777).toBe(0o700);
	expect(await readdir(dir.path)).toEqual(['backup']);

	await using other = await startNats();
	await using raw = await openRaw(other.url);
	const restored = await restoreBackup({ connection: raw.connection, dir: path, replace: false });
	expect(restored.replaced).toEqual([]);
	expect(await contents(raw.connection, names)).toEqual(await contents(broker.connection, names));
	const next = await raw.js.publish('steward.command.0.ship1.normal.shellCommand.new', 'x');
	expect(next.seq).toBe(9);
});

test('a broker that holds something is left alone, unless it is to be replaced', async () => {
	await using dir = await tempDir();
	const path = join(dir.path, 'backup');
	await using broker = await startBroker();
	const { connection } = broker;
	await connection.js.publish('steward.report.ship1.a', 'saved');
	await save(connection, path);
	await connection.js.publish('steward.report.ship1.b', 'later');
	await expect(restoreBackup({ connection, dir: path, replace: false })).rejects.toMatchObject({
		code: 'refused',
		details: { streams: ['STEWARD_REPORTS'] },
	});
	expect((await connection.jsm.streams.info('STEWARD_REPORTS')).state.messages).toBe(2);
	const { replaced } = await restoreBackup({ connection, dir: path, replace: true });
	expect(replaced).toContain('STEWARD_REPORTS');
	const { state } = await connection.jsm.streams.info('STEWARD_REPORTS');
	expect([state.messages, state.last_seq]).toEqual([1, 1]);
	const onProgress = vi.fn();
	await expect(save(connection, path, onProgress)).rejects.toMatchObject({ code: 'refused' });
	expect(onProgress).not.toHaveBeenCalled();
	expect(await readdir(dir.path)).toEqual(['backup']);
});

test('who may not send what a restore sends throws nothing away for it', async () => {
	await using dir = await tempDir();
	const path = join(dir.path, 'backup');
	const config = join(dir.path, 'nats.conf');
	// All but that subject, as credentials may say it.
	const conf = await readFile(join(packageRoot, 'nats-server.conf'), 'utf8');
	await writeFile(
		config,
		`${conf}\nno_auth_user: u\nauthorization { users: [{ user: u, password: p, permissions: { publish: { deny: "$JS.SNAPSHOT.RESTORE.>" } } }] }\n`,
	);
	await using broker = await startBroker({ config });
	const { connection } = broker;
	await connection.js.publish('steward.report.ship1.a', 'x');
	await save(connection, path);
	await expect(restoreBackup({ connection, dir: path, replace: true })).rejects.toMatchObject({
		code: 'refused',
		message: expect.stringContaining('may not restore'),
	});
	expect((await connection.jsm.streams.info('STEWARD_REPORTS')).state.messages).toBe(1);
});

test('an operator, who may remove streams and not write the ledger, throws nothing away for a restore', async () => {
	await using parts = disposables();
	const path = join(parts.use(await tempDir()).path, 'backup');
	const secure = parts.use(await startSecureNats());
	const connect = async (role: 'centre' | 'operator') => {
		const credentials = await secure.credentials(role, role);
		const connection = await openConnection({
			servers: [secure.url],
			name: 'test',
			credentials,
			timeoutMs: 30_000,
		});
		parts.use({ [Symbol.asyncDispose]: () => closeConnection(connection, systemClock) });
		return connection;
	};
	const [centre, operator] = [await connect('centre'), await connect('operator')];
	await applyTopology(centre, { dir: streamsDir });
	await centre.js.publish('$KV.steward-ledger.ship1.a', 'x');
	await save(operator, path);
	await expect(restoreBackup({ connection: operator, dir: path, replace: true })).rejects.toMatchObject({
		code: 'refused',
		message: expect.stringContaining('may not restore'),
	});
	const { state } = await centre.jsm.streams.info('KV_steward-ledger');
	expect([state.messages, state.last_seq]).toEqual([1, 1]);
	await restoreBackup({ connection: centre, dir: path, replace: true });
	expect((await centre.jsm.streams.info('KV_steward-ledger')).state.messages).toBe(1);
});

test('damage is found before anything is touched, and all of it is told', async () => {
	await using dir = await tempDir();
	const path = join(dir.path, 'backup');
	await using broker = await startBroker();
	const { connection } = broker;
	await connection.js.publish('steward.report.ship1.a', 'x');
	const { streams } = await save(connection, path);
	await expect(verifyBackup(path)).resolves.toMatchObject({ format: 1 });
	await expect(verifyBackup(join(dir.path, 'none'))).rejects.toMatchObject({ code: 'not-found' });
	const [one, two] = streams.map(({ file }) => join(path, file));
	const bytes = await readFile(one ?? '');
	bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
	await writeFile(one ?? '', bytes);
	await appendFile(two ?? '', 'x');
	await writeFile(join(path, 'stray'), '');
	const damage = {
		code: 'invalid',
		details: { problems: [expect.anything(), expect.anything(), expect.anything()] },
	};
	await expect(verifyBackup(path)).rejects.toMatchObject(damage);
	await expect(restoreBackup({ connection, dir: path, replace: true })).rejects.toMatchObject(damage);
	expect((await connection.jsm.streams.info('STEWARD_REPORTS')).state.messages).toBe(1);
});

test('a backup of a newer steward, or one that leads out of its folder, is refused', async () => {
	await using dir = await tempDir();
	const path = join(dir.path, 'backup');
	await using broker = await startBroker();
	const manifest = await save(broker.connection, path);
	const rewrite = (edit: object) =>
		writeFile(join(path, 'manifest.json'), JSON.stringify({ ...manifest, ...edit }));
	await rewrite({ schema: 2 });
	await expect(verifyBackup(path)).rejects.toMatchObject({ code: 'schema-newer' });
	await writeFile(join(dir.path, 'secret'), '');
	const [first] = manifest.streams;
	await rewrite({ streams: [{ ...first, file: '../secret', fileBytes: 0 }] });
	await expect(verifyBackup(path)).rejects.toMatchObject({
		message: expect.stringContaining('no name of a file'),
	});
});

test('a server that dies while its streams are copied leaves no backup, and the error says so', async () => {
	await using dir = await tempDir();
	await using broker = await startBroker();
	const { connection, nats } = broker;
	for (let i = 0; i < 60; i++) await connection.js.publish('steward.output.ship1.a', randomBytes(100_000));
	let killed: Promise<void> | undefined;
	const making = makeBackup({
		...{ connection, dir: join(dir.path, 'backup'), version: 'test', clock: systemClock },
		onProgress: ({ stream }) => {
			if (stream === 'STEWARD_OUTPUT') killed ??= nats.kill();
		},
	});
	await expect(making).rejects.toMatchObject({ code: 'no-broker' });
	await killed;
	expect(await readdir(dir.path)).toEqual([]);
});

test('what is written again while its stream is copied is in the backup', async () => {
	await using dir = await tempDir();
	const path = join(dir.path, 'backup');
	await using broker = await startBroker();
	const { connection } = broker;
	const keys = Array.from({ length: 32 }, (_, i) => `$KV.steward-ledger.ship1.k${i}`);
	// More than one block of the server, and nothing that can be squeezed.
	const write = async (key: string, round: number) => {
		const headers = headersToPublish({ Round: String(round), 'Nats-TTL': '720h' });
		await connection.js.publish(key, randomBytes(300_000), { headers });
	};
	for (const key of keys) await write(key, 0);
	let rounds = 0;
	const manifest = await makeBackup({
		...{ connection, dir: path, version: 'test', clock: systemClock },
		onProgress: async ({ stream, bytes }) => {
			// Once in each copy, after its first chunk: the later half of the keys.
			if (stream !== 'KV_steward-ledger' || bytes > 300_000) return;
			rounds += 1;
			for (const key of keys.slice(16)) await write(key, rounds);
		},
	});
	const ledger = manifest.streams.find(({ name }) => name === 'KV_steward-ledger');
	expect(ledger).toMatchObject({ quiet: false, tail: { file: 'KV_steward-ledger.tail' } });
	expect(rounds).toBe(3);

	await using other = await startNats();
	await using raw = await openRaw(other.url);
	const { streams } = await restoreBackup({ connection: raw.connection, dir: path, replace: false });
	expect(streams.find(({ name }) => name === 'KV_steward-ledger')?.messages).toBe(32);
	for (const [index, key] of keys.entries()) {
		const [mine, theirs] = await Promise.all(
			[connection, raw.connection].map(({ jsm }) =>
				jsm.streams.getMessage('KV_steward-ledger', { last_by_subj: key }),
			),
		);
		expect([key, theirs?.header.get('Round')]).toEqual([key, index < 16 ? '0' : '3']);
		expect(sha256(theirs?.data ?? new Uint8Array())).toBe(sha256(mine?.data ?? new Uint8Array()));
	}
});
