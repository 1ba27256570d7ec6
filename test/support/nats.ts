/**
 * Owns the nats-server of an integration test: the shipped nats-server.conf, a random port, a temporary store.
 * Promises that it is ready when `startNats` resolves, that `restart` keeps port and store, and that nothing is left
 * when it is disposed of, also when the test fails or its process is killed.
 */

import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../../src/base/errors.ts';
import { packageRoot } from '../../src/base/package.ts';
import { findNatsServer } from '../../src/broker/find.ts';
import { spawnTied, type TiedChild } from '../../src/broker/tied-child.ts';
import { eventually } from './eventually.ts';
import { freePort } from './ports.ts';
import { tempDir } from './temp.ts';

export type NatsOptions = {
	/** A config file other than the shipped one. Its relative store is below the temporary folder. */
	config?: string;
	/** Further flags for the server. */
	flags?: readonly string[];
	/** A command line that runs the server's, and becomes it: `strace -D …`. */
	under?: readonly string[];
	/** Fills the folder of the server's data before its first start. */
	prepare?: (storeDir: string) => Promise<void>;
};

export type Nats = AsyncDisposable & {
	/** `nats://127.0.0.1:PORT`, the same after a restart. */
	readonly url: string;
	/** `http://127.0.0.1:PORT` of /healthz, /varz, /jsz; another after a restart. */
	readonly monitorUrl: string;
	readonly port: number;
	/** The pid of the running server; another after a restart. */
	readonly pid: number;
	/** The folder that holds all of the server's data. */
	readonly storeDir: string;
	/** All that the server has printed since its last start. */
	output(): string;
	/** Sends `signal` (SIGKILL if none) and resolves when the server is gone. */
	kill(signal?: NodeJS.Signals): Promise<void>;
	/** Kills it if it runs (`signal`, SIGKILL if none), and starts it on the same port and store. */
	restart(signal?: NodeJS.Signals): Promise<void>;
	/** Ends it in an orderly way. Safe to call twice. */
	stop(): Promise<void>;
};

type Running = { child: TiedChild; url: string; monitorUrl: string; output: () => string };

export async function startNats(options: NatsOptions = {}): Promise<Nats> {
	const { path } = await findNatsServer({ env: process.env });
	const dir = await tempDir('steward-nats-');
	const start = async (port: number): Promise<Running> => {
		const [program = path, ...before] = [...(options.under ?? []), path];
		const child = await spawnTied(
			program,
			[
				...before,
				...['-c', options.config ?? join(packageRoot, 'nats-server.conf'), '-a', '127.0.0.1'],
				...['-p', String(port), '-m', '-1', '--ports_file_dir', dir.path, ...(options.flags ?? [])],
			],
			{ cwd: dir.path },
		);
		let output = '';
		for (const stream of [child.process.stdout, child.process.stderr]) {
			stream?.setEncoding('utf8').on('data', (text: string) => {
				output += text;
			});
		}
		const exit = child.exited.then(({ code, signal }): never => {
			throw new Error(`nats-server ended (${code ?? signal}) before it was ready:\n${output}`);
		});
		const decided = new AbortController();
		try {
			const ready = await Promise.race([whenReady(dir.path, child.pid, decided.signal), exit]);
			return { child, ...ready, output: () => output };
		} catch (error) {
			child.process.kill('SIGKILL');
			await child.exited;
			throw new Error(`${messageOf(error)}; its last words:\n${output.slice(-4000)}`, { cause: error });
		} finally {
			decided.abort();
		}
	};

	let running: Running;
	try {
		await options.prepare?.(join(dir.path, 'data'));
		// One that the server picks could be a client's while the server is away between two starts.
		running = await start(await freePort());
	} catch (error) {
		await dir[Symbol.asyncDispose]();
		throw error;
	}
	const { url } = running;
	const port = Number(new URL(url).port);
	const kill = async (signal: NodeJS.Signals = 'SIGKILL') => {
		running.child.process.kill(signal);
		await running.child.exited;
	};
	return {
		url,
		port,
		storeDir: join(dir.path, 'data'),
		get monitorUrl() {
			return running.monitorUrl;
		},
		get pid() {
			return running.child.pid;
		},
		output: () => running.output(),
		kill,
		async restart(signal) {
			await kill(signal);
			running = await start(port);
		},
		stop: () => kill('SIGTERM'),
		async [Symbol.asyncDispose]() {
			await kill('SIGKILL');
			await dir[Symbol.asyncDispose]();
		},
	};
}

/** The server writes its addresses into a file of its own pid as soon as it listens. */
async function whenReady(
	dir: string,
	pid: number,
	signal: AbortSignal,
): Promise<{ url: string; monitorUrl: string }> {
	const addresses = await eventually(
		async () => {
			const file = (await readdir(dir)).find((name) => name.endsWith(`_${pid}.ports`));
			return file !== undefined && JSON.parse(await readFile(join(dir, file), 'utf8'));
		},
		{ message: 'nats-server did not say its ports', timeoutMs: 60_000, everyMs: 5, signal },
	);
	const [url] = addresses.nats;
	const [monitorUrl] = addresses.monitoring;
	await eventually(async () => (await fetch(`${monitorUrl}/healthz`)).ok, {
		message: 'nats-server did not become healthy',
		timeoutMs: 60_000,
		everyMs: 5,
		signal,
	});
	return { url, monitorUrl };
}
