/**
 * Owns the page's part of `npm run bench:window`: first view, update of one row, memory of the tab, weight of the page.
 * Promises what a person sees: painted rows, changed text, all in a real Chromium before a real centre with a seeded fleet.
 * Everything that it starts ends with it.
 */

import { readFile } from 'node:fs/promises';
import { performance } from 'node:perf_hooks';
import type { NodeRecord } from '../../src/domain/node-state.ts';
import { type Connection, openConnection } from '../../src/jetstream/connection.ts';
import { Nodes } from '../../src/jetstream/nodes.ts';
import { type Browser, startBrowser, type Tab } from '../support/browser.ts';
import { disposables } from '../support/disposables.ts';
import { eventually } from '../support/eventually.ts';
import { settled } from '../support/look.ts';
import { startNats } from '../support/nats.ts';
import { seededName } from '../support/seed-plan.ts';
import { tempDir } from '../support/temp.ts';
import { openWindow } from '../support/window.ts';
import { type Plan, type Say, seedWatched, type Watched } from './window-plan.ts';

const views = 7;
const updates = 30;
/** Five minutes of 50 changes a second. */
const manyUpdates = 15_000;
const mib = 1024 * 1024;

export async function measure(plan: Plan, say: Say, watched: Watched): Promise<void> {
	const things = disposables();
	try {
		const nats = things.use(await startNats());
		const startedAt = performance.now();
		const seeded = await seedWatched(nats.url, plan, watched);
		say(
			`seeding ${plan.nodes} nodes and ${plan.commands} commands`,
			(performance.now() - startedAt) / 1000,
			's',
		);
		const dir = things.use(await tempDir());
		const indexedAt = performance.now();
		const window = things.use(await openWindow({ servers: nats.url, dataDir: dir.path }));
		say('a centre that starts has read them after', (performance.now() - indexedAt) / 1000, 's');
		const browser = things.use(await startBrowser());
		await firstViews(browser, window.url, say, watched);
		const tab = things.use(await browser.open(window.url));
		const connection = await openConnection({ servers: [nats.url], name: 'bench' });
		things.use({ [Symbol.asyncDispose]: () => connection.nc.close() });
		const first = seeded[0]?.record;
		if (!first) throw new Error('a fleet without nodes shows nothing');
		await tab.page.goto('/');
		await tab.page.getByText(seededName(0)).first().waitFor();
		await updateOfOneRow(tab, connection, first, say, watched);
		const rest = seeded.slice(1).map(({ record }) => record);
		await watched('changes', manyUpdates, (at) => manyChanges(connection, rest, at));
		// What fell behind or lost its stream would look small.
		await settled(tab.page);
		await memory(browser, tab, say);
	} finally {
		await things[Symbol.asyncDispose]();
	}
}

/** In the page: the time from the navigation's start to the paint of the first row. */
const paintOfRows = `(() => {
	const look = () => {
		if (!document.body || !document.body.textContent.includes('${seededName(0)}')) return requestAnimationFrame(look);
		requestAnimationFrame(() => setTimeout(() => { window.__painted = performance.now(); }));
	};
	requestAnimationFrame(look);
})()`;

async function firstViews(browser: Browser, url: string, say: Say, watched: Watched): Promise<void> {
	const took: number[] = [];
	let weight = 0;
	const one = async () => {
		await using tab = await browser.open(url);
		await tab.page.addInitScript(paintOfRows);
		const session = await tab.context.newCDPSession(tab.page);
		await session.send('Network.enable');
		const paths = new Map<string, string>();
		let bytes = 0;
		session.on('Network.responseReceived', ({ requestId, response }) =>
			paths.set(requestId, new URL(response.url).pathname),
		);
		session.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
			if (!paths.get(requestId)?.startsWith('/api/')) bytes += encodedDataLength;
		});
		await tab.page.goto('/');
		// Asked rarely: the asking takes time from what is measured.
		took.push(
			await eventually(() => tab.page.evaluate<number>('window.__painted'), {
				timeoutMs: 30_000,
				everyMs: 200,
			}),
		);
		weight = bytes;
	};
	await watched('views', views, async (at) => {
		for (let view = 0; view < views; view++) {
			await one();
			at(view + 1);
		}
	});
	say('first view: navigation to painted rows, median of 7', median(took), 'ms', 1500);
	say('first view: the slowest', Math.max(...took), 'ms');
	say('page weight, compressed (page, script, style; no data)', weight / 1000, 'kB', 150);
}

async function updateOfOneRow(
	tab: Tab,
	connection: Connection,
	first: NodeRecord,
	say: Say,
	watched: Watched,
): Promise<void> {
	const nodes = new Nodes(connection);
	const took: number[] = [];
	const one = async (update: number) => {
		const version = `9.${update}.0`;
		const seen = tab.page.evaluate<number>(`new Promise((resolve) => {
			const look = () => document.body.textContent.includes('${version}')
				? requestAnimationFrame(() => setTimeout(() => resolve(Date.now()))) : requestAnimationFrame(look);
			look();
		})`);
		const known = await nodes.read(first.state.node);
		const writtenAt = Date.now();
		const record = { ...first, state: { ...first.state, version }, lastSeenAt: writtenAt };
		await nodes.write(first.state.node, record, known?.revision ?? 0);
		took.push((await seen) - writtenAt);
	};
	await watched('updates', updates, async (at) => {
		for (let update = 0; update < updates; update++) {
			await one(update);
			at(update + 1);
		}
	});
	say('update of one node: state written to text painted, median of 30', median(took), 'ms', 300);
	say('update of one node: the slowest', Math.max(...took), 'ms', 300);
}

async function manyChanges(
	connection: Connection,
	records: readonly NodeRecord[],
	at: (done: number) => void,
): Promise<void> {
	const nodes = new Nodes(connection);
	for (let done = 0; done < manyUpdates; done += 250) {
		await Promise.all(
			Array.from({ length: 250 }, async (_, n) => {
				const record = records[(done + n) % records.length];
				if (!record) return;
				const { node } = record.state;
				const revision = (await nodes.read(node))?.revision ?? 0;
				const clockOffsetMs = (done + n) % 90;
				await nodes.write(node, { ...record, state: { ...record.state, clockOffsetMs } }, revision);
			}),
		);
		at(done + 250);
	}
}

/** Private memory of the tab's process, as Chromium's task manager counts it (RssAnon), and its JavaScript heap. */
async function memory(browser: Browser, tab: Tab, say: Say): Promise<void> {
	const session = await tab.context.newCDPSession(tab.page);
	await session.send('HeapProfiler.collectGarbage');
	const { usedSize } = await session.send('Runtime.getHeapUsage');
	const { processInfo } = await (await browser.started.newBrowserCDPSession()).send(
		'SystemInfo.getProcessInfo',
	);
	const renderers = processInfo.filter(({ type }) => type === 'renderer');
	const sizes = await Promise.all(renderers.map(({ id }) => anonymousOf(id)));
	say(
		`the tab after ${manyUpdates} changes: private memory of its process`,
		Math.max(...sizes) / mib,
		'MiB',
		200,
	);
	say('the tab: JavaScript heap in use', usedSize / mib, 'MiB');
}

async function anonymousOf(pid: number): Promise<number> {
	const status = await readFile(`/proc/${pid}/status`, 'utf8');
	return Number(/RssAnon:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
}

function median(values: readonly number[]): number {
	return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
