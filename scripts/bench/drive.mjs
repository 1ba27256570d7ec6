/**
 * Owns how a peer is driven through a work: `runs[letter](peer, sizes)` gives the numbers of its figures by their names.
 * Promises a warm-up before each figure, the same sizes for every peer, and an error where what was counted is not there.
 * A work ends with its process; nothing is kept.
 */

import { cpuWhile } from './cpu.mjs';
import { deliveries } from './delivery.mjs';
import { events } from './events.mjs';
import { memory } from './memory.mjs';
import { returns } from './returning.mjs';
import { spawnTrue } from './spawn-true.mjs';
import { thinLink } from './thin.mjs';

const seconds = (ms) => ms / 1000;
const capacity = 64;

/** Callers that each wait for their acknowledgement before the next. @returns Acknowledged in a second, and how many in all. */
async function callers(peer, count, forMs) {
	const began = performance.now();
	let done = 0;
	const one = async () => {
		while (performance.now() - began < forMs) {
			await peer.enqueueOne();
			done += 1;
		}
	};
	await Promise.all(Array.from({ length: count }, one));
	return { rate: done / seconds(performance.now() - began), done };
}

async function timed(work) {
	const began = performance.now();
	await work();
	return performance.now() - began;
}

async function assertStored(peer, least) {
	const stored = await peer.stored();
	if (stored < least) throw new Error(`${least} were acknowledged, and ${stored} are there`);
}

function percentile(sorted, part) {
	return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * part) - 1)];
}

async function enqueue(peer, { enqueueMs, callers: counts = [64, 256] }) {
	const figures = {};
	let done = 0;
	for (const count of counts) {
		for (const forMs of [enqueueMs / 2, enqueueMs]) {
			const { given, cpu } = await cpuWhile(() => callers(peer, count, forMs));
			figures[`${count} callers`] = given.rate;
			figures[`${count} callers, processor`] = cpu / given.done;
			done += given.done;
		}
	}
	await assertStored(peer, done);
	return figures;
}

async function bulk(peer, { bulkWarmUp, bulk: count }) {
	await peer.enqueueMany(bulkWarmUp);
	const before = await peer.stored();
	const { given: took, cpu } = await cpuWhile(() => timed(() => peer.enqueueMany(count)));
	// The warm-up of steward has the same nodes, and ids of its own.
	await assertStored(peer, before + count);
	return { 'a second': count / seconds(took), processor: cpu / count };
}

async function drain(peer, { drainWarmUp, drain: count }) {
	await peer.ready?.(capacity);
	const idleMb = await peer.nodeMb?.();
	for (const size of [drainWarmUp, count]) {
		await peer.fill(size);
		const { given: took, cpu } = await cpuWhile(() => peer.drain(size, capacity));
		if (size === count) {
			const figures = { 'a second': count / seconds(took), processor: cpu / count };
			if (idleMb === undefined) return figures;
			return { ...figures, 'node idle': idleMb, 'node after': await peer.nodeMb() };
		}
	}
	throw new Error('there is nothing to drain');
}

async function latency(peer, { samples, sampleWarmUp }) {
	for (let n = 0; n < sampleWarmUp; n++) await peer.once();
	const taken = { start: [], result: [] };
	const { cpu } = await cpuWhile(async () => {
		for (let n = 0; n < samples; n++) {
			const one = await peer.once();
			for (const [name, list] of Object.entries(taken)) if (one[name] !== undefined) list.push(one[name]);
			// Nothing else goes on, and nothing is in step with anything.
			await new Promise((resolve) => setTimeout(resolve, 2 + Math.random() * 8));
		}
	});
	const percentiles = Object.entries(taken)
		.filter(([, list]) => list.length > 0)
		.flatMap(([name, list]) => {
			const sorted = list.toSorted((a, b) => a - b);
			return [
				[`${name} p50`, percentile(sorted, 0.5)],
				[`${name} p99`, percentile(sorted, 0.99)],
			];
		});
	return { ...Object.fromEntries(percentiles), processor: cpu / samples };
}

/** Programs that one node, or this process, runs at once. */
const shells = 8;

async function shellCommands(peer, { shells: count }) {
	await peer.ready?.(shells);
	for (const size of [Math.ceil(count / 5), count]) {
		await peer.fillShell?.(size);
		const drained = peer.drainShell ?? peer.drain;
		const run = () => (peer.fillShell ? drained(size, shells) : timed(() => spawned(size)));
		const { given: took, cpu } = await cpuWhile(run);
		if (size === count) return { 'a second': count / seconds(took), processor: cpu / count };
	}
	throw new Error('there is nothing to run');
}

/** What the runtime itself reaches. */
async function spawned(count) {
	let left = count;
	const one = async () => {
		while (left > 0) {
			left -= 1;
			await spawnTrue();
		}
	};
	await Promise.all(Array.from({ length: shells }, one));
}

export const runs = {
	A: enqueue,
	B: bulk,
	C: drain,
	D: latency,
	E: shellCommands,
	F: deliveries,
	G: returns,
	H: memory,
	I: events,
	J: thinLink,
};
