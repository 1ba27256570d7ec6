/**
 * Owns graphile-worker on PostgreSQL, with its local queue and its batched completion.
 * Promises the fastest settings that its documentation names. It keeps no results: a job that is done is gone.
 * Nothing outlives the PostgreSQL that it was started with.
 */

import { Logger, makeWorkerUtils, run } from 'graphile-worker';
import pg from 'pg';
import { answer, data, inChunks, now, queueName } from '../payload.mjs';
import { startPostgres, until } from '../servers.mjs';

const logger = new Logger(() => () => undefined);
const connections = 32;

export async function start({ folder, tier, programs }) {
	const postgres = await startPostgres(folder, tier, programs.postgres);
	const pgPool = new pg.Pool({ ...postgres.connection, max: connections });
	let isStopping = false;
	pgPool.on('error', (error) => isStopping || process.stderr.write(`graphile-worker: ${error.message}\n`));
	pgPool.on('connect', (client) => client.on('error', () => undefined));
	const utils = await makeWorkerUtils({ pgPool, logger });
	await utils.migrate();
	const stored = async () => {
		const { rows } = await pgPool.query('select count(*)::int as count from graphile_worker._private_jobs');
		return rows[0].count;
	};
	const specs = (count) => Array.from({ length: count }, () => ({ identifier: queueName, payload: data }));
	const enqueueMany = (count) => inChunks(count, (size) => utils.addJobs(specs(size)));
	const work = (task, concurrency) => {
		const batched = {
			...{ localQueue: { size: 500 }, completeJobBatchDelay: 0, failJobBatchDelay: 0 },
			...{ concurrentJobs: concurrency },
		};
		return run({
			...{ pgPool, logger, noHandleSignals: true, taskList: { [queueName]: task }, parsedCronItems: [] },
			preset: { worker: concurrency > 1 ? batched : { concurrentJobs: 1 } },
		});
	};
	let started;
	let runner;
	return {
		enqueueOne: () => utils.addJob(queueName, data),
		...{ enqueueMany, fill: enqueueMany, stored },
		async drain(_count, concurrency) {
			const began = performance.now();
			const worker = await work(async (given) => void answer(given), concurrency);
			await until('all jobs are gone', async () => (await stored()) === 0, 120_000, 50);
			const took = performance.now() - began;
			await worker.stop();
			return took;
		},
		async once() {
			runner ??= await work(async () => started(now()), 1);
			const startedAt = new Promise((resolve) => {
				started = resolve;
			});
			const sentAt = now();
			await utils.addJob(queueName, data);
			return { start: (await startedAt) - sentAt };
		},
		async stop() {
			isStopping = true;
			await runner?.stop();
			await utils.release();
			await pgPool.end();
			await postgres.stop();
		},
	};
}
