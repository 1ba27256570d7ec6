/**
 * Owns `inmsg.rejected/`: text that could not be sent, word for word, each with the reason beside it.
 * Promises that a text is there, on disk, before its source moves on; nothing is ever dropped from it.
 * A crash in between writes the same text again under the same name.
 */

import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../base/clock.ts';
import { rfc3339 } from '../../base/clock.ts';
import { makeFolder, syncFolder } from '../../base/files.ts';
import type { Log } from '../../base/log.ts';

/** Above this many texts the log warns; they stay all the same. */
const rejectedWarnCount = 1000;

const copyBytes = 64 * 1024;

/** The bytes of a rejected text, in pieces. */
type ReadRange = (start: number, end: number) => Promise<Uint8Array>;

export class RejectedFolder {
	readonly path: string;
	readonly #clock: Clock;
	readonly #log: Log;
	#warned = false;

	constructor(options: { path: string; clock: Clock; log: Log }) {
		this.path = options.path;
		this.#clock = options.clock;
		this.#log = options.log;
	}

	/** Keeps bytes `start` to `end` of a source as `<name>.json`, and `reason` as `<name>.reason.txt`. Resolves after the fsync. */
	async keep(text: {
		name: string;
		reason: string;
		start: number;
		end: number;
		read: ReadRange;
	}): Promise<void> {
		await makeFolder(this.path);
		const path = join(this.path, `${text.name}.json`);
		await writeSynced(path, text.start, text.end, text.read);
		const lines = [
			`${text.reason}`,
			`rejected at ${rfc3339(this.#clock.now())}, bytes ${text.start} to ${text.end} of what was taken from inmsg.txt`,
			`next step: correct ${text.name}.json, append it to inmsg.txt, and remove both files`,
		];
		const reason = new TextEncoder().encode(`${lines.join('\n')}\n`);
		await writeSynced(join(this.path, `${text.name}.reason.txt`), 0, reason.length, async (start, end) =>
			reason.subarray(start, end),
		);
		await syncFolder(this.path);
		this.#log.error(
			{ path, reason: text.reason },
			'a text from inmsg.txt was rejected; the reason is beside it',
		);
		await this.#warnWhenMany();
	}

	async #warnWhenMany(): Promise<void> {
		const names = await readdir(this.path);
		const count = names.filter((name) => name.endsWith('.json')).length;
		if (count > rejectedWarnCount && !this.#warned) {
			this.#log.warn(
				{ path: this.path, count },
				'more than 1000 rejected texts are kept; look at them and remove what is settled',
			);
		}
		this.#warned = count > rejectedWarnCount;
	}
}

async function writeSynced(path: string, start: number, end: number, read: ReadRange): Promise<void> {
	const file = await open(path, 'w', 0o600);
	try {
		for (let at = start; at < end; at += copyBytes) {
			await file.writeFile(await read(at, Math.min(at + copyBytes, end)));
		}
		await file.sync();
	} finally {
		await file.close();
	}
}
