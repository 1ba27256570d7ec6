/**
 * Owns the measure of a return: many nodes whose link comes back at once, with so many commands waiting for each of them.
 * Promises real nodes with a connection each, and beside each return the same commands drained by the same nodes over links that held:
 * that is the rate which a return is compared with. When who did what is read from the times at which the broker stored it.
 * A work ends with its process; nothing is kept.
 */

import { cpuOf } from './cpu.mjs';
import { median } from './figures.mjs';
import { startLink } from './link.mjs';
import { ManyNodes, mixed } from './many-nodes.mjs';
import { rest } from './servers.mjs';

const port = (url) => Number(new URL(url).port);
const nodesOfProcess = 250;
const settleMs = 3000;

export async function returns(peer, { returningNodes, returnPairs, eachWaiting, idleMs }) {
	const { fleet } = peer;
	const many = new ManyNodes(fleet, { shards: peer.shards, ram: peer.ram });
	const link = await startLink(port(fleet.server.url));
	const names = Array.from({ length: returningNodes }, (_, place) => `node${place}`);
	const rounds = [];
	try {
		const { now: empty } = await fleet.brokerMemory();
		for (let from = 0; from < names.length; from += nodesOfProcess)
			await many.start(names.slice(from, from + nodesOfProcess), link.url);
		await rest(settleMs);
		const memory = (((await fleet.brokerMemory()).now - empty) * 1000) / names.length;
		const connected = await idleOf({ fleet, link }, names.length, idleMs);
		await fleet.stopCentre();
		process.stderr.write(`connected: ${JSON.stringify({ memory, ...connected })}\n`);
		const one = { fleet, many, link, names, eachWaiting };
		for (let pair = 0; pair < returnPairs; pair++) {
			const held = await drain({ ...one, begin: letGo });
			rounds.push({ held, back: await drain({ ...one, begin: letBack }) });
			process.stderr.write(`pair ${pair + 1}: ${JSON.stringify(figuresOf(rounds.slice(-1)))}\n`);
		}
		return { ...figuresOf(rounds), 'a connected node: broker memory': memory, ...connected };
	} finally {
		await many.stop();
		await link.stop();
	}
}

/** Beats, pulls that are made anew, signs of life; the centre is there and writes down who is present. */
async function idleOf({ fleet, link }, nodes, ms) {
	const read = async () => [await cpuOf(fleet.server.pid), await cpuOf(fleet.pidOf('centre')), link.bytes()];
	const before = await read();
	await rest(ms);
	const after = await read();
	const [broker, centre, bytes] = after.map((value, place) => (value - before[place]) / nodes / (ms / 1000));
	return {
		...{ 'a connected node: broker': broker, 'a connected node: centre': centre },
		'a connected node: bytes': bytes,
	};
}

/** Links hold, and nothing is handed over until all commands are there. */
const letGo = {
	before: ({ many, names }) => many.hold(names, new Date(Date.now() + 3_600_000)),
	now: ({ many, names }) => many.letGo(names),
};
/** Links are cut until all commands are there. */
const letBack = {
	before: async ({ link }) => link.cut(),
	now: async ({ link }) => {
		const at = Date.now();
		await link.letBack();
		return at;
	},
};

async function drain({ begin, ...one }) {
	const { fleet, many, link, names, eachWaiting } = one;
	const count = names.length * eachWaiting;
	await begin.before(one);
	await many.enqueue(mixed(names), eachWaiting);
	const began = await begin.now(one);
	const [before, bytesBefore] = [await cpuOf(fleet.server.pid), link.bytes()];
	await many.reported(count);
	const cpu = (await cpuOf(fleet.server.pid)) - before;
	const bytes = link.bytes() - bytesBefore;
	await many.assertDrained(names);
	const [starts, ends] = [await many.times('claims', 'first'), await many.times('reports', 'last')];
	await many.purge();
	const waits = (times) => names.map((name) => times.get(name) - began);
	return {
		first: waits(starts),
		last: waits(ends),
		ms: Math.max(...ends.values()) - began,
		cpu: cpu / count,
		bytes: bytes / count,
	};
}

/** Medians and the worst of all nodes, round by round. */
function figuresOf(rounds) {
	const by = (work) => rounds.map(work);
	return {
		'drained, links held': by(({ held }) => held.ms / 1000),
		'drained after the return': by(({ back }) => back.ms / 1000),
		'return as held': by(({ held, back }) => back.ms / held.ms),
		'broker, links held': by(({ held }) => held.cpu),
		'broker after the return': by(({ back }) => back.cpu),
		'bytes of a command': by(({ held }) => held.bytes),
		'first start, median': by(({ back }) => median(back.first)),
		'first start, longest': by(({ back }) => Math.max(...back.first)),
		'first start, longest as median': by(({ back }) => Math.max(...back.first) / median(back.first)),
		'last end, median': by(({ back }) => median(back.last)),
		'last end, longest': by(({ back }) => Math.max(...back.last)),
		'last end, longest as median': by(({ back }) => Math.max(...back.last) / median(back.last)),
	};
}
