/**
 * Owns the servers of one measurement: nats-server, Redis or PostgreSQL, each an instance of its own in a folder of its own, on a free
 * port of the loopback, durable as the tier says. Promises that it takes clients when it is started, and is gone when it is stopped.
 * If this process dies, the kernel ends them; whoever started the measurement removes the folder.
 */

import { once } from 'node:events';
import { chmod, chown, mkdir, readFile, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { TimeoutError } from '@nats-io/transport-node';
import { systemClock } from '../../dist/base/clock.js';
import { silentLog } from '../../dist/base/log.js';
import { findNatsServer } from '../../dist/broker/find.js';
import { startServer } from '../../dist/broker/server-process.js';
import { spawnTied } from '../../dist/broker/tied-child.js';

const shippedConfig = fileURLToPath(new URL('../../nats-server.conf', import.meta.url));
const nobody = { uid: 65_534, gid: 65_534 };
const host = '127.0.0.1';
const readyWithinMs = 30_000;
/** Of a question that lasts five seconds. */
const mostAttempts = 24;

/** A program that ends with this process. @returns Its pid, the end of what it said, and how to end it. */
export async function startProgram(command, args, { cwd, signal = 'SIGTERM', withinMs = 15_000 }) {
	const child = await spawnTied(command, args, { cwd });
	let tail = '';
	for (const stream of [child.process.stdout, child.process.stderr]) {
		stream.setEncoding('utf8').on('data', (text) => {
			tail = (tail + text).slice(-4000);
		});
	}
	let hasEnded = false;
	void child.exited.then(() => {
		hasEnded = true;
	});
	return {
		pid: child.pid,
		tail: () => tail,
		/** Throws where it has ended by itself. */
		assertRuns() {
			if (hasEnded) throw new Error(`${command} has ended by itself; its last words:\n${tail}`);
		},
		async stop() {
			child.process.kill(signal);
			const force = setTimeout(() => child.process.kill('SIGKILL'), withinMs);
			await child.exited;
			clearTimeout(force);
		},
	};
}

/** Asks until it is so; `what` is for the error. */
export async function until(what, ask, withinMs = readyWithinMs, everyMs = 20) {
	for (const deadline = performance.now() + withinMs; ; ) {
		const answer = await ask();
		if (answer) return answer;
		if (performance.now() > deadline) throw new Error(`${what}: not within ${withinMs} ms`);
		await rest(everyMs);
	}
}

/** What may be asked twice: a broker that makes thousands of consumers, on a machine that does something else, may not answer in time. */
export async function patiently(ask) {
	for (let attempt = 1; ; attempt++) {
		try {
			return await ask();
		} catch (error) {
			if (!(error instanceof TimeoutError) || attempt === mostAttempts) throw error;
		}
	}
}

export const rest = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function freePort() {
	const server = createServer().listen(0, host);
	await once(server, 'listening');
	const { port } = server.address();
	server.close();
	await once(server, 'close');
	return port;
}

async function answers(port) {
	const socket = connect(port, host);
	return new Promise((resolve) => {
		socket.once('connect', () => resolve(true));
		socket.once('error', () => resolve(false));
	}).finally(() => socket.destroy());
}

const newPassword = () => crypto.randomUUID();

/** The shipped configuration, whose `sync_interval` the relaxed tier leaves to the server. */
export async function startNats(folder, tier) {
	const shipped = await readFile(shippedConfig, 'utf8');
	const strict = /^.*sync_interval: always.*\n/m;
	if (!strict.test(shipped)) throw new Error('nats-server.conf has no line "sync_interval: always"');
	const pattern = join(folder, 'nats-server.conf');
	await writeFile(pattern, tier === 'strict' ? shipped : shipped.replace(strict, ''), { mode: 0o600 });
	const { path } = await findNatsServer({ env: process.env });
	const server = await startServer(
		{
			...{ program: path, pattern, folder, cwd: folder, clock: systemClock, log: silentLog },
			...{ readyWithinMs, stopWithinMs: 10_000 },
			settings: { host, port: 0, storeDir: join(folder, 'store'), maxFileBytes: 16 * 2 ** 30 },
		},
		new AbortController().signal,
	);
	const { config } = await (await fetch(`${server.monitorUrl}/jsz?config=true`)).json();
	if ((config.sync_always ?? false) !== (tier === 'strict')) {
		await server.stop();
		throw new Error(`nats-server does not run as the tier ${tier} says: ${JSON.stringify(config)}`);
	}
	return { url: `nats://${host}:${server.port}`, pid: server.pid, stop: () => server.stop() };
}

/** @param redis How redis-server is called. */
export async function startRedis(folder, tier, redis) {
	const [port, password] = [await freePort(), newPassword()];
	const file = join(folder, 'redis.conf');
	const settings = [
		...[`bind ${host}`, `port ${port}`, `requirepass ${password}`, `dir "${folder}"`, 'save ""'],
		...['appendonly yes', `appendfsync ${tier === 'strict' ? 'always' : 'everysec'}`],
		'maxmemory-policy noeviction',
	];
	await writeFile(file, `${settings.join('\n')}\n`, { mode: 0o600 });
	const server = await startProgram(redis[0], [...redis.slice(1), file], { cwd: folder });
	await until('redis-server takes clients', async () => {
		server.assertRuns();
		return answers(port);
	});
	return { connection: { host, port, password, maxRetriesPerRequest: null }, stop: server.stop };
}

/** PostgreSQL refuses to run as root: then it runs as nobody. @param postgres The folder of its programs, after what stands before them. */
export async function startPostgres(folder, tier, postgres) {
	const [before, bin] = [postgres.slice(0, -1), postgres.at(-1)];
	const [port, password, data] = [await freePort(), newPassword(), join(folder, 'data')];
	const secret = join(folder, 'password');
	await mkdir(data, { mode: 0o700 });
	await writeFile(secret, password, { mode: 0o600 });
	const isRoot = process.getuid() === 0;
	if (isRoot) {
		await chmod(folder, 0o711);
		for (const path of [data, secret]) await chown(path, nobody.uid, nobody.gid);
	}
	/** The signal of our end comes last: a change of user forgets it. */
	const other = [`--reuid=${nobody.uid}`, `--regid=${nobody.gid}`, '--clear-groups', '--pdeathsig=INT'];
	const spawnAs = (name, args) => {
		const [command, ...words] = [
			...(isRoot ? ['setpriv', ...other] : []),
			...before,
			join(bin, name),
			...args,
		];
		return [command, words];
	};
	const initdb = await spawnTied(
		...spawnAs('initdb', [
			...['-D', data, '-U', 'bench', '-A', 'scram-sha-256', `--pwfile=${secret}`],
			...['-E', 'UTF8', '--locale=C', '--no-sync'],
		]),
		{ cwd: folder },
	);
	let words = '';
	for (const stream of [initdb.process.stdout, initdb.process.stderr])
		stream.on('data', (text) => {
			words += text;
		});
	const { code } = await initdb.exited;
	if (code !== 0) throw new Error(`initdb ended with ${code}:\n${words}`);
	const settings = {
		...{ listen_addresses: host, port, unix_socket_directories: '', max_connections: 200 },
		...{ fsync: 'on', synchronous_commit: tier === 'strict' ? 'on' : 'off' },
		...{ shared_buffers: '512MB', max_wal_size: '8GB', checkpoint_timeout: '30min' },
	};
	const server = await startProgram(
		...spawnAs('postgres', [
			...['-D', data],
			...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
		]),
		{ cwd: folder, signal: 'SIGINT' },
	);
	const connection = { host, port, user: 'bench', password, database: 'postgres' };
	const { default: pg } = await import('pg');
	await until('PostgreSQL takes clients', async () => {
		server.assertRuns();
		const client = new pg.Client(connection);
		try {
			await client.connect();
			return true;
		} catch {
			return false;
		} finally {
			await client.end().catch(() => undefined);
		}
	});
	return { connection, stop: server.stop };
}
