/**
 * Owns the embedded broker: one nats-server on one data folder, kept running until `stop`.
 * Promises that a server which ends is started again on the same port and store, up to an intensity; that a second
 * broker on the folder is refused; and that no server is left when `stop` resolves.
 * If we die, by whatever, the server is ended with us, and the next start takes over lock and store.
 */

import { mkdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { bracketed, isEveryAddress } from '../base/address.ts';
import { type Backoff, backoffMs } from '../base/backoff.ts';
import type { Clock } from '../base/clock.ts';
import { messageOf, StewardError } from '../base/errors.ts';
import { type FolderLock, lockFolder } from '../base/folder-lock.ts';
import { Lifecycle, Periodic, type Service } from '../base/lifecycle.ts';
import type { Log } from '../base/log.ts';
import { packageRoot } from '../base/package.ts';
import { diskOf, reserveBytes, storageBudget, storeUsedBytes } from './disk.ts';
import { findNatsServer } from './find.ts';
import { askHealth, asksWho } from './health.ts';
import { type ServerOptions, type ServerProcess, startServer } from './server-process.ts';
import { BrokerWatch } from './watch.ts';

export type BrokerOptions = {
	/** Everything lies in `<dataDir>/broker/`. */
	readonly dataDir: string;
	/** 127.0.0.1 if none. */
	readonly host?: string;
	/** The nats-server.conf of a fleet with accounts and TLS, in the place of the shipped one; its relative paths start beside it. */
	readonly secureConfig?: string | undefined;
	/** 0 picks a free one, which is kept for as long as this broker runs. */
	readonly port: number;
	/** The nats-server to run; if none, it is looked for with `env`. */
	readonly serverPath?: string;
	/** Where `NATS_SERVER` and `PATH` are read. */
	readonly env?: Readonly<Record<string, string | undefined>>;
	readonly clock: Clock;
	readonly log: Log;
	/** Gives [0, 1), for the spread of restarts. */
	readonly random: () => number;
	/** The server has ended and will be started again. */
	readonly onDown?: () => void;
	/** The server is there (again). */
	readonly onUp?: () => void;
	/** It ended too often: it stays down until `stop` and `start`. */
	readonly onGaveUp?: (error: StewardError) => void;
};

/** More ends than this within the period, and a restart will not help. */
const intensity = { restarts: 5, periodMs: 60_000 };
const restartBackoff: Backoff = { kind: 'exponential', initialMs: 50, capMs: 5000, jitter: 0.5 };
const readyWithinMs = 300_000;
const stopWithinMs = 20_000;
const watchEveryMs = 5000;
const watchPatienceMs = 30_000;
const loopbackAddress = '127.0.0.1';

export class Broker implements Service {
	readonly name = 'broker';
	readonly #options: BrokerOptions;
	readonly #lifecycle = new Lifecycle(
		() => this.#begin(),
		() => this.#end(),
	);
	#stopping = new AbortController();
	#lock: FolderLock | undefined;
	#server: ServerProcess | undefined;
	#keeping: Promise<void> = Promise.resolve();
	#watch: Periodic | undefined;
	#port: number | undefined;
	#budgetBytes: number | undefined;

	constructor(options: BrokerOptions) {
		this.#options = options;
	}

	/**
	 * Resolves when the server takes clients. Throws `no-broker` (none found, or it does not come up),
	 * `already-running` (folder or port in use).
	 */
	start(): Promise<void> {
		return this.#lifecycle.start();
	}

	/** Resolves when the server is gone. */
	stop(): Promise<void> {
		return this.#lifecycle.stop();
	}

	/** `nats://127.0.0.1:PORT`, or `tls:`. Throws before the first start. */
	get url(): string {
		const { host = loopbackAddress } = this.#options;
		const ownLoopback = host === '::' ? '::1' : loopbackAddress;
		const reachable = bracketed(isEveryAddress(host) ? ownLoopback : host);
		const scheme = this.#options.secureConfig === undefined ? 'nats' : 'tls';
		return `${scheme}://${reachable}:${started(this.#port)}`;
	}

	/** The most that all file streams together may hold on this disk. Throws before the first start. */
	get storageBudgetBytes(): number {
		return started(this.#budgetBytes);
	}

	/** The pid of the running server, or undefined while there is none. */
	get pid(): number | undefined {
		return this.#server?.pid;
	}

	async #begin(): Promise<void> {
		const { env = {}, port, clock, log, secureConfig } = this.#options;
		this.#stopping = new AbortController();
		const { signal } = this.#stopping;
		const folder = resolve(this.#options.dataDir, 'broker');
		await mkdir(folder, { recursive: true, mode: 0o700 });
		this.#lock = await lockFolder(folder);
		const program = this.#options.serverPath ?? (await findNatsServer({ env })).path;
		const storeDir = join(folder, 'store');
		const disk = await diskOf(folder);
		this.#budgetBytes = storageBudget(disk, await storeUsedBytes(storeDir));
		const server: ServerOptions = {
			...{ program, folder, clock, log, readyWithinMs, stopWithinMs },
			pattern: secureConfig ?? join(packageRoot, 'nats-server.conf'),
			cwd: secureConfig === undefined ? folder : dirname(resolve(secureConfig)),
			settings: {
				...{ port, storeDir, maxFileBytes: this.#budgetBytes },
				host: this.#options.host ?? loopbackAddress,
			},
		};
		await this.#bringUp(server, signal);
		// From here on the port is a promise to clients, also if the server had picked it.
		const again = { ...server, settings: { ...server.settings, port: started(this.#port) } };
		this.#keeping = this.#keepUp(again, signal);
		this.#watch = this.#makeWatch(folder, reserveBytes(disk));
		await this.#watch.start();
	}

	async #end(): Promise<void> {
		this.#stopping.abort();
		await this.#watch?.stop();
		await this.#keeping;
		await this.#server?.stop();
		this.#server = undefined;
		await this.#lock?.release();
		this.#lock = undefined;
	}

	async #bringUp(options: ServerOptions, signal: AbortSignal): Promise<void> {
		this.#server = await startServer(options, signal);
		const { secureConfig, clock } = this.#options;
		if (secureConfig !== undefined && !(await asksWho(this.#server.monitorUrl, clock))) {
			await this.#server.stop();
			this.#server = undefined;
			throw new StewardError(
				'invalid',
				`the broker would let everybody in: ${secureConfig} has not the accounts of a fleet any more; put it back as steward init --secure made it`,
			);
		}
		this.#port = this.#server.port;
		this.#options.log.debug({ url: this.url, pid: this.#server.pid }, 'the broker is up');
		this.#options.onUp?.();
	}

	/** Starts the server again whenever it has ended, until `signal`, or until it ended too often. */
	async #keepUp(options: ServerOptions, signal: AbortSignal): Promise<void> {
		const { clock, log, random } = this.#options;
		const endsMs: number[] = [];
		let last = '';
		const aborted = new Promise<void>((done) =>
			signal.addEventListener('abort', () => done(), { once: true }),
		);
		for (;;) {
			if (this.#server !== undefined) {
				const exit = await Promise.race([this.#server.exited, aborted]);
				if (signal.aborted || exit === undefined) return;
				this.#server = undefined;
				last = `it ended with ${exit.signal ?? `exit code ${exit.code}`}`;
				log.warn(`the broker is down: ${last}; starting it again`);
				this.#options.onDown?.();
			}
			const nowMs = clock.monotonic();
			endsMs.push(nowMs);
			const recent = endsMs.filter((endMs) => nowMs - endMs < intensity.periodMs).length;
			if (recent > intensity.restarts) return this.#giveUp(last);
			await clock.sleep(backoffMs(restartBackoff, recent, random), signal);
			if (signal.aborted) return;
			try {
				await this.#bringUp(options, signal);
			} catch (error) {
				last = messageOf(error);
				if (!signal.aborted) log.warn({ err: last }, 'the broker did not come up');
			}
		}
	}

	#giveUp(last: string): void {
		const message = `nats-server ended more than ${intensity.restarts} times within ${intensity.periodMs / 1000} s, last: ${last}; see the log, then start steward again`;
		this.#options.log.error(message);
		this.#options.onGaveUp?.(new StewardError('gave-up', message));
	}

	#makeWatch(folder: string, reserve: number): Periodic {
		const { clock, log } = this.#options;
		const watch = new BrokerWatch({
			...{ clock, log, reserveBytes: reserve, patienceMs: watchPatienceMs },
			health: async () => this.#server && askHealth(this.#server.monitorUrl, clock),
			freeBytes: async () => (await diskOf(folder)).freeBytes,
			restart: async () => this.#server?.stop(),
		});
		return new Periodic({
			name: 'broker-watch',
			everyMs: watchEveryMs,
			runOnce: () => watch.runOnce(),
			clock,
			log,
		});
	}
}

function started<T>(value: T | undefined): T {
	if (value === undefined) throw new Error('the broker has not been started');
	return value;
}
