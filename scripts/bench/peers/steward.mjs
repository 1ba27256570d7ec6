/**
 * Owns steward: broker, centre and node as the processes that users run, and the public library in the process that measures.
 * Promises the guarantees that steward has when nobody changes a setting, save the capacity of the lane that a work names.
 * Nothing outlives the processes; whoever started the measurement removes the folder.
 */

import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { ulidFactory } from '../../../dist/base/ids.js';
import { envelopeDigest, envelopeFor } from '../../../dist/domain/envelope.js';
import { parseMessage } from '../../../dist/domain/message.js';
import { operatorSender } from '../../../dist/domain/names.js';
import { connect } from '../../../dist/index.js';
import { Commands } from '../../../dist/jetstream/commands.js';
import { openConnection } from '../../../dist/jetstream/connection.js';
import { data, inChunks, now } from '../payload.mjs';
import { startNats, startProgram, until } from '../servers.mjs';

const program = fileURLToPath(new URL('../../../dist/bin/steward.js', import.meta.url));
const stampModule = fileURLToPath(new URL('../stamp.mjs', import.meta.url));
const node = 'ship1';
const form = { kind: 'command', method: 'ping', data };
const ledgerKeys = '$KV.steward-ledger.';

/** Resident memory of a process, megabytes: now, or the most that it was (VmHWM). */
async function residentMb(pid, which = 'VmRSS') {
	const text = await readFile(`/proc/${pid}/status`, 'utf8');
	const kib = new RegExp(`^${which}:\\s+(\\d+) kB`, 'm').exec(text)?.[1];
	if (kib === undefined) throw new Error(`the process ${pid} is gone`);
	return (Number(kib) * 1024) / 1e6;
}

/** What the program's first line says to Node. */
async function flagsOf(path) {
	const [first] = (await readFile(path, 'utf8')).split('\n', 1);
	return first.split(' ').filter((word) => word.startsWith('--'));
}

