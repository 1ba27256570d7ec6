/**
 * Owns the output of this node's commands on its way to the stream: one spool on the disk for all of them, one sender.
 * Promises that no output holds up a run or fails it, that the disk is used up to a budget and memory is not, and that
 * whatever does not fit is marked.
 * A crash leaves files: the next start sends them, with a closing chunk that says the attempt was cut off.
 */

import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../base/clock.ts';
import { messageOf } from '../../base/errors.ts';
import { randomToken } from '../../base/ids.ts';
import { Lifecycle, type Service } from '../../base/lifecycle.ts';
import type { Log } from '../../base/log.ts';
import type { Link } from '../../jetstream/connection.ts';
import { AttemptOutput } from './attempt-output.ts';
import { SpoolBudget } from './budget.ts';
import { OutputSender } from './output-sender.ts';
import type { Redaction } from './redactor.ts';
import { largestWindowBytes } from './send-window.ts';
import { runsOf, SpooledRun, type SpooledRunOptions, sumOf } from './spooled-run.ts';

export type OutputOptions = {
	readonly node: string;
	/** The node's folder; the spool is below it. */
	readonly dataDir: string;
	/** Of all attempts together; below the sender's window, the window counts. */
	readonly spoolMaxBytes: number;
	readonly redaction: Redaction;
	readonly link: Link;
	readonly clock: Clock;
	readonly log: Log;
};

/** What can be sent within this time when the node stops, is. */
const drainWithinMs = 2000;

export class Output implements Service {
	readonly name = 'output';
	readonly #options: OutputOptions;
	readonly #dir: string;
	readonly #sender: OutputSender;
	readonly #lifecycle: Lifecycle;
	#budget: SpoolBudget;
	#off: readonly (() => void)[] = [];

	constructor(options: OutputOptions) {
		this.#options = options;
		this.#dir = join(options.dataDir, 'output');
		this.#sender = new OutputSender(options);
		this.#budget = this.#newBudget();
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

	/** How much disk it takes, and may take. */
	get spool(): { readonly bytes: number; readonly maxBytes: number } {
		return this.#budget.use;
	}

	/** The output of one attempt. Whoever begins it ends it. */
	begin({ id, attempt }: { readonly id: string; readonly attempt: number }): AttemptOutput {
		// What says nothing leaves nothing: neither file nor chunk.
		let run: SpooledRun | undefined;
		const begun = () => {
			const begins = new SpooledRun({ id, attempt, token: randomToken() }, this.#runOptions());
			this.#sender.add(begins);
			return begins;
		};
		return new AttemptOutput(this.#options.redaction, {
			append: (stream, offset, data) => {
				run ??= begun();
				return run.append(stream, offset, data);
			},
			finish: (totals) => {
				if (sumOf(totals) === 0) return;
				run ??= begun();
				run.finish({ how: 'ended', totals });
			},
		});
	}

	async #begin(): Promise<void> {
		const { link, log } = this.#options;
		this.#budget = this.#newBudget();
		try {
			await mkdir(this.#dir, { recursive: true, mode: 0o700 });
			for (const run of await this.#leftovers()) this.#sender.add(run);
		} catch (error) {
			// Commands run without: what they say is cut, and marked.
			log.error({ err: messageOf(error) }, 'the spool of output cannot be read');
		}
		this.#off = [
			link.onUp((connection) => this.#sender.attach(connection)),
			link.onDown(() => this.#sender.detach()),
		];
	}

	async #end(): Promise<void> {
		const { link, clock } = this.#options;
		if (link.connection) await Promise.race([this.#sender.whenEmpty(), clock.sleep(drainWithinMs)]);
		for (const off of this.#off) off();
		this.#sender.detach();
		await Promise.all(this.#sender.runs().map((run) => run.close()));
		this.#sender.clear();
	}

	async #leftovers(): Promise<SpooledRun[]> {
		const runs: SpooledRun[] = [];
		for (const { name, segments } of runsOf(await readdir(this.#dir))) {
			try {
				runs.push(await SpooledRun.found(name, segments, this.#runOptions()));
			} catch (error) {
				// The others are good. Its files stay for a person.
				const { log } = this.#options;
				log.error({ id: name.id, err: messageOf(error) }, 'spooled output cannot be read: it is not sent');
			}
		}
		return runs;
	}

	#runOptions(): SpooledRunOptions {
		const { log } = this.#options;
		return { dir: this.#dir, budget: this.#budget, onWritten: () => this.#sender.pump(), log };
	}

	#newBudget(): SpoolBudget {
		const { spoolMaxBytes, log } = this.#options;
		return new SpoolBudget(Math.max(spoolMaxBytes, largestWindowBytes), log);
	}
}
