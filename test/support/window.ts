/**
 * Owns the operator's window of a test: the built `steward up`, or `steward central` on a broker that is there, with its HTTP server.
 * Promises that it answers (`/readyz`) when it resolves, on free ports, and that nothing of it is left when it is disposed of.
 * Started again with the same folder and ports it is the same window after a crash.
 */

import { type RunningCli, startCli } from './cli.ts';
import { eventually } from './eventually.ts';
import { freePorts } from './ports.ts';

export type Window = AsyncDisposable & {
	/** Origin of the page: `http://127.0.0.1:PORT`. */
	readonly url: string;
	/** Of the running process; another after a restart. */
	readonly pid: number;
	/** Of the broker. */
	readonly servers: string;
	/** Sends `signal` (SIGKILL if none) to the process, and resolves when it is gone. */
	kill(signal?: NodeJS.Signals): Promise<void>;
	/** Starts it again on the same folder and ports. */
	restart(): Promise<void>;
};

export type WindowOptions = {
	/** Broker that is there; without it, `steward up` brings its own. */
	readonly servers?: string;
	readonly dataDir: string;
	/** Resolves as soon as the page is served, however far the index is. */
	readonly isEarly?: boolean;
};

export async function openWindow({ servers, dataDir, isEarly = false }: WindowOptions): Promise<Window> {
	const [http = 0, broker = 0] = await freePorts(2);
	const url = `http://127.0.0.1:${http}`;
	const how = servers === undefined ? ['up', '--port', String(broker)] : ['central', '--servers', servers];
	const args = [...how, '--data', dataDir, '--http', String(http), '--log-level', 'warn'];
	let running: RunningCli;
	const start = async () => {
		running = startCli(args, { cwd: dataDir });
		const path = isEarly ? 'healthz' : 'readyz';
		try {
			await Promise.race([
				eventually(async () => (await fetch(`${url}/${path}`)).ok, {
					timeoutMs: 60_000,
					everyMs: 50,
					message: `${url}/${path} answers`,
				}),
				running.exited.then((code) => {
					throw new Error(
						`steward ${args.join(' ')} ended (${code}):\n${running.stdout()}${running.stderr()}`,
					);
				}),
			]);
		} catch (error) {
			await running[Symbol.asyncDispose]();
			throw error;
		}
	};
	await start();
	return {
		url,
		get pid() {
			return running.pid;
		},
		servers: servers ?? `nats://127.0.0.1:${broker}`,
		async kill(signal = 'SIGKILL') {
			await running.stop(signal);
		},
		restart: start,
		[Symbol.asyncDispose]: async () => running[Symbol.asyncDispose](),
	};
}
