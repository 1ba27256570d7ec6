/**
 * Owns a node's part of the messages alone: delivery, claim, two flushes of a journal, report, ack; and, where a work asks for it, the bare
 * `spawn` between them. Promises the order of steward's delivery: nothing begins before its claim and its journal entry are stored.
 * Ends with the process that measures.
 */

import { join } from 'node:path';
import { jetstream } from '@nats-io/jetstream';
import { open } from 'lmdb';
import { streams, subjects } from '../../../dist/domain/subject.js';
import { expectedSeqHeader, Publisher } from '../../../dist/jetstream/publisher.js';
import { until } from '../servers.mjs';
import { spawnTrue } from '../spawn-true.mjs';
import { grouped } from './grouped.mjs';
import { oneAtATime } from './one-at-a-time.mjs';

export const node = 'ship1';
const drainWithinMs = 300_000;
const ledger = 'KV_steward-ledger';
const lane = 'ship1-normal';
/** Bytes of body, as steward's are for a `ping` of 256 bytes. */
const sizes = { claim: 430, journal: 700, report: 800, result: 800, entry: 1050 };
export const text = Object.fromEntries(
	Object.entries(sizes).map(([name, size]) => [name, JSON.stringify('x'.repeat(size - 2))]),
);
export const once = { [expectedSeqHeader]: '0' };

export function running({ folder, connection, enqueue }) {
	const { jsm, nc } = connection;
	const stream = streams.commands(0);
	const journal = open({ path: join(folder, 'journal'), encoding: 'string', eventTurnBatching: false });
	const [claims, reports] = ['STEWARD_CLAIMS', 'STEWARD_REPORTS'].map(
		(name) => new Publisher(connection, { stream: name, mayLookUp: false, maxBytes: 64 * 1024 }),
	);
	const write = flushed(journal);
	const runs = (work) => async (message) => {
		const id = message.subject.slice(message.subject.lastIndexOf('.') + 1);
		await claims.publish({ subject: subjects.claim(node, id), data: text.claim, headers: { ...once } });
		await write({ key: id, text: text.journal });
		await work();
		await write({ key: id, text: text.journal + text.report });
		const said = reports.publish({ subject: subjects.report(node, id), data: text.report });
		message.ack();
		await said;
	};
	const stored = async () => (await jsm.streams.info(ledger)).state.messages;
	let isMade;
	const consumer = () => {
		isMade ??= jsm.consumers.add(stream, {
			...{ durable_name: lane, filter_subject: subjects.commandsOfLane(0, node, 'normal') },
			...{ ack_policy: 'explicit', max_ack_pending: 256, max_deliver: -1 },
		});
		return isMade;
	};
	const draining = (work) => async (count, capacity) => {
		await consumer();
		const before = await stored();
		const began = performance.now();
		const stop = pullWhile({ connection, stream, name: lane }, capacity, runs(work));
		await until('all are in the ledger', async () => (await stored()) - before >= count, drainWithinMs);
		const took = performance.now() - began;
		stop();
		return took;
	};
	let answering;
	return {
		drain: draining(() => undefined),
		drainShell: draining(spawnTrue),
		async once() {
			answering ??= await answers({ consumer, nc, connection, stream, runs });
			return answering(enqueue);
		},
		close: () => journal.close(),
	};
}

/** One at a time: until its work would begin, and until whoever follows the results has its own. */
async function answers({ consumer, nc, connection, stream, runs }) {
	await consumer();
	const { begins, isBack, once: measured } = oneAtATime();
	pullWhile({ connection, stream, name: lane }, 4, runs(begins));
	const reader = await jetstream(nc).consumers.get('KV_steward-results');
	await reader.consume({ callback: isBack });
	return measured;
}

/** @returns Keeps `{ key, text }`: a flush for all that is handed over meanwhile. */
export const flushed = (store) =>
	grouped(async (batch) => {
		await store.transaction(() => {
			for (const { key, text } of batch) void store.put(key, text);
		});
		await store.flushed;
	});

/** Free slots are pulled for together, as a lane does it. @returns Its end. */
export function pullWhile({ connection: { nc, newInbox }, stream, name }, capacity, run) {
	const inbox = newInbox();
	let [free, asked] = [capacity, 0];
	let isPoking = false;
	const pull = () => {
		isPoking = false;
		const batch = free - asked;
		if (batch <= 0) return;
		asked += batch;
		const wish = JSON.stringify({ batch, expires: 30e9 });
		nc.publish(`$JS.API.CONSUMER.MSG.NEXT.${stream}.${name}`, wish, { reply: inbox });
	};
	const subscription = nc.subscribe(inbox, {
		callback(_, message) {
			if (!message.reply) return;
			asked -= 1;
			free -= 1;
			const ack = () => nc.publish(message.reply, '+ACK');
			void run({ subject: message.subject, data: message.data, ack }).then(() => {
				free += 1;
				if (!isPoking) setImmediate(pull);
				isPoking = true;
			});
		},
	});
	pull();
	return () => subscription.unsubscribe();
}
