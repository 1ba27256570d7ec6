/**
 * Owns the log files of a node's folder `logs/`: one for each sender, `errors.jsonl` and `audit.jsonl`.
 * Promises that no name and no link reaches outside of the folder, that no text makes a second line, and that a bounded number of
 * files is open, none after `stop`.
 * A crash loses nothing that an append was resolved for.
 */

import { join } from 'node:path';
import { StewardError } from '../../base/errors.ts';
import { makeFolder } from '../../base/files.ts';
import { Lifecycle, type Service } from '../../base/lifecycle.ts';
import { logLine } from '../../base/text.ts';
import { isSender, operatorSender, rawSender } from '../../domain/names.ts';
import { LogFile, type Rotation } from './log-file.ts';

export type LogFilesOptions = Rotation & {
	/** The node's data folder; the files are in `logs/` below it. */
	readonly dataDir: string;
	/** How many files stay open between appends. */
	readonly maxOpen?: number;
};

export class LogFiles implements Service {
	readonly name = 'log-files';
	readonly #folder: string;
	readonly #rotation: Rotation;
	readonly #maxOpen: number;
	readonly #lifecycle: Lifecycle;
	/** The most recently used is last. */
	readonly #files = new Map<string, LogFile>();
	/** Files that were put aside: `stop` waits for them. */
	readonly #closing = new Set<Promise<void>>();

	constructor(options: LogFilesOptions) {
		this.#folder = join(options.dataDir, 'logs');
		this.#rotation = { maxBytes: options.maxBytes, keep: options.keep };
		this.#maxOpen = options.maxOpen ?? 64;
		this.#lifecycle = new Lifecycle(
			async () => {
				await makeFolder(this.#folder, 0o777);
			},
			async () => {
				const files = [...this.#files.values()];
				this.#files.clear();
				await Promise.all([...this.#closing, ...files.map((file) => file.close())]);
			},
		);
	}

	start(): Promise<void> {
		return this.#lifecycle.start();
	}

	stop(): Promise<void> {
		return this.#lifecycle.stop();
	}

	/** How many files are open. */
	get open(): number {
		return [...this.#files.values()].filter((file) => file.isOpen).length;
	}

	/** Appends each text as one line to the sender's file: what would end the line within it, or steers whoever shows it, is made visible. @throws StewardError `invalid` for a name that is no sender's. */
	async appendFrom(sender: string, lines: readonly string[]): Promise<void> {
		if (!isSender(sender)) {
			throw new StewardError('invalid', `sender: expected a node's name, ${operatorSender} or ${rawSender}`);
		}
		await this.#append(
			`${sender}.log`,
			lines.map((line) => logLine(line.replace(/\r?\n$/, ''))),
		);
	}

	/** Appends one line of JSON to `errors.jsonl`. */
	async appendError(line: string): Promise<void> {
		await this.#append('errors.jsonl', [logLine(line)]);
	}

	/** Appends one line of JSON to `audit.jsonl`. */
	async appendAudit(line: string): Promise<void> {
		await this.#append('audit.jsonl', [logLine(line)]);
	}

	async #append(name: string, lines: readonly string[]): Promise<void> {
		if (!this.#lifecycle.running) {
			throw new StewardError('storage', `${join(this.#folder, name)} is closed: the node is stopping`);
		}
		if (lines.length === 0) return;
		const file = this.#files.get(name) ?? new LogFile(join(this.#folder, name), this.#rotation);
		this.#files.delete(name);
		this.#files.set(name, file);
		await file.append(lines.map((line) => `${line}\n`).join(''));
		if (this.#files.size > this.#maxOpen) await this.#closeLeastUsed();
	}

	/** Only idle ones: theirs is nothing but an open handle, so the same file may be opened again meanwhile. */
	async #closeLeastUsed(): Promise<void> {
		for (const [name, file] of this.#files) {
			if (this.#files.size <= this.#maxOpen) break;
			if (!file.isIdle) continue;
			this.#files.delete(name);
			const closing = file.close().finally(() => this.#closing.delete(closing));
			this.#closing.add(closing);
		}
		await Promise.all(this.#closing);
	}
}
