/**
 * Owns pg-boss on PostgreSQL: a queue that is worked through in batches, and one with LISTEN/NOTIFY for the work that waits for nothing else.
 * Promises the fastest of the settings that its documentation names, and a result for each job.
 * Nothing outlives the PostgreSQL that it was started with.
 */

import { PgBoss } from 'pg-boss';
import { answer, data, inChunks, now, queueName } from '../payload.mjs';
import { startPostgres, until } from '../servers.mjs';

const connections = 32;
/** Handed over together: smaller batches are slower, larger ones not faster. */
const batchSize = 500;
/** Tells its workers of each job: quick, and dear where many are sent, because PostgreSQL then commits one after another. */
const toldQueue = 'told';

export async function start({ folder, tier, programs }) {
	const postgres = await startPostgres(folder, tier, programs.postgres);
	const boss = new PgBoss({ ...postgres.connection, max: connections, useListenNotify: true });
	let isStopping = false;
	boss.on('error', (error) => isStopping || process.stderr.write(`pg-boss: ${error.message}\n`));
	await boss.start();
	await boss.createQueue(queueName);
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
		async drain(count) {
			const before = await countOf('completed');
			const settings = { batchSize, burstWhenBatchFull: true, perJobResults: true };
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
				await boss.createQueue(toldQueue, { notify: true });
				await boss.work(toldQueue, { pollingIntervalSeconds: 0.5 }, async () => ({ startedAt: now() }));
			}
			const sentAt = now();
			const id = await boss.send(toldQueue, data);
			// It tells nobody of an end: who waits asks.
			const job = await until(
				'the job is completed',
				async () => {
					const one = await boss.getJobById(toldQueue, id);
					return one?.state === 'completed' && one;
				},
				...[30_000, 0],
			);
			return { start: job.output.startedAt - sentAt, result: now() - sentAt };
		},
		async stop() {
			isStopping = true;
			await boss.stop({ graceful: false });
			await postgres.stop();
		},
	};
}
