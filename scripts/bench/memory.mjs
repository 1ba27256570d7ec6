/**
 * Owns the measure of memory and of starts: what an absent node costs the broker, and a centre with many nodes and a long ledger.
 * Promises that the ledger is written through steward's own stores, and that the centre is a process which is started anew each time.
 * A work ends with its process; what it bundled stays in `.cache/bench`.
 */

import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rest, startProgram, until } from './servers.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));
/** Of a node: control, urgent, normal, events. */
const consumersOfNode = 4;
const heapMb = 8192;
const seedWithinMs = 1_800_000;
const withinMs = 600_000;
const settleMs = 3000;

export async function memory(peer, sizes) {
	return { ...(await absentNodes(peer.fleet, sizes)), ...(await longLedger(peer, sizes)) };
}

/** Group after group, since what a broker takes from the system comes in steps. */
async function absentNodes(fleet, { absentNodes: count, groups }) {
	const figures = [];
	for (let group = 0; group < groups; group++) {
		const { now: before } = await fleet.brokerMemory();
		await seed(fleet, 'absent', count, group * count);
		const wanted = (group + 1) * count * consumersOfNode;
		// A broker that makes thousands of them may not say in time how many there are.
		const areMade = async () => (await fleet.laneConsumers().catch(() => 0)) >= wanted;
		await until(`${wanted} consumers are made`, areMade, withinMs, 500);
		await rest(settleMs);
		const { now: after } = await fleet.brokerMemory();
		figures.push(((after - before) * 1000) / (count * consumersOfNode));
	}
	return { 'server per consumer': figures };
}

async function longLedger(peer, { ledgerNodes, ledger, starts }) {
	const { fleet } = peer;
	await fleet.stopCentre();
	const { now: before } = await fleet.brokerMemory();
	await seed(fleet, 'ledger', ledgerNodes, ledger);
	await rest(settleMs);
	const perEntry = (((await fleet.brokerMemory()).now - before) * 1e6) / ledger;
	const known = await peer.lastHandle();
	const figures = { centre: [], 'centre at most': [], show: [], 'first list': [], 'whole index': [] };
	for (let n = 0; n < starts; n++) {
		const began = performance.now();
		const sinceStart = () => performance.now() - began;
		await fleet.startCentre();
		const asked = performance.now();
		if (!(await fleet.client.get(known))) throw new Error(`${known} is not known`);
		figures.show.push(performance.now() - asked);
		const somePage = async () => {
			const page = await peer.page();
			return page?.items.length > 0 && page;
		};
		const first = await until('a list has something', somePage, withinMs);
		figures['first list'].push(sinceStart());
		const isWhole = async () => !first.indexing || (await peer.page())?.indexing === false;
		await until('the index is whole', isWhole, withinMs, 100);
		figures['whole index'].push(sinceStart());
		await rest(settleMs);
		const { now, most } = await fleet.memoryOf('centre');
		figures.centre.push(now);
		figures['centre at most'].push(most);
		await fleet.stopCentre();
	}
	return { ...figures, 'server per ledger entry': perEntry };
}

/** In a process of its own, whose heap may be large. */
export async function seed(fleet, what, ...counts) {
	const { build, stop } = await import('esbuild');
	const outfile = join(root, '.cache/bench/seed.mjs');
	await build({
		...{ entryPoints: [join(root, 'scripts/bench/seed.ts')], outfile, bundle: true, packages: 'external' },
		...{ platform: 'node', format: 'esm', target: 'node20', logLevel: 'error' },
	});
	await stop();
	const words = [`--max-old-space-size=${heapMb}`, outfile, fleet.server.url, what, ...counts.map(String)];
	const child = await startProgram(process.execPath, words, { cwd: root });
	const isDone = () => {
		if (child.tail().includes('seeded\n')) return true;
		child.assertRuns();
		return false;
	};
	try {
		await until(`${what} is seeded`, isDone, seedWithinMs, 200);
	} finally {
		await child.stop();
	}
}
