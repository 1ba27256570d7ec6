/**
 * Owns the stream's part of `npm run bench:window`: what 50 readers at 200 events a second cost the server, how late they are told, and what
 * coming back costs.
 * Promises CPU time of the server's process (from /proc), not time on the wall, and entries that are written into the real ledger.
 * Everything that it starts ends with it.
 */

import { readFile } from 'node:fs/promises';
import { performance } from 'node:perf_hooks';
import { systemClock } from '../../src/base/clock.ts';
import { entryFor, type LedgerEntry } from '../../src/domain/ledger.ts';
import { formatHandle } from '../../src/domain/names.ts';
import { openConnection } from '../../src/jetstream/connection.ts';
import { LedgerStore } from '../../src/jetstream/ledger-store.ts';
import { disposables } from '../support/disposables.ts';
import { openStream, type StreamAnswer } from '../support/event-stream.ts';
import { eventually } from '../support/eventually.ts';
import { startNats } from '../support/nats.ts';
import { tempDir } from '../support/temp.ts';
import { openWindow } from '../support/window.ts';
import { type Plan, type Say, seedWatched, type Watched } from './window-plan.ts';

const readers = 50;
const perSecond = 200;
const seconds = 10;
const changedMeanwhile = 1000;
/** Ticks of /proc/<pid>/stat in a second, as Linux counts for all programs. */
const ticksPerSecond = 100;

export async function measure(plan: Plan, say: Say, watched: Watched): Promise<void> {
	const things = disposables();
	try {
		const nats = things.use(await startNats());
		const seeded = await seedWatched(nats.url, plan, watched);
		const nodes = seeded.map(({ record }) => record.state.node);
		const dir = things.use(await tempDir());
		const window = things.use(await openWindow({ servers: nats.url, dataDir: dir.path }));
		const connection = await openConnection({ servers: [nats.url], name: 'bench' });
		things.use({ [Symbol.asyncDispose]: () => connection.nc.close() });
		const writer = new Writer(new LedgerStore(connection), nodes);
		const url = `${window.url}/api/v1`;

		await rows(url, window.pid, say);
		const quiet = await settled(window.pid);
		say('CPU of the server, nobody reads and nothing happens', quiet, '%');
		const writing = () =>
			watched('entries', perSecond * seconds, (at) => writer.write(perSecond, seconds, at));
		const alone = await cpuOf(window.pid, writing);
		say(`CPU of the server, ${perSecond} entries/s and no reader`, alone, '%');

		const first = await openStream(`${url}/stream`);
		things.use(first);
		for (let count = 1; count < readers; count++) things.use(await openStream(`${url}/stream`));
		const busy = await cpuOf(window.pid, writing);
		say(`CPU of the server, ${perSecond} entries/s and ${readers} readers`, busy, '%', 20);
		await lateness(first, writer, say);
		await comingBack(url, window.pid, first, writer, say);
	} finally {
		await things[Symbol.asyncDispose]();
	}
}

/** Commands that end, each an entry of the ledger; remembers when each was written. */
class Writer {
	readonly #ledger: LedgerStore;
	readonly #nodes: readonly string[];
	readonly writtenAt = new Map<string, number>();
	#count = 0;

	constructor(ledger: LedgerStore, nodes: readonly string[]) {
		this.#ledger = ledger;
		this.#nodes = nodes;
	}

	async write(
		perSecond: number,
		seconds: number,
		at: (count: number) => void = () => undefined,
	): Promise<void> {
		const began = performance.now();
		const writing: Promise<unknown>[] = [];
		for (let count = 0; count < perSecond * seconds; count++) {
			const dueInMs = began + (count * 1000) / perSecond - performance.now();
			if (dueInMs > 0) await systemClock.sleep(dueInMs);
			writing.push(this.#one());
			at(count + 1);
		}
		await Promise.all(writing);
	}

	async #one(): Promise<void> {
		this.#count += 1;
		const node = this.#nodes[(this.#count * 7) % this.#nodes.length] ?? '';
		const id = `bench${this.#count}`;
		const now = Date.now();
		const envelope = { node, id, lane: 'normal', method: 'shellCommand' } as const;
		const facts = { ...envelope, sender: '_operator', digest: 'none', seq: 1, queuedAt: now - 500 };
		const entry: LedgerEntry = {
			...entryFor({ node, id }, { ...facts, deliverWithinMs: 60_000 }),
			...{ state: 'succeeded', startedAt: now - 400, endedAt: now, settledBy: 'bench:1' },
		};
		this.writtenAt.set(formatHandle({ node, id }), performance.now());
		await this.#ledger.write(entry, 0, undefined, now);
	}
}

