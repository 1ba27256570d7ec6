/**
 * Owns one site of `npm run bench:signing`: broker, centre and node as processes of their own, and a client that is this process.
 * Promises that a site has what it is said to have: what is signed is seen to be checked before anything is measured.
 * Nothing of it is left once it has ended.
 */

import { connect } from '../dist/client/fleet.js';
import { cpuOf, startFleet } from './bench-fleet.mjs';

/** Each has what the one before it has. */
export const siteHas = {
	plain: 'no accounts, nobody signs',
	signed:
		'commands are signed and checked by the node, its claims and reports sealed and checked by the centre',
	accounts: 'accounts too: the broker checks who comes, and the node asks through service imports',
};
const withinMs = 30_000;

/** @param {keyof typeof siteHas} name */
export async function startSite(name, perRound) {
	const fleet = await startFleet({ accounts: name === 'accounts', signs: name !== 'plain' });
	let client;
	const end = async () => {
		await client?.close();
		await fleet[Symbol.asyncDispose]();
	};
	try {
		const credentials = await fleet.enrol('operator', 'bench');
		// Programs trust whoever was listed when they started.
		for (const [role, who] of [
			['centre', 'centre'],
			['node', 'ship1'],
		])
			await fleet.enrol(role, who);
		const centre = await fleet.run('centre', 'centre', ['central']);
		const node = await fleet.run('node', 'ship1', ['node', '--node', 'ship1']);
		await until('the node is not there', async () => {
			client ??= await connect({ servers: fleet.url, credentials, name: 'bench' });
			return (await client.node('ship1'))?.presence === 'present';
		});
		const pids = { broker: fleet.pid, centre: centre.pid, node: node.pid };
		// Seals are checked by the published list alone.
		await fleet.publishTrust(client);
		await until('the node has not the trust list of its site', async () => {
			const { trust } = await client.node('ship1');
			return name === 'plain' ? trust === null : trust > 0;
		});
		await sealIs(name === 'plain' ? null : 'held', client);
		return { round: () => round(client, pids, perRound), end };
	} catch (error) {
		await end();
		throw error;
	}
}

const form = { toNode: 'ship1', kind: 'command', method: 'shellCommand', data: ['true'] };

/** Throws where the centre does not come to say this of the node's seals. */
function sealIs(expected, client) {
	let handle;
	return until(`the centre does not say of the node's seals that they are ${expected}`, async () => {
		// Of the command before: its books are kept a moment after it ended.
		if (handle && (await client.get(handle)).signature === expected) return true;
		[{ handle }] = await client.send(form);
		const [{ state }] = await client.wait([handle]);
		if (state !== 'succeeded') throw new Error(`a command is ${state}`);
		return false;
	});
}

async function until(problem, isSo) {
	for (const deadline = Date.now() + withinMs; ; ) {
		try {
			if (await isSo()) return;
			if (Date.now() > deadline) throw new Error(problem);
		} catch (error) {
			if (Date.now() > deadline) throw error;
		}
		await new Promise((resolve) => setTimeout(resolve, 100));
	}
}

/** Microseconds for each command: elapsed, and of CPU by process; `ran` is what the node's child processes take. */
async function round(client, pids, perRound) {
	const before = await cpuNow(pids);
	const began = performance.now();
	const sent = await Promise.all(Array.from({ length: perRound }, () => client.send(form)));
	const ended = await client.wait(sent.flat().map(({ handle }) => handle));
	const elapsed = ((performance.now() - began) * 1000) / perRound;
	if (ended.some(({ state }) => state !== 'succeeded')) throw new Error('a command did not succeed');
	const after = await cpuNow(pids);
	const { ran, ...cpu } = Object.fromEntries(
		Object.keys(after).map((name) => [name, (after[name] - before[name]) / perRound]),
	);
	const ours = Object.values(cpu).reduce((sum, one) => sum + one, 0);
	return { elapsed, ...cpu, ours, ran, all: ours + ran };
}

async function cpuNow({ broker, centre, node }) {
	const { user, system } = process.cpuUsage();
	const [ofBroker, ofCentre, ofNode] = await Promise.all([broker, centre, node].map(cpuOf));
	return {
		...{ client: user + system, broker: ofBroker.own, centre: ofCentre.own, node: ofNode.own },
		ran: ofNode.children,
	};
}
