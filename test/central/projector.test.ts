import { expect, test } from 'vitest';
import { silentLog } from '../../src/base/log.ts';
import { Projector, projectorConsumer } from '../../src/central/projector.ts';
import { streams } from '../../src/domain/subject.ts';
import type { CommandFacts } from '../../src/domain/wire.ts';
import { Link } from '../../src/jetstream/connection.ts';
import { DeadLetters } from '../../src/jetstream/dead-letters.ts';
import type { LedgerStore } from '../../src/jetstream/ledger-store.ts';
import { command, factsOf, fleetOn, reportSuccess, started } from '../client/setup.ts';
import { type Broker, startBroker } from '../jetstream/setup.ts';
import { manualClock } from '../support/clock.ts';
import { eventually } from '../support/eventually.ts';

/** A projector for which time stands still, so that a claim waits until it is told otherwise. */
async function projecting(
	{ connection, nats }: Broker,
	readMany?: (ledger: LedgerStore, handles: readonly string[]) => ReturnType<LedgerStore['readMany']>,
) {
	const { fleet, parts } = await fleetOn(connection);
	const clock = manualClock();
	const link = new Link({ servers: [nats.url], name: 'test', clock, log: silentLog });
	const { ledger, commands, serverNow } = parts;
	const read: string[] = [];
	let refused = 0;
	const projector = new Projector({
		...{ link, dead: new DeadLetters(connection), serverNow, clock, log: silentLog },
		ledger: {
			read: (handle) => ledger.read(handle),
			readMany: (handles) => (readMany ? readMany(ledger, handles) : ledger.readMany(handles)),
			readEnd: (handle) => ledger.readEnd(handle),
			write: (...args) =>
				ledger.write(...args).catch((error: unknown) => {
					refused += 1;
					throw error;
				}),
		},
		settler: { settle: () => undefined },
		statements: { check: () => null },
		readMessage: (one) => commands.body(one),
		findWaiting: ({ node, id }) => commands.find(node, id),
		onRead: (subject) => read.push(subject),
	});
	await link.start();
	await projector.start();
	const handleOf = (id: string) => ({ node: 'ship1', id });
	const begun = new Map<string, CommandFacts>();
	return {
		...{ clock, read },
		refused: () => refused,
		async begin(id: string) {
			await fleet.send(command({ id }));
			const facts = await factsOf(parts, handleOf(id));
			begun.set(id, facts);
			await parts.claims.write(handleOf(id), started(facts));
		},
		async end(id: string) {
			const facts = begun.get(id);
			if (!facts) throw new Error(`${id} has not begun`);
			await reportSuccess(connection, handleOf(id), facts);
		},
		stateOf: async (id: string) => (await ledger.read(handleOf(id)))?.entry.state,
		async [Symbol.asyncDispose]() {
			await projector.stop();
			await link.stop();
		},
	};
}

test('a start is told together with its end where that comes soon, and by itself where it does not', async () => {
	await using broker = await startBroker();
	const { jsm } = broker.connection;
	await using world = await projecting(broker);
	const ids = Array.from({ length: 12 }, (_, place) => `c${place}`);
	for (const id of [...ids, 'long']) await world.begin(id);
	await eventually(() => world.read.length === ids.length + 1);
	for (const id of ids) await world.end(id);
	await eventually(async () =>
		(await Promise.all(ids.map(world.stateOf))).every((one) => one === 'succeeded'),
	);
	const writes = async () => (await jsm.streams.info('KV_steward-ledger')).state.last_seq;
	expect(await writes()).toBe(ids.length);
	expect(await world.stateOf('long')).toBeUndefined();
	await world.clock.advance(1000);
	await eventually(async () => (await world.stateOf('long')) === 'running');
	expect(await writes()).toBe(ids.length + 1);
	const isAllAcknowledged = async (stream: string) => {
		const { num_pending, num_ack_pending } = await jsm.consumers.info(stream, projectorConsumer);
		return num_pending + num_ack_pending === 0;
	};
	for (const stream of [streams.claims, streams.reports]) await eventually(() => isAllAcknowledged(stream));
});

test('an end that comes while its start is being written waits for that: neither write is refused', async () => {
	await using broker = await startBroker();
	let release: () => void = () => undefined;
	const released = new Promise<void>((resolve) => {
		release = resolve;
	});
	let reads = 0;
	await using world = await projecting(broker, async (ledger, handles) => {
		reads += 1;
		const found = await ledger.readMany(handles);
		if (reads === 1) await released;
		return found;
	});
	await world.begin('c1');
	await eventually(() => world.read.length === 1);
	await world.clock.advance(1000);
	await eventually(() => reads === 1);
	await world.end('c1');
	await eventually(() => world.read.length === 2);
	// A round trip: what was not held back would be written now.
	await broker.connection.nc.flush();
	const readMeanwhile = reads;
	release();
	expect(readMeanwhile).toBe(1);
	await eventually(async () => (await world.stateOf('c1')) === 'succeeded');
	expect(world.refused()).toBe(0);
});
