/**
 * Owns one run of nats-server: from spawn to the moment when it is truly gone.
 * Promises that it is ready when `startServer` resolves, and gone when `startServer` rejects or `stop` resolves.
 * If we die, the kernel ends it, and the next start waits for that end (leftover.ts).
 */

import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { Clock } from '../base/clock.ts';
import { messageOf, StewardError, systemCodeOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { endLeftoverServer, noteServer } from './leftover.ts';
import { type ServerSettings, serverConfig } from './server-config.ts';
import { followOutput } from './server-output.ts';
import { type Exit, spawnTied, type TiedChild } from './tied-child.ts';

export type ServerOptions = {
	readonly program: string;
	/** The nats-server.conf that is the pattern: the shipped one, or that of a fleet with accounts. */
	readonly pattern: string;
	/** What relative paths in it start from. */
	readonly cwd: string;
	/** Holds the config, the store and the note of who runs. */
	readonly folder: string;
	readonly settings: ServerSettings;
	/** How long a start may take; reading a large store back takes seconds. */
	readonly readyWithinMs: number;
	/** After this an orderly end becomes a forced one. */
	readonly stopWithinMs: number;
	readonly clock: Clock;
	readonly log: Log;
};

export type ServerProcess = {
	readonly pid: number;
	readonly port: number;
	/** Address of /healthz. */
	readonly monitorUrl: string;
	readonly exited: Promise<Exit>;
	stop(): Promise<void>;
};

/**
 * Starts nats-server and waits until it takes clients. An abort of `signal` ends it and rejects.
 * Throws `already-running` if the port is taken, `no-broker` if it does not come up.
 */
export async function startServer(options: ServerOptions, signal: AbortSignal): Promise<ServerProcess> {
	const { folder, settings, clock } = options;
	await endLeftoverServer(folder, options);
	await refuseTakenPort(settings);
	const portsFolder = join(folder, 'ports');
	await rm(portsFolder, { recursive: true, force: true });
	await mkdir(portsFolder, { recursive: true, mode: 0o700 });
	const configFile = join(folder, 'server.conf');
	const config = serverConfig(await readFile(options.pattern, 'utf8'), settings);
	await writeFile(configFile, config, { mode: 0o600 });

	const child = await spawnTied(options.program, ['-c', configFile, '--ports_file_dir', portsFolder], {
		cwd: options.cwd,
	});
	const output = followOutput([child.process.stdout, child.process.stderr], clock, options.log);
	const stop = () => endChild(child, options);
	const waiting = new AbortController();
	const abort = () => waiting.abort(new Error('stopped while it started'));
	signal.addEventListener('abort', abort, { once: true });
	if (signal.aborted) abort();
	try {
		await noteServer(folder, child.pid);
		const exit = child.exited.then(({ code, signal }): never => {
			throw new Error(`it ended with ${signal ?? `exit code ${code}`}`);
		});
		const ready = whenReady(portsFolder, options, waiting.signal);
		const addresses = await Promise.race([ready, exit]);
		return { pid: child.pid, ...addresses, exited: child.exited, stop };
	} catch (error) {
		await stop();
		throw new StewardError(
			'no-broker',
			`nats-server (${options.program}) did not come up: ${messageOf(error)}; its last words:\n${output.tail()}`,
			{ cause: error },
		);
	} finally {
		signal.removeEventListener('abort', abort);
		waiting.abort(new Error('decided'));
	}
}

async function endChild(child: TiedChild, { clock, log, stopWithinMs }: ServerOptions): Promise<void> {
	child.process.kill('SIGTERM');
	const cancel = clock.after(stopWithinMs, () => {
		log.warn({ pid: child.pid, stopWithinMs }, 'nats-server does not end; killing it');
		child.process.kill('SIGKILL');
	});
	await child.exited;
	cancel();
}

/** Asked beforehand, because the server opens its store before its port, and says it only in its log. */
async function refuseTakenPort({ host, port }: ServerSettings): Promise<void> {
	if (port === 0) return;
	await new Promise<void>((resolve, reject) => {
		const probe = createServer();
		probe.once('error', (error) => {
			if (systemCodeOf(error) !== 'EADDRINUSE') return reject(error);
			const message = `port ${port} on ${host} is in use; stop what listens there, or choose another with --port`;
			reject(new StewardError('already-running', message, { cause: error, details: { host, port } }));
		});
		probe.listen({ host, port, exclusive: true }, () => probe.close(() => resolve()));
	});
}

async function whenReady(
	portsFolder: string,
	{ clock, readyWithinMs }: ServerOptions,
	signal: AbortSignal,
): Promise<{ port: number; monitorUrl: string }> {
	const deadline = clock.monotonic() + readyWithinMs;
	for (;;) {
		signal.throwIfAborted();
		const addresses = await readAddresses(portsFolder);
		if (addresses !== undefined && (await isUp(`${addresses.monitorUrl}/healthz?js-enabled-only=true`)))
			return addresses;
		if (clock.monotonic() >= deadline) throw new Error(`it was not ready within ${readyWithinMs} ms`);
		await clock.sleep(10, signal);
	}
}

/** The server writes where it listens into `<program>_<pid>.ports` when its store is read and its port is open. */
async function readAddresses(portsFolder: string): Promise<{ port: number; monitorUrl: string } | undefined> {
	const name = (await readdir(portsFolder)).find((name) => name.endsWith('.ports'));
	if (name === undefined) return undefined;
	const text = await readFile(join(portsFolder, name), 'utf8');
	const port = /"nats":\["(?:nats|tls):\/\/[^"]*:(\d+)"/.exec(text)?.[1];
	const monitorUrl = /"monitoring":\["([^"]+)"/.exec(text)?.[1];
	return port === undefined || monitorUrl === undefined ? undefined : { port: Number(port), monitorUrl };
}

async function isUp(url: string): Promise<boolean> {
	try {
		return (await fetch(url)).ok;
	} catch {
		return false;
	}
}
