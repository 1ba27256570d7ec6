/**
 * Owns fleets that nobody could wait for: thousands of nodes and commands, written into a real broker as a centre writes them.
 * Promises what the stores themselves write (records, presence, ledger, results, messages on their streams), the same from the same
 * plan; only moments count back from now. Nothing of it runs: no node is there, and none is asked.
 */

import { streamsDir } from '../../src/base/package.ts';
import { envelopeDigest } from '../../src/domain/envelope.ts';
import { entryFor, type LedgerEntry } from '../../src/domain/ledger.ts';
import { operatorSender } from '../../src/domain/names.ts';
import type { Attempt, Result } from '../../src/domain/result.ts';
import { isFinal } from '../../src/domain/state.ts';
import { Commands } from '../../src/jetstream/commands.ts';
import { type Connection, openConnection } from '../../src/jetstream/connection.ts';
import { type CommandEnd, LedgerStore } from '../../src/jetstream/ledger-store.ts';
import { Nodes } from '../../src/jetstream/nodes.ts';
import { applyTopology } from '../../src/jetstream/topology.ts';
import { type SeededCommand, type SeededNode, seedPlan } from './seed-plan.ts';

export type SeedPlan = {
	readonly nodes: number;
	readonly commands: number;
	/** Of the commands streams; 16 from a thousand nodes if none. */
	readonly shards?: number;
	/** Newest commands that have a result, and a message that can be sent again. */
	readonly results?: number;
};

/** Handed to the publishers at once: each makes batches of a thousand of them. */
const atOnce = 4000;
const presenceTtlMs = 6 * 3_600_000;
const minuteMs = 60_000;

/**
 * Fills the broker at `servers`, which may have a centre already or not; answers the nodes in their order.
 * `onWritten` is told how many nodes and commands are there.
 */
export async function seedFleet(
	servers: string,
	plan: SeedPlan,
	onWritten: (count: number) => void = () => undefined,
): Promise<readonly SeededNode[]> {
	const { shards = plan.nodes < 1000 ? 1 : 16, results = 1000 } = plan;
	const now = Date.now();
	const { nodes, commands } = seedPlan(plan, now);
	const connection = await openConnection({ servers: [servers], name: 'seed' });
	try {
		await applyTopology(connection, { dir: streamsDir, shards });
		await writeNodes(connection, nodes, onWritten);
		const first = commands.length - results;
		const waiting = await enqueueAll(
			connection,
			shards,
			commands.filter(({ state }) => !isFinal(state)),
		);
		const ledger = new LedgerStore(connection);
		const onCommands = (count: number) => onWritten(nodes.length + count);
		await inSlices(commands, onCommands, async (command, place) => {
			if (command.state === 'queued') return;
			const { envelope } = command;
			const seq = waiting.get(envelope.id) ?? place + 1;
			const end = isFinal(command.state) && place >= first ? endOf(command) : undefined;
			await ledger.write(entryOf(command, seq), 0, end, now);
		});
		return nodes;
	} finally {
		await connection.nc.drain();
	}
}

async function writeNodes(
	connection: Connection,
	nodes: readonly SeededNode[],
	onWritten: (count: number) => void,
): Promise<void> {
	const store = new Nodes(connection);
	await inSlices(nodes, onWritten, async ({ record, isPresent }) => {
		const { node } = record.state;
		if (!(await store.write(node, record, 0))) throw new Error(`${node} is there already: seed a new broker`);
		if (isPresent) await store.markPresent(node, presenceTtlMs);
	});
}

/** Sequences by id. */
async function enqueueAll(
	connection: Connection,
	shards: number,
	waiting: readonly SeededCommand[],
): Promise<Map<string, number>> {
	const commands = new Commands(connection, shards);
	const sequences = new Map<string, number>();
	await inSlices(waiting, undefined, async ({ envelope }) => {
		const { seq } = await commands.enqueue(envelope, envelopeDigest(envelope), '');
		sequences.set(envelope.id, seq);
	});
	return sequences;
}

async function inSlices<T>(
	items: readonly T[],
	onDone: ((count: number) => void) | undefined,
	work: (item: T, place: number) => Promise<void>,
): Promise<void> {
	for (let start = 0; start < items.length; start += atOnce) {
		await Promise.all(items.slice(start, start + atOnce).map((item, place) => work(item, start + place)));
		onDone?.(Math.min(start + atOnce, items.length));
	}
}

function entryOf(command: SeededCommand, seq: number): LedgerEntry {
	const { envelope, state, queuedAt, ranMs } = command;
	const { node, id, method, lane, deliverWithinMs } = envelope;
	const entry = entryFor(
		{ node, id },
		{
			...{ method, lane, seq, queuedAt, deliverWithinMs },
			...{ sender: operatorSender, digest: envelopeDigest(envelope) },
		},
	);
	const neverBegan = state === 'cancelled' || state === 'expired';
	const startedAt = neverBegan ? null : queuedAt + 400;
	const endedAt = isFinal(state) ? (startedAt ?? queuedAt) + ranMs : null;
	return {
		...entry,
		...{ state, startedAt, endedAt, settledAt: endedAt },
		attempts: startedAt === null ? [] : [attemptOf(command, startedAt, endedAt)],
		nextAttemptAt: state === 'retrying' ? startedAt && startedAt + 2 * minuteMs : null,
		closed: state === 'cancelled' ? { reason: 'no longer needed', actor: 'operator' } : null,
		settledBy: endedAt === null ? null : 'seed:1',
	};
}

function attemptOf({ state }: SeededCommand, startedAt: number, endedAt: number | null): Attempt {
	const outcome = state === 'running' || state === 'queued' || state === 'expired' ? null : state;
	const exitCode = state === 'succeeded' ? 0 : state === 'failed' || state === 'retrying' ? 1 : null;
	return {
		...{ attempt: 1, startedAt, endedAt, exitCode, signal: null, fault: null },
		outcome: outcome === 'retrying' ? 'failed' : outcome,
	};
}

function endOf({ envelope, state }: SeededCommand): CommandEnd {
	const text = state === 'failed' ? 'disk /dev/sda1 is 97 % full\n' : 'all well\n';
	const stdout = { head: text, tail: '', bytes: text.length, sha256: '', encoding: 'utf8', cut: 0 } as const;
	const result: Result = { exitCode: state === 'succeeded' ? 0 : 1, signal: null, stdout, stderr: null };
	return { result: state === 'cancelled' || state === 'expired' ? null : result, envelope };
}