async function rows(url: string, pid: number, say: Say): Promise<void> {
	// Counts begin with the first question, or a second after the start.
	await fetch(`${url}/totals`);
	const times: number[] = [];
	let bytes = 0;
	const cpu = await cpuSeconds(pid);
	for (let count = 0; count < 5; count++) {
		const began = performance.now();
		bytes = (await (await fetch(`${url}/nodes/rows`)).arrayBuffer()).byteLength;
		times.push(performance.now() - began);
	}
	say('all rows in one answer, median', percentile(times, 0.5), 'ms');
	say('all rows in one answer, CPU of the server', ((await cpuSeconds(pid)) - cpu) * 200, 'ms');
	say('all rows in one answer, uncompressed', bytes / 1024, 'KiB');
}

/** From before the write, so that the disk of the broker counts as well, to the reader who has the whole frame. */
async function lateness(reader: StreamAnswer, writer: Writer, say: Say): Promise<void> {
	const late: number[] = [];
	const seen = new Set<string>();
	const from = reader.events.length;
	let read = from;
	const look = setInterval(() => {
		for (; read < reader.events.length; read++) {
			const { event, data } = reader.events[read] ?? { event: '', data: '' };
			if (event !== 'changes') continue;
			for (const { handle } of JSON.parse(data).commands) {
				const at = writer.writtenAt.get(handle);
				if (at !== undefined && !seen.has(handle)) late.push(performance.now() - at);
				seen.add(handle);
			}
		}
	}, 2);
	await writer.write(perSecond, 5);
	await eventually(() => late.length >= perSecond * 5);
	clearInterval(look);
	say('from writing an entry to the reader, median', percentile(late, 0.5), 'ms', 300);
	say('from writing an entry to the reader, 99th of 100', percentile(late, 0.99), 'ms');
}

async function comingBack(
	url: string,
	pid: number,
	reader: StreamAnswer,
	writer: Writer,
	say: Say,
): Promise<void> {
	const lastEventId = await eventually(() => reader.events.findLast(({ id }) => id !== undefined)?.id);
	await writer.write(changedMeanwhile, 1);
	const last = [...writer.writtenAt.keys()].at(-1) ?? '';
	await eventually(() => reader.events.some(({ data }) => data.includes(`"${last}"`)));
	const [began, cpu] = [performance.now(), await cpuSeconds(pid)];
	await using back = await openStream(`${url}/stream`, { lastEventId });
	await eventually(() => back.events.some(({ data }) => data.includes(`"${last}"`)), { everyMs: 2 });
	say(`coming back after ${changedMeanwhile} changes, until all are told`, performance.now() - began, 'ms');
	say(
		`coming back after ${changedMeanwhile} changes, CPU of the server`,
		((await cpuSeconds(pid)) - cpu) * 1000,
		'ms',
	);
}

/** A centre that has just begun has much to look after: until that is done, or a minute has passed. */
async function settled(pid: number): Promise<number> {
	let quiet = await cpuOf(pid, () => systemClock.sleep(3000));
	for (let look = 0; look < 20 && quiet > 3; look++) quiet = await cpuOf(pid, () => systemClock.sleep(3000));
	return quiet;
}

/** Of one core, in percent, while that goes on. */
async function cpuOf(pid: number, work: () => Promise<unknown>): Promise<number> {
	const [began, cpu] = [performance.now(), await cpuSeconds(pid)];
	await work();
	return (((await cpuSeconds(pid)) - cpu) / ((performance.now() - began) / 1000)) * 100;
}

async function cpuSeconds(pid: number): Promise<number> {
	const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
	const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
	return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

function percentile(numbers: readonly number[], part: number): number {
	const sorted = numbers.toSorted((a, b) => a - b);
	return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? Number.NaN;
}
