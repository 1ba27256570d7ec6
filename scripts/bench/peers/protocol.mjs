/**
 * Owns the messages of steward's way alone, on steward's own streams: what the guarantees leave to reach on a machine.
 * Commands with their headers and their expectation, and whoever follows them; what a node and the centre write and acknowledge; events from
 * store to log file. No schema, no supervision, no method, nothing that is removed. Promises the sizes that steward's messages have for a
 * `ping`. Nothing outlives its servers.
 */

import { fileURLToPath } from 'node:url';
import { streamsDir } from '../../../dist/base/package.js';
import { envelopeDigest, envelopeFor } from '../../../dist/domain/envelope.js';
import { parseMessage } from '../../../dist/domain/message.js';
import { operatorSender } from '../../../dist/domain/names.js';
import { shardOf, streams, subjects } from '../../../dist/domain/subject.js';
import { openConnection } from '../../../dist/jetstream/connection.js';
import { expectedSeqHeader, expectedSubjectHeader, Publisher } from '../../../dist/jetstream/publisher.js';
import { commandHeader, headersFor } from '../../../dist/jetstream/stored-command.js';
import { applyTopology } from '../../../dist/jetstream/topology.js';
import { data, inChunks } from '../payload.mjs';
import { startNats, startProgram, until } from '../servers.mjs';
import { eventWay } from './protocol-events.mjs';
import { node, running } from './protocol-node.mjs';

/** Under way at once where one command goes to many nodes, as in the library. */
const sentAtOnce = 4000;

export async function start({ folder, tier, shards = 1 }) {
	const server = await startNats(folder, tier);
	const connection = await openConnection({ servers: [server.url], name: 'bench' });
	await applyTopology(connection, { dir: streamsDir, shards });
	const allShards = Array.from({ length: shards }, (_, shard) => shard);
	const centre = await startPart(
		'./protocol-centre.mjs',
		{ url: server.url, followed: allShards.map(streams.commands) },
		folder,
	);
	const publishers = allShards.map(
		(shard) => new Publisher(connection, { stream: streams.commands(shard), mayLookUp: true }),
	);
	let sent = 0;
	const newId = () => `c${String(sent++).padStart(25, '0')}`;
	/** Made beforehand: name and id are as long in each, and nobody reads them here. */
	const { body, headers } = commandLike(newId());
	const enqueue = (to, id = newId(), shard = shardOf(to, shards)) =>
		publishers[shard].publish({
			subject: subjects.command(shard, { node: to, lane: 'normal', method: 'ping', id }),
			data: body,
			headers: { ...headers, [expectedSubjectHeader]: subjects.commandById(shard, to, id) },
		});
	const fill = (count) =>
		inChunks(count, (size) => Promise.all(Array.from({ length: size }, () => enqueue(node))));
	const ship = running({ folder, connection, enqueue: () => enqueue(node) });
	return {
		// To as many as steward sends to.
		enqueueOne: () => enqueue(`away${sent % 16}`),
		async enqueueMany(count) {
			const id = newId();
			const targets = Array.from({ length: count }, (_, place) => `node${place}`)
				.map((to) => ({ to, shard: shardOf(to, shards) }))
				.sort((a, b) => a.shard - b.shard);
			for (let at = 0; at < count; at += sentAtOnce)
				await Promise.all(targets.slice(at, at + sentAtOnce).map(({ to, shard }) => enqueue(to, id, shard)));
		},
		async stored() {
			const infos = await Promise.all(
				allShards.map((shard) => connection.jsm.streams.info(streams.commands(shard))),
			);
			return infos.reduce((sum, { state }) => sum + state.messages, 0);
		},
		...{ fill, fillShell: fill, drain: ship.drain, drainShell: ship.drainShell, once: ship.once },
		eventWay: () => eventWay({ folder, connection, url: server.url }),
		async stop() {
			await centre.stop();
			await connection.nc.close();
			await ship.close();
			await server.stop();
		},
	};
}

/** A `ping` as it is stored, with all that is said of it. */
function commandLike(id) {
	const message = parseMessage({ kind: 'command', method: 'ping', data, toNode: node });
	const envelope = envelopeFor(message, node, id, operatorSender);
	const headers = {
		...headersFor(envelope, envelopeDigest(envelope)),
		[commandHeader.nonce]: crypto.randomUUID().slice(0, 22),
		[expectedSeqHeader]: '0',
	};
	return { body: JSON.stringify(envelope), headers };
}

/** A process of its own: one that forks is to be no larger than a node. Ready when it says so. */
export async function startPart(file, given, cwd) {
	const path = fileURLToPath(new URL(file, import.meta.url));
	const part = await startProgram(process.execPath, [path, JSON.stringify(given)], {
		cwd,
		signal: 'SIGKILL',
	});
	await until(`${file} is ready`, () => {
		part.assertRuns();
		return part.tail().includes('ready');
	});
	return part;
}
