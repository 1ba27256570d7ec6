/**
 * Owns a fleet of many nodes at one broker: some of them run, the others are away and have their consumers and commands all the same.
 * Promises what steward itself makes (nodes, consumers, commands), and a broker that hands nothing over before it is let.
 * Nothing outlives the measurement; whoever started it removes the folders.
 */

import { createHash } from 'node:crypto';
import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ulidFactory } from '../../dist/base/ids.js';
import { envelopeDigest, envelopeFor } from '../../dist/domain/envelope.js';
import { parseMessage } from '../../dist/domain/message.js';
import { operatorSender } from '../../dist/domain/names.js';
import { buckets, consumerName, shardOf, streams } from '../../dist/domain/subject.js';
import { Commands } from '../../dist/jetstream/commands.js';
import { ensureLaneConsumer } from '../../dist/jetstream/consumers.js';
import { seed } from './memory.mjs';
import { data } from './payload.mjs';
import { patiently, rest, startProgram, until } from './servers.mjs';

const program = fileURLToPath(new URL('ships.mjs', import.meta.url));
const lanes = ['control', 'urgent', 'normal', 'events'];
const nodesOfProcess = 250;
const growWithinMs = 1_800_000;
const [ledger, results] = [buckets.ledger, buckets.results].map((name) => `KV_${name}`);
const drainWithinMs = 600_000;
/** In flight with the broker at once. */
const consumersAtOnce = 64;
const commandsAtOnce = 16_000;
/** Until the broker has been told all that shall go on at one moment. */
const holdMarginMs = 4000;

/** @returns The same in an order that has nothing to do with their names. */
export function mixed(names) {
	const place = new Map(names.map((name) => [name, createHash('sha1').update(name).digest('hex')]));
	return names.toSorted((a, b) => (place.get(a) < place.get(b) ? -1 : 1));
}

/** Runs `work` for each, `atOnce` at a time. */
async function each(items, atOnce, work) {
	const left = items.values();
	const one = async () => {
		for (const item of left) await work(item);
	};
	await Promise.all(Array.from({ length: atOnce }, one));
}

export class ManyNodes {
	#fleet;
	#shards;
	#ram;
	#commands;
	#newId = ulidFactory(Date.now);
	#programs = [];
	#real = new Set();
	#away = 0;

	/** @param ram A folder for what nodes keep on their own disks, which are none of the broker's. */
	constructor(fleet, { shards, ram }) {
		this.#fleet = fleet;
		this.#shards = shards;
		this.#ram = ram;
		this.#commands = new Commands(fleet.connection, shards);
	}

