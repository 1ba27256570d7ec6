import { expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { startBroker } from '../jetstream/setup.ts';
import { command, fleetOn } from './setup.ts';

const decommissioned = { by: 'me', reason: '', at: 1, settledAt: null, cancelled: 0, lost: 0 };

/** A fleet whose clock stands still unless it is set. */
async function still() {
	const broker = await startBroker();
	const time = { ms: 1000 };
	const { fleet, parts } = await fleetOn(broker.connection, { ...systemClock, monotonic: () => time.ms });
	const takeOut = () => parts.standings.change('ship1', (standing) => ({ ...standing, decommissioned }));
	return {
		...{ fleet, time, takeOut },
		sendMany: (count: number) => Promise.all(Array.from({ length: count }, () => fleet.send(command()))),
		[Symbol.asyncDispose]: () => broker[Symbol.asyncDispose](),
	};
}

const refused = { code: 'refused', details: { reason: 'decommissioned' } };

test.concurrent('who sends hundreds a second hears of a node that is out of service a quarter of a second later at most', async () => {
	await using world = await still();
	const { fleet, time } = world;
	await world.sendMany(100);
	await world.takeOut();
	expect(await fleet.send(command())).toHaveLength(1);
	// As busy as before, and what was known is too old.
	time.ms += 99;
	await world.sendMany(100);
	time.ms += 99;
	await world.sendMany(100);
	time.ms += 99;
	await expect(fleet.send(command())).rejects.toMatchObject(refused);
});

test.concurrent('who sends few hears of it with the next send, and whoever asks for nodes that are there at any time', async () => {
	await using world = await still();
	const { fleet } = world;
	for (let n = 0; n < 10; n++) await fleet.send(command());
	await world.takeOut();
	await expect(fleet.send(command())).rejects.toMatchObject(refused);
	await world.sendMany(100).catch(() => undefined);
	await expect(fleet.send(command({ whenAbsent: 'reject' }))).rejects.toMatchObject({
		message: expect.stringContaining('not present: ship1'),
	});
});

test.concurrent('what was known while many were sent is forgotten when there are few', async () => {
	await using world = await still();
	const { fleet, time } = world;
	await world.sendMany(100);
	await world.takeOut();
	time.ms += 201;
	await expect(fleet.send(command())).rejects.toMatchObject(refused);
});
