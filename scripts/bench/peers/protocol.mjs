/**
 * Owns the messages of steward's way alone, on steward's own streams: delivery, claim, two flushes of a journal, report, result, ledger entry, and
 * all acks; no schema, no supervision, no method, nothing removed. What it reaches is what the guarantees leave to reach on a machine.
 * Promises the sizes that steward's messages have for a `ping`. Nothing outlives its servers.
 */

import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { open } from 'lmdb';
import { streamsDir } from '../../../dist/base/package.js';
import { subjects } from '../../../dist/domain/subject.js';
import { openConnection } from '../../../dist/jetstream/connection.js';
import { Publisher } from '../../../dist/jetstream/publisher.js';
import { applyTopology } from '../../../dist/jetstream/topology.js';
import { inChunks } from '../payload.mjs';
import { startNats, until } from '../servers.mjs';
import { grouped } from './grouped.mjs';

const node = 'ship1';
const commandsStream = 'STEWARD_COMMANDS_0';
const lane = 'ship1-normal';
const drainWithinMs = 300_000;
/** Bytes of body, as steward's are for a `ping` of 256 bytes. */
const sizes = { command: 420, claim: 430, journal: 700, report: 800, result: 800, entry: 1050 };
export const once = { 'Nats-Expected-Last-Subject-Sequence': '0' };

export async function start({ folder, tier }) {
	const server = await startNats(folder, tier);
	const connection = await openConnection({ servers: [server.url], name: 'bench' });
	await applyTopology(connection, { dir: streamsDir, shards: 1 });
	const { jsm, nc } = connection;
	await jsm.consumers.add(commandsStream, {
		...{ durable_name: lane, filter_subject: subjects.commandsOfLane(0, node, 'normal') },
		...{ ack_policy: 'explicit', max_ack_pending: 256, max_deliver: -1 },
	});
	const centre = new Worker(new URL('./protocol-centre.mjs', import.meta.url), { workerData: server.url });
	await new Promise((resolve, reject) => centre.once('message', resolve).once('error', reject));
	const journal = open({ path: join(folder, 'journal'), encoding: 'string', eventTurnBatching: false });
	const publisherOf = (stream) =>
		new Publisher(connection, { stream, mayLookUp: false, maxBytes: 64 * 1024 });
	const [commands, claims, reports] = [
		new Publisher(connection, { stream: commandsStream, mayLookUp: false }),
		...['STEWARD_CLAIMS', 'STEWARD_REPORTS'].map(publisherOf),
	];
	let sent = 0;
	/** A flush for all that is handed over meanwhile. */
	const write = grouped(async (batch) => {
		await journal.transaction(() => {
			for (const { key, text } of batch) void journal.put(key, text);
		});
		await journal.flushed;
	});
	const run = async (message) => {
		const id = message.subject.slice(message.subject.lastIndexOf('.') + 1);
		await claims.publish({ subject: subjects.claim(node, id), data: text.claim, headers: { ...once } });
		await write({ key: id, text: text.journal });
		await write({ key: id, text: text.journal + text.report });
		const said = reports.publish({ subject: subjects.report(node, id), data: text.report });
		message.ack();
		await said;
	};
	const stored = async (name) => (await jsm.streams.info(name)).state.messages;
	return {
		fill: (count) =>
			inChunks(count, (size) => {
				const one = () => {
					const address = { node, lane: 'normal', method: 'ping', id: `c${sent++}` };
					const headers = {
						...once,
						'Nats-Expected-Last-Subject-Sequence-Subject': subjects.commandById(0, node, address.id),
					};
					return commands.publish({ subject: subjects.command(0, address), data: text.command, headers });
				};
				return Promise.all(Array.from({ length: size }, one));
			}),
		async drain(count, capacity) {
			const before = await stored('KV_steward-ledger');
			const began = performance.now();
			const stop = pullWhile(connection, capacity, run);
			const isDone = async () => (await stored('KV_steward-ledger')) - before >= count;
			await until('all are in the ledger', isDone, drainWithinMs, 10);
			const took = performance.now() - began;
			stop();
			return took;
		},
		async stop() {
			await centre.terminate();
			await nc.close();
			await journal.close();
			await server.stop();
		},
	};
}

export const text = Object.fromEntries(
	Object.entries(sizes).map(([name, size]) => [name, JSON.stringify('x'.repeat(size - 2))]),
);

/** Free slots are pulled for together, as a lane does it. */
function pullWhile({ nc, newInbox }, capacity, run) {
	const inbox = newInbox();
	let [free, asked] = [capacity, 0];
	let isPoking = false;
	const pull = () => {
		isPoking = false;
		const batch = free - asked;
		if (batch <= 0) return;
		asked += batch;
		const wish = JSON.stringify({ batch, expires: 30e9 });
		nc.publish(`$JS.API.CONSUMER.MSG.NEXT.${commandsStream}.${lane}`, wish, { reply: inbox });
	};
	const subscription = nc.subscribe(inbox, {
		callback(_, message) {
			if (!message.reply) return;
			asked -= 1;
			free -= 1;
			const ack = () => nc.publish(message.reply, '+ACK');
			void run({ subject: message.subject, ack }).then(() => {
				free += 1;
				if (!isPoking) setImmediate(pull);
				isPoking = true;
			});
		},
	});
	pull();
	return () => subscription.unsubscribe();
}
