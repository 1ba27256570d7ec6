/**
 * Owns BullMQ on Redis: one queue, one worker, in the process that measures.
 * Promises results kept as BullMQ keeps them by default, and a worker that runs only while it is measured.
 * Nothing outlives the Redis that it was started with.
 */

import { Queue, QueueEvents, Worker } from 'bullmq';
import { answer, data, inChunks, now, queueName } from '../payload.mjs';
import { startRedis, until } from '../servers.mjs';

export async function start({ folder, tier, programs }) {
	const redis = await startRedis(folder, tier, programs.redis);
	const { connection } = redis;
	const queue = new Queue(queueName, { connection });
	await queue.waitUntilReady();
	/** Stops in reverse. */
	const open = [redis, { stop: () => queue.close() }];
	const jobsOf = (count) => Array.from({ length: count }, () => ({ name: queueName, data }));
	const enqueueMany = (count) => inChunks(count, (size) => queue.addBulk(jobsOf(size)));
	const work = async (handle, concurrency) => {
		const worker = new Worker(queueName, handle, { connection, concurrency, autorun: false });
		await worker.waitUntilReady();
		open.push({ stop: () => worker.close(true) });
		return worker;
	};
	let answerer;
	return {
		enqueueOne: () => queue.add(queueName, data),
		...{ enqueueMany, fill: enqueueMany },
		stored: () => queue.getWaitingCount(),
		async drain(count, concurrency) {
			const before = await queue.getCompletedCount();
			const worker = await work(async ({ data: given }) => answer(given), concurrency);
			const began = performance.now();
			void worker.run();
			await until(
				'all jobs are completed',
				async () => (await queue.getCompletedCount()) - before >= count,
				120_000,
			);
			const took = performance.now() - began;
			await worker.close();
			return took;
		},
		async once() {
			if (!answerer) {
				const events = new QueueEvents(queueName, { connection });
				await events.waitUntilReady();
				open.push({ stop: () => events.close() });
				const worker = await work(async () => ({ startedAt: now() }), 1);
				void worker.run();
				answerer = events;
			}
			const sentAt = now();
			const job = await queue.add(queueName, data);
			const { startedAt } = await job.waitUntilFinished(answerer);
			return { start: startedAt - sentAt, result: now() - sentAt };
		},
		async stop() {
			for (const one of open.reverse()) await one.stop();
		},
	};
}
