import { expect, test } from 'vitest';
import { streams } from '../../src/domain/subject.ts';
import { startBroker } from '../jetstream/setup.ts';
import { command, fleetOn } from './setup.ts';

test.concurrent('a claim that the broker does not take is told as what it is, and the command stays queued', async () => {
	await using broker = await startBroker();
	const { fleet } = await fleetOn(broker.connection);
	for (const id of ['a', 'b']) await fleet.send(command({ id }));
	await fleet.cancel(['ship1.a']);
	await broker.connection.jsm.streams.update(streams.claims, { max_msgs: 1 });
	await expect(fleet.cancel(['ship1.b'])).rejects.toMatchObject({
		code: 'refused',
		message: expect.stringMatching(/^ship1\.b is not cancelled: maximum messages exceeded/),
		details: { handle: 'ship1.b', errCode: 10077 },
	});
	expect((await fleet.get('ship1.b'))?.state).toBe('queued');
	await broker.connection.jsm.streams.update(streams.claims, { max_msgs: -1 });
	expect((await fleet.cancel(['ship1.b']))[0]?.answer).toBe('beforeStart');
});

test.concurrent('without an answer it may be cancelled or not, and asking again tells', async () => {
	await using broker = await startBroker();
	const proxy = await broker.proxy();
	const { fleet } = await fleetOn(await broker.connect(proxy));
	await fleet.send(command({ id: 'a' }));
	const tripped = proxy.tripAt(/PUB steward\.claim\./, 'dropServerToClient');
	const [cancelled] = await Promise.allSettled([fleet.cancel(['ship1.a']), tripped]);
	expect(cancelled).toMatchObject({
		status: 'rejected',
		reason: {
			code: 'ambiguous',
			message: 'no answer from the broker: ship1.a may be cancelled or not; ask again: that is safe',
		},
	});
	const again = await fleetOn(broker.connection);
	expect((await again.fleet.cancel(['ship1.a']))[0]?.answer).toBe('beforeStart');
});
