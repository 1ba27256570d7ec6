/**
 * Owns the faults of the broker: killed, stopped, restarted in loops, without its consumers, with a full stream.
 * Promises that the server runs afterwards, with its streams' limits as they were.
 * Faults of processes come one after the other, so that a server is never started twice.
 */

import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { consumerName, streams } from '../../../src/domain/subject.ts';
import { eventually } from '../../support/eventually.ts';
import type { World } from '../world.ts';
import { anyShip, type Fault, lasting, type Sleep, stopAndGo } from './fault.ts';

/** Those that refuse when they are full; ledger and results forget their oldest instead (ARCHITECTURE.md). */
const filled = [
	streams.commands(0),
	streams.events,
	streams.claims,
	streams.reports,
	streams.intake,
	streams.output,
];

/** What each stream may hold by right: an update without an answer may have lowered it. */
const limits = new WeakMap<World, Map<string, number>>();

/** The stream has no room for another message for so long; what it holds stays. */
async function fillUp(world: World, stream: string, ms: number, sleep: Sleep): Promise<string> {
	const { streams } = world.raw.jsm;
	const known = limits.get(world) ?? new Map<string, number>();
	limits.set(world, known);
	let isFull = false;
	try {
		const { config, state } = await streams.info(stream);
		if (!known.has(stream)) known.set(stream, config.max_bytes);
		await streams.update(stream, { max_bytes: Math.max(1, state.bytes) });
		isFull = true;
		await sleep(ms);
	} catch (error) {
		if (isFull) throw error;
	} finally {
		const max_bytes = known.get(stream);
		const patience = { timeoutMs: 180_000, everyMs: 500, message: `${stream} has room again` };
		if (max_bytes !== undefined) await eventually(() => streams.update(stream, { max_bytes }), patience);
	}
	return isFull ? stream : `${stream}: the broker was away`;
}

export const brokerFaults = {
	brokerKill: {
		weight: 2,
		place: 'broker',
		async run(world, random) {
			await random.pick(world.site.brokers).restart();
			return 'restarted';
		},
	},
	brokerStop: {
		weight: 1,
		place: 'broker',
		async run(world, random, sleep) {
			const ms = lasting(world, random, { short: [2000, 5000], long: [5000, 60_000] });
			await stopAndGo(random.pick(world.site.brokers).pid, ms, sleep);
			return 'stopped';
		},
	},
	brokerRestartLoop: {
		weight: 1,
		place: 'broker',
		async run(world, random, sleep) {
			const times = random.between(3, 5);
			for (let n = times; n > 0; n--) {
				await random.pick(world.site.brokers).restart();
				await sleep(random.between(100, 900));
			}
			return `${times} times`;
		},
	},
	/** As a restore from a backup of the streams alone would be: every consumer's position is gone. */
	consumersLost: {
		weight: 1,
		place: 'broker',
		async run(world, random) {
			const nats = random.pick(world.site.brokers);
			await nats.kill();
			const folder = join(nats.storeDir, 'broker', 'store', 'jetstream', '$G', 'streams');
			let lost = 0;
			for (const stream of await readdir(folder)) {
				const consumers = join(folder, stream, 'obs');
				lost += (await readdir(consumers).catch(() => [])).length;
				await rm(consumers, { recursive: true, force: true });
			}
			await nats.restart();
			return `${lost} consumers`;
		},
	},
	consumerDeleted: {
		weight: 1,
		async run(world, random) {
			const { name } = anyShip(world, random);
			const lane = random.pick(['normal', 'urgent', 'control', 'events'] as const);
			const stream = lane === 'events' ? streams.events : streams.commands(0);
			try {
				await world.raw.jsm.consumers.delete(stream, consumerName(name, lane));
				return `${name}-${lane}`;
			} catch {
				return `${name}-${lane} was not there, or the broker was away`;
			}
		},
	},
	streamFull: {
		weight: 2,
		place: 'limits',
		async run(world, random, sleep) {
			const stream = random.pick(filled);
			const ms = lasting(world, random, { short: [1000, 4000], long: [2000, 20_000] });
			return fillUp(world, stream, ms, sleep);
		},
	},
} as const satisfies Record<string, Fault>;
