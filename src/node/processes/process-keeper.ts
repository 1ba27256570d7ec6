/**
 * Owns keeping the process of a user's module up: it is started again when it breaks down, and stays down when it does so
 * too often. Promises that whoever asks meanwhile waits for a short restart, and is told `ProcessPaused` when it is down, so
 * that a module that breaks harms nobody else. It is started again when it is woken, or with the node.
 */

import type { Clock } from '../../base/clock.ts';
import { messageOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { ProcessIdentity } from '../../base/process.ts';
import { Supervisor } from '../../supervision/supervisor.ts';
import {
	type MethodDescription,
	type MethodProcess,
	type Outcome,
	ProcessDied,
	ProcessPaused,
	type RunInput,
} from './method.ts';

export type ProcessKeeperOptions = {
	process: MethodProcess;
	/** More breakdowns than `restarts` within `periodMs`, and it stays down. */
	intensity?: { restarts: number; periodMs: number };
	/** It stays down from here on, until {@link ProcessKeeper.wake}. */
	onExhausted: (process: MethodProcess, error: Error) => void;
	clock: Clock;
	log: Log;
};

const usualIntensity = { restarts: 5, periodMs: 60_000 };
const stopWithinMs = 10_000;
/** A check that ends its process so often is the fault of the data. */
const checks = 3;

export class ProcessKeeper implements MethodProcess {
	readonly name: string;
	readonly #options: ProcessKeeperOptions;
	readonly #process: MethodProcess;
	readonly #supervisor: Supervisor;
	#exhaustedBy: Error | undefined;
	#waking: Promise<void> | undefined;
	#breakdowns = 0;

	constructor(options: ProcessKeeperOptions) {
		const { process, clock, log, intensity = usualIntensity } = options;
		this.name = process.name;
		this.#options = options;
		this.#process = process;
		process.onFailure(() => {
			this.#breakdowns += 1;
		});
		this.#supervisor = new Supervisor({
			name: process.name,
			strategy: 'one-for-one',
			intensity,
			children: [process],
			stopWithinMs,
			clock,
			log,
		});
		this.#supervisor.onFailure((error) => this.#rest(error));
	}

	get methods(): readonly MethodDescription[] {
		return this.#process.methods;
	}

	get isPaused(): boolean {
		return this.#exhaustedBy !== undefined;
	}

	get breakdowns(): number {
		return this.#breakdowns;
	}

	start(): Promise<void> {
		return this.#supervisor.start();
	}

	stop(): Promise<void> {
		this.#exhaustedBy = undefined;
		return this.#supervisor.stop();
	}

	onFailure(): void {
		// Its breakdowns end here: the rest of the node goes on.
	}

	leaderOf(method: string): ProcessIdentity | undefined {
		return this.#process.leaderOf?.(method);
	}

	async check(method: string, data: unknown): Promise<readonly string[]> {
		for (let attempt = 1; ; attempt++) {
			await this.#up();
			try {
				return await this.#process.check(method, data);
			} catch (error) {
				if (!(error instanceof ProcessDied)) throw error;
				if (attempt === checks) return [`the process of ${this.name} ended each time it checked this data`];
			}
		}
	}

	async run(method: string, input: RunInput, signal: AbortSignal): Promise<Outcome> {
		await this.#up();
		return this.#process.run(method, input, signal);
	}

	/** A short restart is waited for. @throws ProcessPaused */
	async #up(): Promise<void> {
		if (this.#exhaustedBy === undefined) {
			try {
				// Where its supervisor is about to start it, this is the same start.
				await this.#process.start();
				return;
			} catch (error) {
				throw new ProcessPaused(`${this.name} cannot be started: ${messageOf(error)}`, { cause: error });
			}
		}
		throw new ProcessPaused(`${this.name} broke down too often, and is down`, { cause: this.#exhaustedBy });
	}

	#rest(error: Error): void {
		this.#exhaustedBy = error;
		this.#options.onExhausted(this, error);
	}

	/** Starts it again, if it is down; resolves when it is up, or down once more. */
	async wake(): Promise<void> {
		if (this.#exhaustedBy === undefined) return;
		this.#waking ??= this.#startAgain().finally(() => {
			this.#waking = undefined;
		});
		await this.#waking;
	}

	async #startAgain(): Promise<void> {
		await this.#supervisor.stop();
		if (this.#exhaustedBy === undefined) return;
		try {
			await this.#supervisor.start();
			this.#exhaustedBy = undefined;
		} catch (error) {
			this.#rest(error instanceof Error ? error : new Error(messageOf(error)));
		}
	}
}
