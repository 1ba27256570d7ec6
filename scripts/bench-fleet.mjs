/**
 * Owns the brokers of the benchmarks: one as it comes, one with the accounts of a fleet; with a trust list or without; all durable
 * (sync_interval: always), in a folder of their own, and steward's programs beside them.
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
import { signingKey } from '../dist/security/keys.js';
import { serverConfig } from '../dist/security/server-config.js';

const root = fileURLToPath(new URL('../', import.meta.url));
const ticksOfProc = 100;
const maxFileBytes = 16 * 2 ** 30;

/**
 * @param {{ accounts: boolean, signs?: boolean }} site Whether it has accounts, and whether everybody signs what it sends and trusts
 *   nothing else; who has accounts does.
 */
export async function startFleet({ accounts, signs = accounts }) {
	const folder = await mkdtemp(join(tmpdir(), 'steward-bench-'));
	const programs = [];
	const keys = signs ? newFleetKeys() : undefined;
	const store = { storeDir: join(folder, 'data') };
	const pattern = accounts ? join(folder, 'nats-server.conf') : join(root, 'nats-server.conf');
	if (accounts) {
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
	/** Path of the credentials of a user, undefined where nobody signs. */
	const enrol = async (role, name) => {
		if (!keys) return undefined;
		const known = users.get(name);
		if (known) return known.path;
		// A broker without accounts asks nobody who he is, and has no imports through which nodes' credentials would go.
		const { creds } = await mintUser(keys, { role: accounts ? role : 'centre', name });
		const path = join(folder, `${name}.creds`);
		await writeFile(path, creds, { mode: 0o600 });
		users.set(name, { path, name, role, key: parseCredentials(creds).key });
		// What programs that start from now on trust: it lies beside their credentials.
		await writeFile(join(folder, 'trust.json'), JSON.stringify(trustList()), { mode: 0o600 });
		return path;
	};
	const trustList = () => ({
		roots: [publicKeyOf(keys.operator)],
		keys: [...users.values()].map(({ key, name, role }) => ({ key: key.publicKey, name, role })),
	});
	/** Brings the list to centre and nodes, which check nodes' seals by it from then on; nothing where nobody signs. */
	const publishTrust = async (client) =>
		keys && client.trust.publish('trust', trustList(), { roots: [signingKey(keys.operator)] });
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
		...{ url, enrol, run, stop, publishTrust, pid: server.pid },
		/** The key of a user, undefined where nobody signs. */
		keyOf: (name) => users.get(name)?.key,
		[Symbol.asyncDispose]: async () => {
			for (const child of programs.reverse()) await stop(child);
			await server.stop();
			await rm(folder, { recursive: true, force: true });
		},
	};
}

/** CPU so far, microseconds: of a process itself, and of those children of it that have ended. */
export async function cpuOf(pid) {
	const text = await readFile(`/proc/${pid}/stat`, 'utf8');
	const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
	const [own, children] = [11, 13].map((at) => Number(fields[at]) + Number(fields[at + 1]));
	return { own: (own * 1e6) / ticksOfProc, children: (children * 1e6) / ticksOfProc };
}

export const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];
