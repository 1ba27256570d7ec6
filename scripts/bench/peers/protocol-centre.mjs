/**
 * Owns the centre's part of the messages alone: what nodes claim and report becomes a result and an entry of the ledger, in batches, and is
 * acknowledged after that; the headers of commands and ledger are followed, as an index does.
 * Promises the order of a projector: result, ledger, ack. Ends with the process that started it.
 */

import { jetstream } from '@nats-io/jetstream';
import { openConnection } from '../../../dist/jetstream/connection.js';
import { Publisher } from '../../../dist/jetstream/publisher.js';
import { grouped } from './grouped.mjs';
import { once, text } from './protocol-node.mjs';

const { url, followed } = JSON.parse(process.argv[2]);
const connection = await openConnection({ servers: [url], name: 'bench centre' });
const { nc, jsm } = connection;
const publisherOf = (stream) => new Publisher(connection, { stream, mayLookUp: true });
const [results, ledger] = ['KV_steward-results', 'KV_steward-ledger'].map(publisherOf);

const settle = grouped(async (batch) => {
	const write = (publisher, bucket, data) =>
		Promise.all(
			batch.map(({ subject }) => {
				const [, , node, id] = subject.split('.');
				return publisher.publish({ subject: `$KV.${bucket}.${node}.${id}`, data, headers: { ...once } });
			}),
		);
	await write(results, 'steward-results', text.result);
	await write(ledger, 'steward-ledger', text.entry);
	for (const message of batch) message.ack();
});

for (const [stream, take] of [
	['STEWARD_CLAIMS', (message) => message.ack()],
	['STEWARD_REPORTS', (message) => void settle(message)],
]) {
	await jsm.consumers.add(stream, { durable_name: '_bench', ack_policy: 'explicit', max_ack_pending: 2000 });
	const consumer = await jetstream(nc).consumers.get(stream, '_bench');
	await consumer.consume({ max_messages: 1000, callback: take });
}
for (const stream of [...followed, 'KV_steward-ledger']) {
	const follower = await jetstream(nc).consumers.get(stream, { headers_only: true });
	await follower.consume({ callback: () => undefined });
}
console.log('ready');
