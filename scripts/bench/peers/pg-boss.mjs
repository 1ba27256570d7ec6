/**
 * Owns pg-boss on PostgreSQL: one queue with LISTEN/NOTIFY, worked through in batches that settle each job by itself.
 * Promises the fastest settings that its documentation names, with a result for each job.
 * Nothing outlives the PostgreSQL that it was started with.
 */

import { PgBoss } from 'pg-boss';
import { answer, data, inChunks, now, queueName } from '../payload.mjs';
import { startPostgres, until } from '../servers.mjs';

const connections = 32;

export async function start({ folder, tier, programs }) {
	const postgres = await startPostgres(folder, tier, programs.postgres);
	const boss = new PgBoss({ ...postgres.connection, max: connections, useListenNotify: true });
	boss.on('error', (error) => process.stderr.write(`pg-boss: ${error.message}\n`));
	await boss.start();
	await boss.createQueue(queueName, { notify: true });
	const jobsOf = (count) => Array.from({ length: count }, () => ({ data }));
	const enqueueMany = (count) => inChunks(count, (size) => boss.insert(queueName, jobsOf(size)));
	const countOf = async (state) => {
		const { rows } = await boss
			.getDb()
			.executeSql('select count(*)::int as count from pgboss.job where name = $1 and state = $2', [
				queueName,
				state,
			]);
		return rows[0].count;
	};
	let answers = false;
	return {
		enqueueOne: () => boss.send(queueName, data),
		...{ enqueueMany, fill: enqueueMany },
		stored: () => countOf('created'),
		async drain(count, concurrency) {
			const before = await countOf('completed');
			const settings = { batchSize: concurrency, burstWhenBatchFull: true, perJobResults: true };
			const began = performance.now();
			const id = await boss.work(queueName, { ...settings, pollingIntervalSeconds: 0.5 }, async (jobs) =>
				jobs.map((job) => ({ id: job.id, status: 'completed', output: answer(job.data) })),
			);
			await until(
				'all jobs are completed',
				async () => (await countOf('completed')) - before >= count,
				120_000,
				50,
			);
			const took = performance.now() - began;
			await boss.offWork(queueName, { id });
			return took;
		},
		async once() {
			if (!answers) {
				answers = true;
				await boss.work(queueName, { pollingIntervalSeconds: 0.5 }, async () => ({ startedAt: now() }));
			}
			const sentAt = now();
			const id = await boss.send(queueName, data);
			// It tells nobody of an end: who waits asks.
			const job = await until(
				'the job is completed',
				async () => {
					const one = await boss.getJobById(queueName, id);
					return one?.state === 'completed' && one;
				},
				...[30_000, 0],
			);
			return { start: job.output.startedAt - sentAt, result: now() - sentAt };
		},
		async stop() {
			await boss.stop({ graceful: false });
			await postgres.stop();
		},
	};
}
