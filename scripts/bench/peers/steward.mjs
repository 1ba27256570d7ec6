/**
 * Owns what steward is asked to do in a work, through the public library and the processes that users run.
 * Promises the guarantees that steward has when nobody changes a setting, save the capacity of the lane that a work names.
 * Nothing outlives its processes.
 */

import { mkdtemp, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ulidFactory } from '../../../dist/base/ids.js';
import { envelopeDigest, envelopeFor } from '../../../dist/domain/envelope.js';
import { parseMessage } from '../../../dist/domain/message.js';
import { operatorSender } from '../../../dist/domain/names.js';
import { Commands } from '../../../dist/jetstream/commands.js';
import { data, inChunks, now } from '../payload.mjs';
import { until } from '../servers.mjs';
import { StewardFleet } from './steward-fleet.mjs';

const stampModule = fileURLToPath(new URL('../stamp.mjs', import.meta.url));
const node = 'ship1';
const form = { kind: 'command', method: 'ping', data };
const ledgerKeys = '$KV.steward-ledger.';
const answerWithinMs = 10_000;
const drainWithinMs = 300_000;
/** Its usual bound of 10,000 messages a second would be what is measured. */
const uplink = { messagesPerSecond: 1_000_000, bytesPerSecond: 2 ** 30 };

export async function start({ shards = 1, ...context }) {
	const fleet = await StewardFleet.start({ shards, ...context });
	const { client } = fleet;
	let sent = 0;
	return {
		// To several: a node's queue has a bound, which the faster rounds reach.
		enqueueOne: () => client.send({ ...form, toNode: `away${sent++ % 16}` }),
		enqueueMany: (count) => client.send({ ...form, toNodes: nodes(count) }),
		stored: () => fleet.queued(),
		...draining(fleet, shards),
		once: answering(fleet),
		eventWay: () => eventWay(fleet),
		nodeMb: async () => (await fleet.memoryOf(node)).now,
		...{ fleet, shards, ...reading(fleet), ram: context.ram },
		/** Another fleet, with a broker of its own; to be stopped by who asked for it. */
		async another(count) {
			const folder = await mkdtemp(join(context.folder, 'fleet-'));
			const fleet = await StewardFleet.start({ ...context, folder, shards: count });
			return { fleet, ...reading(fleet) };
		},
		stop: () => fleet.stop(),
	};
}

const nodes = (count) => Array.from({ length: count }, (_, place) => `node${place}`);

/** A node that holds back until all that it shall run is there. */
function draining(fleet, shards) {
	const { client, connection } = fleet;
	const commands = new Commands(connection, shards);
	const newId = ulidFactory(Date.now);
	const succeeded = async () => (await client.totals()).commands.succeeded ?? 0;
	const asked = async (wish) => {
		const { state } = await wish;
		if (state !== 'succeeded') throw new Error(`${node} has not done what it was asked for: ${state}`);
	};
	const pause = () => asked(client.pause(node, { waitMs: answerWithinMs }));
	/**
	 * Straight into their stream, as a centre queues ticks: it is not measured, and each send of the library would count what waits
	 * before it, twice.
	 */
	const fill = async (count, own = {}) => {
		const message = parseMessage({ ...form, toNode: node, ...own });
		const one = () => {
			const envelope = envelopeFor(message, node, newId(), operatorSender);
			return commands.enqueue(envelope, envelopeDigest(envelope), '');
		};
		await inChunks(count, (size) => Promise.all(Array.from({ length: size }, one)));
	};
	return {
		fill,
		fillShell: (count) => fill(count, { method: 'shellCommand', data: ['/bin/true'] }),
		async ready(capacity) {
			await fleet.startNode(node, { lanes: { normal: capacity } });
			await pause();
		},
		/** Until the ledger calls the last of them succeeded. */
		async drain(count) {
			const before = await succeeded();
			const began = performance.now();
			await client.resume(node);
			// What lets it go on is a command as well.
			const isDone = async () => (await succeeded()) - before >= count + 1;
			await until('all commands have succeeded', isDone, drainWithinMs);
			const took = performance.now() - began;
			await pause();
			return took;
		},
	};
}

/** From sending to the start of a method of one's own, in a process of its own, and to the result. */
function answering(fleet) {
	let started;
	return async () => {
		started ??= fleet.startNode(node, { modules: [stampModule] });
		await started;
		const sentAt = now();
		const [{ handle }] = await fleet.client.send({ ...form, toNode: node, method: 'stamp' });
		const [{ state, result }] = await fleet.client.wait([handle], { timeoutMs: answerWithinMs });
		if (state !== 'succeeded') throw new Error(`${handle} is ${state}`);
		return { start: result.value.startedAt - sentAt, result: now() - sentAt };
	};
}

/** Lines that a node is given in inmsg.txt. */
async function eventWay(fleet) {
	const central = await fleet.startNode('central', { lanes: { events: 64 }, textLog: { maxBytes: 2 ** 30 } });
	const ship = await fleet.startNode(node, { uplink });
	const draft = join(ship.data, 'inmsg.draft');
	return {
		log: join(central.data, `logs/${node}.log`),
		async prepare(message, times) {
			await writeFile(draft, `${JSON.stringify(message)}\n`.repeat(times));
			return () => rename(draft, join(ship.data, 'inmsg.txt'));
		},
	};
}

/** What the library does not tell by itself. */
function reading({ connection }) {
	return {
		/** One page of the newest commands, as the centre answers it; undefined while none does. */
		page: () =>
			connection.nc
				.request('steward.api.commands', JSON.stringify({ limit: 50 }), { timeout: answerWithinMs })
				.then((answer) => answer.json())
				.catch(() => undefined),
		/** Of a command that the ledger knows. */
		async lastHandle() {
			const stored = await connection.jsm.streams.getMessage('KV_steward-ledger', {
				last_by_subj: `${ledgerKeys}>`,
			});
			if (!stored) throw new Error('the ledger is empty');
			return stored.subject.slice(ledgerKeys.length);
		},
	};
}
