/**
 * Owns the measure of events: lines that a node is given, until they are in the log file of the node central.
 * Promises that every line is counted in that file, which is acknowledged after its fsync only.
 * A work ends with its process; nothing is kept.
 */

import { open } from 'node:fs/promises';
import { cpuWhile } from './cpu.mjs';
import { until } from './servers.mjs';

const line = 'x'.repeat(255);
const withinMs = 120_000;

/** A peer's way: `log`, the file, and `prepare(message, times)`, which gives what hands that over. */
export async function events(peer, { lines }) {
	const way = await peer.eventWay();
	const counter = new LineCounter(way.log);
	try {
		const figures = {};
		for (const [name, linesOf, count] of [
			['', 1, Math.ceil(lines / 10)],
			['one an event', 1, lines],
			['', 100, lines],
			['100 an event', 100, lines * 4],
		]) {
			const wanted = (await counter.count()) + count;
			const data = Array.from({ length: linesOf }, () => line);
			const message = { toNode: 'central', kind: 'event', method: 'textLogging', data };
			const handOver = await way.prepare(message, count / linesOf);
			const isThere = async () => (await counter.count()) >= wanted;
			const { given: took, cpu } = await cpuWhile(async () => {
				const began = performance.now();
				await handOver();
				await until(`${wanted} lines are in the log`, isThere, withinMs);
				return performance.now() - began;
			});
			if ((await counter.count()) > wanted) throw new Error('there are more lines than were sent');
			if (name === '') continue;
			figures[name] = (count * 1000) / took;
			figures[`${name}, processor`] = cpu / count;
		}
		return figures;
	} finally {
		await counter.close();
		await way.close?.();
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
