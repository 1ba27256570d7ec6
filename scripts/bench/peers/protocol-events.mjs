/**
 * Owns the messages of an event alone: put into a store and flushed, sent in batches, taken out; at the other end (`protocol-receiver.mjs`)
 * handed over, appended to a file and flushed, noted and flushed, acknowledged. Promises the sizes that steward's events have.
 * Ends with the process that measures.
 */

import { join } from 'node:path';
import { open } from 'lmdb';
import { streams } from '../../../dist/domain/subject.js';
import { eventRequest } from '../../../dist/jetstream/events.js';
import { Publisher } from '../../../dist/jetstream/publisher.js';
import { startPart } from './protocol.mjs';

/** Of one batch, as a node's outbox sends them, and batches that are stored or sent at once. */
const [batchSize, batches] = [150, 2];

export async function eventWay({ folder, connection, url }) {
	const log = join(folder, 'ship1.log');
	const receiver = await startPart('./protocol-receiver.mjs', { url, log, folder }, folder);
	const outbox = open({ path: join(folder, 'outbox'), encoding: 'string', eventTurnBatching: false });
	const publisher = new Publisher(connection, { stream: streams.events, mayLookUp: false });
	let n = 0;
	const epoch = crypto.randomUUID();
	const sendBatch = async (data, size) => {
		const requests = Array.from({ length: size }, () => {
			n += 1;
			const event = { node: 'central', sender: 'ship1', method: 'textLogging', id: `ship1-${n}`, data };
			return { n, request: eventRequest(event, { epoch, n }) };
		});
		await outbox.transaction(() => {
			for (const { n: key, request } of requests) void outbox.put(key, request.data);
		});
		await outbox.flushed;
		await Promise.all(requests.map(({ request }) => publisher.publish(request)));
		await outbox.transaction(() => {
			for (const { n: key } of requests) void outbox.remove(key);
		});
	};
	return {
		log,
		prepare: async ({ data }, times) => {
			let left = times;
			const one = async () => {
				while (left > 0) {
					const size = Math.min(batchSize, left);
					left -= size;
					await sendBatch(data, size);
				}
			};
			return () => Promise.all(Array.from({ length: batches }, one));
		},
		async close() {
			await receiver.stop();
			await outbox.close();
		},
	};
}
