/**
 * Owns the metrics' part of `npm run bench:window`: what a scrape of a large fleet costs the server.
 * Promises processor time as the server itself tells it, not time on the wall.
 * Everything that it starts ends with it.
 */

import { performance } from 'node:perf_hooks';
import { disposables } from '../support/disposables.ts';
import { eventually } from '../support/eventually.ts';
import { samplesIn } from '../support/metrics.ts';
import { startNats } from '../support/nats.ts';
import { tempDir } from '../support/temp.ts';
import { openWindow } from '../support/window.ts';
import { type Plan, type Say, seedWatched, type Watched } from './window-plan.ts';

const scrapes = 100;
/** What the server does beside the scrapes is measured for so long, milliseconds. */
const quietMs = 10_000;

export async function measure(plan: Plan, say: Say, watched: Watched): Promise<void> {
	const things = disposables();
	try {
		const nats = things.use(await startNats());
		await seedWatched(nats.url, plan, watched);
		const dir = things.use(await tempDir());
		const window = things.use(await openWindow({ servers: nats.url, dataDir: dir.path }));
		const read = async () => (await fetch(`${window.url}/metrics`)).text();
		const cpu = async () => samplesIn(await read()).get('process_cpu_seconds_total') ?? Number.NaN;
		await eventually(async () => samplesIn(await read()).get('steward_index_complete') === 1, {
			timeoutMs: 120_000,
		});
		// A centre that has just begun has much to look after.
		const quiet = await eventually(
			async () => {
				const [before, began] = [await cpu(), performance.now()];
				await new Promise((resolve) => setTimeout(resolve, quietMs));
				const share = ((await cpu()) - before) / (performance.now() - began);
				return share < 0.03 / 1000 && { perMs: share };
			},
			{ timeoutMs: 120_000, message: 'the centre never came to rest' },
		);
		const [before, began] = [await cpu(), performance.now()];
		await watched('scrapes', scrapes, async (at) => {
			for (let count = 1; count < scrapes; count++) {
				await read();
				at(count);
			}
		});
		const spent = (await cpu()) - before - quiet.perMs * (performance.now() - began);
		const text = await read();
		say('a scrape, CPU of the server', (spent * 1000) / scrapes, 'ms', 50);
		say('a scrape, lines', text.split('\n').length, '');
		say('a scrape, uncompressed', text.length / 1024, 'KiB');
	} finally {
		await things[Symbol.asyncDispose]();
	}
}
