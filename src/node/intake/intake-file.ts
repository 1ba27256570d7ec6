/**
 * Owns the watched file inmsg.txt: JSON appended to it is taken, sent, erased.
 * Promises that text leaves only after it is in the outbox or in `inmsg.rejected/`, each message once and in order,
 * and that an unfinished tail waits: warned of after 5 s, rejected after 60 s without growth.
 * After a crash the taken files are finished first, each from its stored progress.
 *
 * What remains: text is lost if a process appends to a taken file, through a descriptor from before it was taken, after
 * the file was removed. So it is removed only when nobody holds it open (/proc) and after 2 s of silence; after 10 s
 * where /proc may not be read whole (another user's processes, another container's, a network file system).
 */

import { type FSWatcher, watch } from 'node:fs';
import { basename, dirname, extname, resolve } from 'node:path';
import { backoffMs } from '../../base/backoff.ts';
import type { Clock } from '../../base/clock.ts';
import { messageOf } from '../../base/errors.ts';
import { makeFolder } from '../../base/files.ts';
import { Lifecycle, type Service } from '../../base/lifecycle.ts';
import type { Log } from '../../base/log.ts';
import type { Intake } from './intake.ts';
import { IntakeFilePass, type IntakePass } from './intake-file-pass.ts';

export type IntakeFileOptions = {
	/** The watched file; `inmsg.taken-*` and `inmsg.rejected/` are beside it. It need not exist. */
	readonly path: string;
	readonly intake: Intake;
	/** The node's name, part of the ids of messages that name none. */
	readonly node: string;
	readonly clock: Clock;
	readonly log: Log;
	/** How often to look where the file system tells nothing. Default 1000. */
	readonly pollMs?: number;
};

/** Changes in quick succession are one pass. */
const settleMs = 50;
const retry = { kind: 'exponential', initialMs: 1000, capMs: 60_000, jitter: 0 } as const;

export class IntakeFile implements Service {
	readonly name = 'intake-file';
	readonly #options: IntakeFileOptions;
	readonly #path: string;
	readonly #pass: IntakeFilePass;
	readonly #lifecycle: Lifecycle;
	#last: Promise<unknown> = Promise.resolve();
	#stopping = new AbortController();
	#nap = new AbortController();
	#loop: Promise<void> = Promise.resolve();
	#watcher: FSWatcher | undefined;
	#failures = 0;

	constructor(options: IntakeFileOptions) {
		this.#options = options;
		this.#path = resolve(options.path);
		this.#pass = new IntakeFilePass({ ...options, path: this.#path });
		this.#lifecycle = new Lifecycle(
			() => this.#begin(),
			() => this.#end(),
		);
	}

	start(): Promise<void> {
		return this.#lifecycle.start();
	}

	stop(): Promise<void> {
		return this.#lifecycle.stop();
	}

	/** One pass: finishes what was taken, takes what is new. Rejects when the outbox or the disk fails; nothing is lost then. */
	runOnce(): Promise<IntakePass> {
		const next = this.#last.then(() => this.#pass.run());
		this.#last = next.catch(() => undefined);
		return next;
	}

	async #begin(): Promise<void> {
		await makeFolder(dirname(this.#path));
		this.#stopping = new AbortController();
		this.#watch();
		this.#loop = this.#run(this.#stopping.signal);
	}

	async #end(): Promise<void> {
		this.#stopping.abort();
		this.#nap.abort();
		this.#watcher?.close();
		this.#watcher = undefined;
		await this.#loop;
	}

	async #run(stopping: AbortSignal): Promise<void> {
		const { clock, log, pollMs = 1000 } = this.#options;
		while (!stopping.aborted) {
			this.#nap = new AbortController();
			try {
				await this.runOnce();
				this.#failures = 0;
			} catch (error) {
				this.#failures += 1;
				const waitMs = backoffMs(retry, this.#failures, () => 0);
				log.error(
					{ err: messageOf(error), path: this.#path, retryInMs: waitMs },
					'messages from inmsg.txt cannot be accepted now; the text is kept, and taken again later',
				);
				await clock.sleep(waitMs, stopping);
				continue;
			}
			if (!stopping.aborted) await clock.sleep(pollMs, this.#nap.signal);
			await clock.sleep(Math.min(settleMs, pollMs), stopping);
		}
	}

	#watch(): void {
		const { log } = this.#options;
		const name = basename(this.#path);
		const taken = `${basename(this.#path, extname(this.#path))}.taken-`;
		const giveUp = (error: unknown) =>
			log.warn(
				{ err: messageOf(error), path: this.#path },
				'changes of inmsg.txt are not told by the system; it is looked at every second instead',
			);
		try {
			this.#watcher = watch(dirname(this.#path), (event, changed) => {
				const isText = changed === name || (event === 'change' && changed?.startsWith(taken));
				if (isText) this.#nap.abort();
			});
			this.#watcher.on('error', giveUp);
		} catch (error) {
			giveUp(error);
		}
	}
}
