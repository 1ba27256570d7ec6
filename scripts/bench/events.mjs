/**
 * Owns the measure of events: lines that a node is given in inmsg.txt, until they are in the log file of the node central.
 * Promises that every line is counted in that file, which steward acknowledges after its fsync only.
 * A work ends with its process; nothing is kept.
 */

import { open, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { until } from './servers.mjs';

const line = 'x'.repeat(255);
/** Its usual bound of 10,000 messages a second would be what is measured. */
const uplink = { messagesPerSecond: 1_000_000, bytesPerSecond: 2 ** 30 };

export async function events({ fleet }, { lines }) {
	const central = await fleet.startNode('central', { lanes: { events: 64 }, textLog: { maxBytes: 2 ** 30 } });
	const ship = await fleet.startNode('ship1', { uplink });
	const counter = new LineCounter(join(central.data, 'logs/ship1.log'));
	try {
		const figures = {};
		for (const [name, linesOf, count] of [
			['', 1, Math.ceil(lines / 10)],
			['one an event', 1, lines],
			['', 100, lines],
			['100 an event', 100, lines * 4],
		]) {
			const wanted = (await counter.count()) + count;
			const one = JSON.stringify({
				...{ toNode: 'central', kind: 'event', method: 'textLogging' },
				data: Array.from({ length: linesOf }, () => line),
			});
			const draft = join(ship.data, 'inmsg.draft');
			await writeFile(draft, `${one}\n`.repeat(count / linesOf));
			const began = performance.now();
			await rename(draft, join(ship.data, 'inmsg.txt'));
			await until(
				`${wanted} lines are in the log`,
				async () => (await counter.count()) >= wanted,
				120_000,
				20,
			);
			figures[name] = (count * 1000) / (performance.now() - began);
			if ((await counter.count()) > wanted) throw new Error('there are more lines than were sent');
		}
		delete figures[''];
		return figures;
	} finally {
		await counter.close();
	}
}

/** Counts the lines of a file that grows, each byte once. */
class LineCounter {
	#path;
	#file;
	#at = 0;
	#lines = 0;
	#buffer = Buffer.alloc(1024 * 1024);

	constructor(path) {
		this.#path = path;
	}

	async count() {
		this.#file ??= await open(this.#path).catch(() => undefined);
		for (;;) {
			const { bytesRead = 0 } =
				(await this.#file?.read(this.#buffer, 0, this.#buffer.length, this.#at)) ?? {};
			if (bytesRead === 0) return this.#lines;
			this.#at += bytesRead;
			const taken = this.#buffer.subarray(0, bytesRead);
			for (let at = taken.indexOf(10); at !== -1; at = taken.indexOf(10, at + 1)) this.#lines += 1;
		}
	}

	async close() {
		await this.#file?.close();
	}
}
