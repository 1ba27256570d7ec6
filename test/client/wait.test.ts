import type { StreamConfig } from '@nats-io/jetstream';
import { expect, test } from 'vitest';
import type { Handle } from '../../src/domain/names.ts';
import type { Fleet } from '../../src/index.ts';
import { type Broker, startBroker } from '../jetstream/setup.ts';
import { eventually } from '../support/eventually.ts';
import { command, factsOf, fleetOn, reportSuccess, settle, started } from './setup.ts';

async function sent(fleet: Fleet): Promise<Handle & { handle: string }> {
	const [receipt] = await fleet.send(command());
	if (!receipt) throw new Error('nothing was sent');
	return receipt;
}

/** Consumers that were made since; the answer counts those that the broker has told of by then. */
async function consumersMade({ connection: { nc } }: Broker): Promise<() => Promise<number>> {
	let made = 0;
	nc.subscribe('$JS.EVENT.ADVISORY.CONSUMER.CREATED.>', { callback: () => void made++ });
	await nc.flush();
	return async () => {
		await nc.flush();
		return made;
	};
}

/** Whoever waits is listening by now. */
async function isListening({ nats }: Broker, handle: string): Promise<boolean> {
	const response = await fetch(`${nats.monitorUrl}/subsz?subs=1&test=steward.told.report.${handle}`);
	const { subscriptions_list = [] }: { subscriptions_list?: unknown[] } = await response.json();
	return subscriptions_list.length > 0;
}

test('what is reported while it is waited for is heard at once, without a consumer', async () => {
	await using broker = await startBroker();
	const { fleet, parts } = await fleetOn(broker.connection);
	const made = await consumersMade(broker);
	// Several: a machine that is busy may take longer than the time after which a wait follows.
	let heard = 0;
	for (let round = 0; round < 10; round++) {
		const before = await made();
		const one = await sent(fleet);
		const facts = await factsOf(parts, one);
		const waiting = fleet.wait([one.handle]);
		await eventually(() => isListening(broker, one.handle));
		await parts.claims.write(one, started(facts));
		await reportSuccess(broker.connection, one, facts);
		expect(await waiting).toMatchObject([{ state: 'succeeded', result: { exitCode: 0 } }]);
		await eventually(async () => !(await isListening(broker, one.handle)));
		if ((await made()) === before) heard += 1;
	}
	expect(heard).toBeGreaterThan(0);
});

test('what nobody tells is followed after a moment', async () => {
	await using broker = await startBroker();
	const { fleet, parts } = await fleetOn(broker.connection);
	const { jsm } = broker.connection;
	const { config } = await jsm.streams.info('STEWARD_REPORTS');
	const { republish: _, ...silent } = config as StreamConfig & { republish?: unknown };
	await jsm.streams.update('STEWARD_REPORTS', silent);
	const [reported, settled] = [await sent(fleet), await sent(fleet)];
	const waiting = Promise.all([fleet.wait([reported.handle]), fleet.wait([settled.handle])]);
	const followers = async (stream: string) => (await jsm.streams.info(stream)).state.consumer_count;
	await eventually(async () => (await followers('KV_steward-ledger')) === 2);
	await reportSuccess(broker.connection, reported, await factsOf(parts, reported));
	await settle(parts, settled, await factsOf(parts, settled), 'cancelled');
	expect((await waiting).map(([view]) => view?.state)).toEqual(['succeeded', 'cancelled']);
});

test('a place in the queue is told where nothing waits before it, and where something does', async () => {
	await using broker = await startBroker();
	const { fleet } = await fleetOn(broker.connection);
	const positions: unknown[] = [];
	for (let place = 0; place < 3; place++)
		positions.push(...(await fleet.send(command())).map(({ position }) => position));
	expect(positions).toEqual([1, 2, 3]);
});
