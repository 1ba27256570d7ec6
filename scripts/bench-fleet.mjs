/**
 * Owns the brokers of the benchmarks: one as it comes, one with the accounts of a fleet and a trust list; both durable (sync_interval:
 * always), in a folder of their own, and steward's programs beside them.
 * Promises that all of it is gone once it is disposed of. No TLS: what accounts and signatures cost is to be told apart from that.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../dist/base/clock.js';
import { silentLog } from '../dist/base/log.js';
import { findNatsServer } from '../dist/broker/find.js';
import { startServer } from '../dist/broker/server-process.js';
import { accountJwts, mintUser, newFleetKeys, operatorJwt, publicKeyOf } from '../dist/security/accounts.js';
import { parseCredentials } from '../dist/security/credentials.js';
import { serverConfig } from '../dist/security/server-config.js';

const root = fileURLToPath(new URL('../', import.meta.url));
const ticksOfProc = 100;
const maxFileBytes = 16 * 2 ** 30;

/** @param accounts Whether it has accounts, and everybody signs what it sends. */
export async function startFleet({ accounts }) {
	const folder = await mkdtemp(join(tmpdir(), 'steward-bench-'));
	const programs = [];
	const keys = accounts ? newFleetKeys() : undefined;
	const store = { storeDir: join(folder, 'data') };
	const pattern = accounts ? join(folder, 'nats-server.conf') : join(root, 'nats-server.conf');
	if (keys) {
		const jwts = { operatorJwt: await operatorJwt(keys), accounts: await accountJwts(keys) };
		const own = { host: '127.0.0.1', port: 0, monitorPort: 0, resolverDir: join(folder, 'accounts') };
		await writeFile(pattern, serverConfig({ ...jwts, ...own, ...store }), { mode: 0o600 });
	}
	const server = await startServer(
		{
			program: (await findNatsServer({ env: process.env })).path,
			...{ pattern, folder, cwd: folder, clock: systemClock, log: silentLog },
			settings: { host: '127.0.0.1', port: 0, ...store, maxFileBytes },
			...{ readyWithinMs: 20_000, stopWithinMs: 10_000 },
		},
		new AbortController().signal,
	);
	const url = `nats://127.0.0.1:${server.port}`;
	const users = new Map();
	/** Path of the credentials of a user, undefined without accounts. */
	const enrol = async (role, name) => {
		if (!keys) return undefined;
		const known = users.get(name);
		if (known) return known.path;
		const { creds } = await mintUser(keys, { role, name });
		const path = join(folder, `${name}.creds`);
		await writeFile(path, creds, { mode: 0o600 });
		users.set(name, { path, name, role, key: parseCredentials(creds).key });
		const listed = [...users.values()].filter((user) => user.role !== 'node');
		const list = listed.map((user) => ({ key: user.key.publicKey, name: user.name, role: user.role }));
		// What programs that start from now on trust: it lies beside their credentials.
		const trust = { roots: [publicKeyOf(keys.operator)], keys: list };
		await writeFile(join(folder, 'trust.json'), JSON.stringify(trust), { mode: 0o600 });
		return path;
	};
	/** Starts `steward …`, as a process of its own. */
	const run = async (role, name, words) => {
		const credentials = await enrol(role, name);
		const data = join(folder, `data-${name}`);
		await mkdir(data, { mode: 0o700 });
		const flags = ['--servers', url, '--data', data, ...(credentials ? ['--credentials', credentials] : [])];
		const env = { PATH: process.env.PATH, HOME: data, STEWARD_LOG: 'warn' };
		const child = spawn(join(root, 'dist/bin/steward.js'), [...words, ...flags], {
			...{ cwd: data, env, stdio: ['ignore', 'ignore', process.env.DEBUG ? 'inherit' : 'ignore'] },
		});
		programs.push(child);
		return child;
	};
	const stop = async (child) => {
		child.kill('SIGTERM');
		if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
	};
	return {
		...{ url, enrol, run, stop, pid: server.pid },
		/** The key of a user, undefined without accounts. */
		keyOf: (name) => users.get(name)?.key,
		[Symbol.asyncDispose]: async () => {
			for (const child of programs.reverse()) await stop(child);
			await server.stop();
			await rm(folder, { recursive: true, force: true });
		},
	};
}

/** CPU of a process so far, without its children, microseconds. */
export async function cpuOf(pid) {
	const text = await readFile(`/proc/${pid}/stat`, 'utf8');
	const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
	return ((Number(fields[11]) + Number(fields[12])) * 1e6) / ticksOfProc;
}

export const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];
