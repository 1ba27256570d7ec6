import { expect, test } from 'vitest';
import { streams, subjects } from '../../src/domain/subject.ts';
import type { Connection } from '../../src/jetstream/connection.ts';
import { subjectsOf } from '../../src/jetstream/consumers.ts';
import { purgeFront } from '../../src/jetstream/front.ts';
import { Publisher } from '../../src/jetstream/publisher.ts';
import { startBroker } from './setup.ts';

/** Claims of two nodes in turn: `c0` of ship1, `c0` of ship2, `c1` of ship1 … */
async function publishClaims(connection: Connection, count: number): Promise<void> {
	const publisher = new Publisher(connection, { stream: streams.claims, mayLookUp: true });
	for (let place = 0; place < count; place++)
		for (const node of ['ship1', 'ship2'])
			await publisher.publish({ subject: subjects.claim(node, `c${place}`), data: '{}' });
}

async function leftOf(connection: Connection, node: string): Promise<readonly string[]> {
	const left = await subjectsOf(connection, streams.claims, subjects.claim(node, '*'));
	return left.map((subject) => subject.slice(subject.lastIndexOf('.') + 1)).sort();
}

test('what is over goes from the front of a filter, up to the first that is not; what lies between of others stays', async () => {
	await using broker = await startBroker();
	const { connection } = broker;
	await publishClaims(connection, 6);
	const asked: string[] = [];
	const front = (most: number, over: readonly string[]) =>
		purgeFront(connection, streams.claims, subjects.claim('ship1', '*'), most, ({ subject }) => {
			asked.push(subject);
			return over.some((id) => subject.endsWith(`.${id}`));
		});
	// The first is not over: what lies behind it stays as well.
	expect(await front(10, ['c1', 'c2'])).toEqual({ upTo: 0, removed: 0 });
	expect(await front(2, ['c0', 'c1', 'c2', 'c4'])).toEqual({ upTo: 3, removed: 2 });
	expect(await front(10, ['c0', 'c1', 'c2', 'c4'])).toEqual({ upTo: 5, removed: 1 });
	expect(await leftOf(connection, 'ship1')).toEqual(['c3', 'c4', 'c5']);
	expect(await leftOf(connection, 'ship2')).toHaveLength(6);
	expect(asked.every((subject) => subject.startsWith('steward.claim.ship1.'))).toBe(true);
	expect(await front(10, ['c3', 'c4', 'c5'])).toEqual({ upTo: 11, removed: 3 });
	expect(await front(10, ['c3', 'c4', 'c5'])).toEqual({ upTo: 0, removed: 0 });
});

test('what was seen too long ago removes nothing', async () => {
	await using broker = await startBroker();
	await publishClaims(broker.connection, 3);
	const began = performance.now();
	const slowly = () => {
		while (performance.now() - began < 1100);
		return true;
	};
	const front = purgeFront(broker.connection, streams.claims, subjects.claim('ship1', '*'), 10, slowly);
	await expect(front).rejects.toThrow('too old');
	expect(await leftOf(broker.connection, 'ship1')).toEqual(['c0', 'c1', 'c2']);
});
