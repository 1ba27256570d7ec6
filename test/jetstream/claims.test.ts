import { expect, test } from 'vitest';
import type { CommandFacts, NodeClaim } from '../../src/domain/wire.ts';
import { Claims } from '../../src/jetstream/claims.ts';
import { eventually } from '../support/eventually.ts';
import { answerIsLost, messagesOf, startBroker } from './setup.ts';

const facts: CommandFacts = {
	method: 'shellCommand',
	lane: 'normal',
	sender: '_operator',
	digest: 'digest',
	seq: 1,
	queuedAt: 1000,
	deliverWithinMs: null,
};

function claimOf(epoch: string): NodeClaim {
	return { v: 1, by: 'node', epoch, boot: 'boot', machine: 'machine', event: 'started', at: 2000, facts };
}

const handle = { node: 'ship1', id: 'id1' };
const stream = 'STEWARD_CLAIMS';

test.concurrent('the first claim holds, and the second learns whose it is', async () => {
	await using broker = await startBroker();
	const claims = new Claims(broker.connection);
	expect(await claims.read(handle)).toBeUndefined();
	expect(await claims.write(handle, claimOf('a'))).toEqual(claimOf('a'));
	expect(await claims.write(handle, claimOf('b'))).toEqual(claimOf('a'));
	expect(await claims.read(handle)).toEqual(claimOf('a'));
	await claims.purge(handle);
	expect(await claims.write(handle, claimOf('c'))).toEqual(claimOf('c'));
});

test.concurrent('of many that claim at once from several connections, all are told the same one', async () => {
	await using broker = await startBroker();
	const connections = await Promise.all(Array.from({ length: 6 }, () => broker.connect()));
	for (let round = 0; round < 10; round++) {
		const told = await Promise.all(
			connections.map((connection, index) =>
				new Claims(connection).write({ node: 'ship1', id: `round${round}` }, claimOf(`claimer${index}`)),
			),
		);
		const stored = await new Claims(broker.connection).read({ node: 'ship1', id: `round${round}` });
		expect(new Set(told.map((claim) => JSON.stringify(claim)))).toEqual(new Set([JSON.stringify(stored)]));
	}
});

test.concurrent('two claims of one command in the same turn are never both accepted', async () => {
	await using broker = await startBroker();
	const claims = new Claims(broker.connection);
	const told = await Promise.all([
		claims.write(handle, claimOf('a')),
		claims.write(handle, claimOf('b')),
		claims.write({ node: 'ship1', id: 'id2' }, claimOf('a')),
	]);
	expect(told).toEqual([claimOf('a'), claimOf('a'), claimOf('a')]);
	const { state } = await broker.connection.jsm.streams.info(stream);
	expect(state.last_seq).toBe(2);
});

test.concurrent('a claim whose answer is lost is read again before anything goes on', async () => {
	await using broker = await startBroker();
	const proxy = await broker.proxy();
	const claims = new Claims(await broker.connect(proxy));
	proxy.dropServerToClient();
	const writing = Promise.all([
		claims.write(handle, claimOf('a')),
		claims.write({ node: 'ship1', id: 'id2' }, claimOf('a')),
	]);
	await eventually(async () => (await messagesOf(broker.connection, stream)) === 2);
	await answerIsLost(proxy);
	proxy.heal();
	expect(await writing).toEqual([claimOf('a'), claimOf('a')]);
	expect((await broker.connection.jsm.streams.info(stream)).state.last_seq).toBe(2);
});

test.concurrent('says that it does not know while the broker is away, and knows again afterwards', async () => {
	await using broker = await startBroker();
	const proxy = await broker.proxy();
	const connection = await broker.connect(proxy);
	const claims = new Claims(connection);
	proxy.cut();
	await eventually(() => !connection.reach.isUp);
	await expect(claims.write(handle, claimOf('a'))).rejects.toMatchObject({ name: 'PublishError' });
	await expect(claims.read(handle)).rejects.toMatchObject({ code: 'no-broker' });
	proxy.heal();
	expect(await claims.write(handle, claimOf('a'))).toEqual(claimOf('a'));
});