/** @param shards 1 as it comes; 16 is what steward's documentation asks for from a thousand nodes on. @param budget Room of all streams, where the usual is too little. */
export async function start({ folder, tier, shards = 1, budget }) {
	const server = await startNats(folder, tier);
	const open = [server];
	const flags = await flagsOf(program);
	const programs = new Map();
	/** `steward …` with a configuration and a data folder of its own. */
	const run = async (name, words, config = {}) => {
		const data = join(folder, `data-${name}`);
		const file = join(folder, `${name}.json`);
		await mkdir(data, { mode: 0o700, recursive: true });
		await writeFile(file, JSON.stringify({ servers: server.url, data, log: { level: 'warn' }, ...config }), {
			mode: 0o600,
		});
		const child = await startProgram(process.execPath, [...flags, program, ...words, '--config', file], {
			cwd: data,
		});
		programs.set(name, child);
		open.push(child);
		return { ...child, data };
	};
	if (budget !== undefined) {
		const file = join(folder, 'init.json');
		await writeFile(file, JSON.stringify({ servers: server.url, data: folder }), { mode: 0o600 });
		const words = ['init', '--shards', String(shards), '--budget', budget, '--config', file];
		await promisify(execFile)(process.execPath, [program, ...words]);
	}
	const startCentre = () => run('centre', ['central', '--no-http', '--shards', String(shards)]);
	await startCentre();
	const client = await until('a client is let in', async () => {
		programs.get('centre').assertRuns();
		return connect({ servers: server.url, name: 'bench' }).catch(() => undefined);
	});
	open.push({ stop: () => client.close() });
	await until('the centre answers', () => client.totals().catch(() => undefined));
	const connection = await openConnection({ servers: [server.url], name: 'bench watch' });
	const { nc, jsm } = connection;
	open.push({ stop: () => nc.close() });
	const commands = new Commands(connection, shards);
	const newId = ulidFactory(Date.now);

	const countOfLanes = async () => {
		const names = [
			...Array.from({ length: shards }, (_, shard) => `STEWARD_COMMANDS_${shard}`),
			'STEWARD_EVENTS',
		];
		const infos = await Promise.all(names.map((name) => jsm.streams.info(name)));
		return infos.reduce((sum, { state }) => sum + state.consumer_count, 0);
	};
	const consumersAtFirst = await countOfLanes();
	const startNode = async (name, section) => {
		const child = await run(name, ['node', '--node', name], { node: section });
		await until(`${name} is there`, async () => {
			child.assertRuns();
			return (await client.node(name))?.presence === 'present';
		});
		return { ...child, data: join(child.data, 'nodes', name) };
	};
	const succeeded = async () => (await client.totals()).commands.succeeded ?? 0;
	const send = (own = {}) => client.send({ ...form, toNode: node, ...own });
	/** Runs `count` that wait on the node, which holds back until then, and waits for the ledger's word on the last. */
	const released = async (count) => {
		const before = await succeeded();
		const began = performance.now();
		await client.resume(node);
		await until('all commands have succeeded', async () => (await succeeded()) - before >= count, 180_000);
		const took = performance.now() - began;
		await client.pause(node, { waitMs: 10_000 });
		return took;
	};
	let isReady = false;
	/** A node whose lane `normal` has so many slots, and is paused. */
	const ready = async (capacity) => {
		if (isReady) return;
		isReady = true;
		await startNode(node, { lanes: { normal: capacity } });
		await client.pause(node, { waitMs: 10_000 });
	};
	/**
	 * Straight into their stream, as a centre queues ticks: it is not measured, and each send of the library would count what waits
	 * before it, twice.
	 */
	const fill = async (count, own = {}) => {
		const message = parseMessage({ ...form, toNode: node, ...own });
		await inChunks(count, (size) =>
			Promise.all(
				Array.from({ length: size }, () => {
					const envelope = envelopeFor(message, node, newId(), operatorSender);
					return commands.enqueue(envelope, envelopeDigest(envelope), '');
				}),
			),
		);
	};
	let stamped = false;
	return {
		...{ client, server, startNode, ready, fill },
		...{ startCentre, stopCentre: () => programs.get('centre').stop() },
		brokerMb: () => residentMb(server.pid),
		centreMb: async () => ({
			now: await residentMb(programs.get('centre').pid),
			most: await residentMb(programs.get('centre').pid, 'VmHWM'),
		}),
		laneConsumers: async () => (await countOfLanes()) - consumersAtFirst,
		/** One page of the newest commands, as the centre answers it; undefined while none does. */
		page: () =>
			nc.request('steward.api.commands', JSON.stringify({ limit: 50 }), { timeout: 30_000 }).then(
				(answer) => answer.json(),
				() => undefined,
			),
		/** Of a command that the ledger knows. */
		async lastHandle() {
			const { subject } = await jsm.streams.getMessage('KV_steward-ledger', {
				last_by_subj: `${ledgerKeys}>`,
			});
			return subject.slice(ledgerKeys.length);
		},
		nodeMb: () => residentMb(programs.get(node).pid),
		enqueueOne: () => send(),
		enqueueMany: (count) =>
			client.send({ ...form, toNodes: Array.from({ length: count }, (_, place) => `node${place}`) }),
		async stored() {
			const names = Array.from({ length: shards }, (_, shard) => `STEWARD_COMMANDS_${shard}`);
			const infos = await Promise.all(names.map((name) => jsm.streams.info(name)));
			return infos.reduce((sum, { state }) => sum + state.messages, 0);
		},
		drain: released,
		fillShell: (count) => fill(count, { method: 'shellCommand', data: ['/bin/true'] }),
		async once() {
			if (!stamped) await startNode(node, { modules: [stampModule] });
			stamped = true;
			const sentAt = now();
			const [{ handle }] = await send({ method: 'stamp' });
			const [{ state, result }] = await client.wait([handle], { timeoutMs: 30_000 });
			if (state !== 'succeeded') throw new Error(`${handle} is ${state}`);
			return { start: result.value.startedAt - sentAt, result: now() - sentAt };
		},
		async stop() {
			for (const one of open.reverse()) await one.stop();
		},
	};
}
