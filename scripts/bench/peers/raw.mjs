/**
 * Owns JetStream by itself, through the client that steward uses, on streams like steward's: the ceiling of what steward can reach.
 * `plain` publishes each message alone and keeps no results; `batched` makes atomic batches of what its callers hand over meanwhile,
 * and stores a result before it acknowledges. Promises none of steward's guarantees. Nothing outlives the broker.
 */

import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { answer, body, chunk, inChunks, now } from '../payload.mjs';
import { startNats, until } from '../servers.mjs';
import { grouped } from './grouped.mjs';
import { oneAtATime } from './one-at-a-time.mjs';

const stream = 'BENCH';
const results = 'RESULTS';
const subject = 'bench.ship1';
const resultSubject = 'result.ship1';

export const plain = (context) => start(context, false);
export const batched = (context) => start(context, true);

async function start({ folder, tier }, isBatched) {
	const server = await startNats(folder, tier);
	const nc = await connect({ servers: server.url });
	const jsm = await jetstreamManager(nc);
	const js = jetstream(nc);
	for (const [name, subjects] of [
		[stream, ['bench.>']],
		[results, ['result.>']],
	]) {
		const config = {
			retention: 'limits',
			storage: 'file',
			discard: 'new',
			allow_atomic: true,
			allow_direct: true,
		};
		await jsm.streams.add({ name, subjects, ...config });
	}
	const alone = (to) => (text) => js.publish(to, text);
	const together = (to) => grouped((texts) => commit(js, to, texts), chunk);
	const enqueue = isBatched ? together(subject) : alone(subject);
	const report = together(resultSubject);
	const enqueueMany = (count) => inChunks(count, (size) => commit(js, subject, Array(size).fill(body)));
	const stored = async (name = stream) => (await jsm.streams.info(name)).state.messages;
	const consumerOf = async (name, max_ack_pending) => {
		await jsm.consumers.add(stream, { durable_name: name, ack_policy: 'explicit', max_ack_pending });
		return js.consumers.get(stream, name);
	};
	let once;
	return {
		enqueueOne: () => enqueue(body),
		...{ fill: enqueueMany, stored },
		enqueueMany: isBatched
			? enqueueMany
			: (count) => inChunks(count, (size) => Promise.all(Array.from({ length: size }, () => enqueue(body)))),
		async drain(count, concurrency) {
			const name = `drain-${now().toFixed(0)}`;
			await jsm.streams.purge(results);
			const from = await stored();
			const consumer = await consumerOf(name, concurrency * 4);
			const began = performance.now();
			const messages = await consumer.consume({
				max_messages: concurrency * 4,
				callback(message) {
					if (!isBatched) return message.ack();
					const said = JSON.stringify(answer(message.json()));
					void report(said).then(() => message.ack());
				},
			});
			await until(
				'all messages are acknowledged',
				async () => (await consumer.info()).ack_floor.consumer_seq >= from,
				120_000,
			);
			if (isBatched && (await stored(results)) < count)
				throw new Error('there are fewer results than messages');
			const took = performance.now() - began;
			await messages.close();
			await jsm.consumers.delete(stream, name);
			await jsm.streams.purge(stream);
			return took;
		},
		async once() {
			once ??= await answering({ js, jsm, consumer: await consumerOf('once', 4) });
			return once(() => js.publish(subject, body));
		},
		async stop() {
			await nc.close();
			await server.stop();
		},
	};
}

/** The way there and back: a consumer runs it and publishes the result, which another consumer waits for. */
async function answering({ js, jsm, consumer }) {
	const { begins, isBack, once } = oneAtATime();
	await consumer.consume({
		max_messages: 4,
		callback(message) {
			begins();
			void js.publish(resultSubject, JSON.stringify(answer(message.json()))).then(() => message.ack());
		},
	});
	await jsm.consumers.add(results, { durable_name: 'reader', ack_policy: 'none' });
	const reader = await js.consumers.get(results, 'reader');
	await reader.consume({ callback: isBack });
	return once;
}

async function commit(js, to, texts) {
	if (texts.length === 1) return js.publish(to, texts[0]);
	// New options for each: the client writes the batch's headers into what it is given.
	const batch = await js.startBatch(to, texts[0], {});
	for (const text of texts.slice(1, -1)) batch.add(to, text, {});
	return batch.commit(to, texts.at(-1), {});
}