	get #jsm() {
		return this.#fleet.connection.jsm;
	}

	/** Nodes that run, in one process. The centre, which has to be there, makes their consumers. */
	async start(names, servers = this.#fleet.server.url) {
		const folder = await mkdtemp(join(this.#ram, 'nodes-'));
		const wish = JSON.stringify({ servers, names, folder });
		const ships = await startProgram(process.execPath, [program, wish], { cwd: folder, signal: 'SIGKILL' });
		this.#programs.push(ships);
		for (const name of names) this.#real.add(name);
		await this.#consumersOf(this.#real.size + this.#away, () => ships.assertRuns());
	}

	/** So many nodes in all: those of `real` run, in a process for each hundred or so; the others have said their state once, and are away. */
	async grow(count, real) {
		const isNew = (name) => !this.#real.has(name);
		const missing = real.filter(isNew);
		for (let from = 0; from < missing.length; from += nodesOfProcess)
			await this.start(missing.slice(from, from + nodesOfProcess));
		const away = count - this.#real.size - this.#away;
		if (away === 0) return;
		const before = this.#away;
		this.#away += away;
		// A centre leaves it to a node's next word where the broker does not answer in time, and these say nothing more.
		await each(this.names.slice(-away), consumersAtOnce, (node) => this.#makeConsumers(node));
		await seed(this.#fleet, 'absent', away, before);
		await this.#consumersOf(count);
	}

	async #makeConsumers(node) {
		const shard = shardOf(node, this.#shards);
		for (const lane of lanes) {
			const ensure = () => ensureLaneConsumer(this.#fleet.connection, { node, shard, lane, capacity: 1 });
			const isMade = async () => (await patiently(ensure)) !== 'silent';
			await until(`${consumerName(node, lane)} is made`, isMade, growWithinMs);
		}
	}

	/** All of them. */
	get names() {
		return [...this.#real, ...Array.from({ length: this.#away }, (_, place) => `absent${place + 1}`)];
	}

	/** A broker that makes thousands of them may not say in time how many there are. */
	#consumersOf(nodes, assertRuns = () => undefined) {
		const areMade = async () => {
			assertRuns();
			return (await this.#fleet.laneConsumers().catch(() => 0)) >= nodes * lanes.length;
		};
		return until(`the consumers of ${nodes} nodes are made`, areMade, growWithinMs, 500);
	}

	/** One after another for each node; all nodes in turn, as when one command after another goes to all of them. */
	async enqueue(names, count) {
		const form = { kind: 'command', method: 'ping', data };
		const order = Array.from({ length: count }, () => names).flat();
		for (let from = 0; from < order.length; from += commandsAtOnce) {
			await Promise.all(
				order.slice(from, from + commandsAtOnce).map((node) => {
					const message = parseMessage({ ...form, toNode: node });
					const envelope = envelopeFor(message, node, this.#newId(), operatorSender);
					return this.#commands.enqueue(envelope, envelopeDigest(envelope), '');
				}),
			);
		}
	}

	/** The broker hands these nodes no command until that moment, though they wait for one. */
	async hold(names, until) {
		await each(names, consumersAtOnce, async (node) => {
			const consumer = consumerName(node, 'normal');
			const hold = () => this.#jsm.consumers.pause(this.#streamOf(node), consumer, until);
			const { paused } = await patiently(hold);
			if (!paused && until > new Date()) throw new Error(`${consumer} was not held back`);
		});
	}

	/** @returns The moment from which on the broker hands over what waits for them. */
	async letGo(names) {
		const at = new Date(Date.now() + holdMarginMs);
		await this.hold(names, at);
		const early = at - Date.now();
		if (early <= 0) throw new Error(`${names.length} consumers were not told in time`);
		await rest(early);
		return at.getTime();
	}

	/** Until so many commands are reported; nobody may be there who removes them. */
	reported(count) {
		return this.#reached(`${count} commands are reported`, async () => (await this.reports()) >= count);
	}

	settledOrMore(count) {
		return this.#reached(`${count} commands are settled`, async () => (await this.settled()) >= count);
	}

	#reached(what, isDone) {
		const isThere = () => {
			for (const ships of this.#programs) ships.assertRuns();
			return isDone();
		};
		return until(what, isThere, drainWithinMs, 200);
	}

	/** In the ledger as final: these commands leave it after 30 days only. */
	async settled() {
		return (await this.#stateOf(ledger)).messages;
	}

	/** On the streams, one command with another. */
	async bytesWaiting() {
		return this.#bytesOf(this.#commandStreams());
	}

	/** In ledger and results, one command with another. */
	async bytesSettled() {
		return (await this.#bytesOf([ledger])) + (await this.#bytesOf([results]));
	}

	async #bytesOf(names) {
		const states = await Promise.all(names.map((name) => this.#stateOf(name)));
		const sum = (what) => states.reduce((all, state) => all + state[what], 0);
		return sum('bytes') / sum('messages');
	}

	/** Commands of which there is a report: a busy node may report one twice. */
	async reports() {
		return (await this.#stateOf(streams.reports)).num_subjects ?? 0;
	}

	/** When each node's first or last message of a stream was stored, by the broker's clock. */
	async times(stream, which) {
		const name = streams[stream];
		const { messages } = await this.#stateOf(name);
		const times = new Map();
		const consumer = await this.#fleet.connection.js.consumers.get(name, { headers_only: true });
		for await (const message of await consumer.fetch({ max_messages: messages })) {
			const node = message.subject.split('.')[2];
			if (which === 'last' || !times.has(node)) times.set(node, message.info.timestampNanos / 1e6);
		}
		return times;
	}

	/** Throws where something waits for them, or is not acknowledged. */
	async assertDrained(names) {
		const isDrained = async (node) => {
			const ask = () => this.#jsm.consumers.info(this.#streamOf(node), consumerName(node, 'normal'));
			const { num_pending, num_ack_pending } = await patiently(ask);
			return num_pending + num_ack_pending === 0;
		};
		for (const name of names)
			await until(`all of ${name} is acknowledged`, () => isDrained(name), drainWithinMs);
	}

	/** Empties what a centre would have emptied by now. */
	async purge() {
		for (const name of [...this.#commandStreams(), streams.claims, streams.reports])
			await patiently(() => this.#jsm.streams.purge(name));
	}

	async #stateOf(name) {
		return (await patiently(() => this.#jsm.streams.info(name))).state;
	}

	#commandStreams() {
		return Array.from({ length: this.#shards }, (_, shard) => streams.commands(shard));
	}

	#streamOf(node) {
		return streams.commands(shardOf(node, this.#shards));
	}

	async stop() {
		for (const ships of this.#programs) await ships.stop();
	}
}
