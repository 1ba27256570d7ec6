import { expect, test } from 'vitest';
import { countFrom, getLast, getLastOfMany } from '../../src/jetstream/direct-get.ts';
import { GroupGet } from '../../src/jetstream/group-get.ts';
import { Publisher } from '../../src/jetstream/publisher.ts';
import { eventually } from '../support/eventually.ts';
import { startBroker } from './setup.ts';

const stream = 'STEWARD_STATE';

test('gives the last message of a subject, and tells "none" from "nobody answered"', async () => {
	await using broker = await startBroker();
	const publisher = new Publisher(broker.connection, { stream, mayLookUp: true });
	await publisher.publish({ subject: 'steward.state.ship1', data: 'old' });
	const { seq } = await publisher.publish({
		subject: 'steward.state.ship1',
		data: 'new',
		headers: { A: 'b' },
	});
	const stored = await getLast(broker.connection, stream, 'steward.state.ship1');
	expect(stored).toMatchObject({ seq, subject: 'steward.state.ship1' });
	expect(new TextDecoder().decode(stored?.data)).toBe('new');
	expect([stored?.header('A'), stored?.header('B')]).toEqual(['b', '']);
	expect(Math.abs((stored?.storedAt ?? 0) - Date.now())).toBeLessThan(60_000);
	expect(await getLast(broker.connection, stream, 'steward.state.ship2')).toBeUndefined();
	await expect(getLast(broker.connection, 'NO_SUCH_STREAM', 'steward.state.ship1')).rejects.toMatchObject({
		code: 'no-broker',
	});
});

test('reads thousands of subjects, and leaves no subscription behind', async () => {
	await using broker = await startBroker();
	const { nc } = broker.connection;
	const publisher = new Publisher(broker.connection, { stream, mayLookUp: true });
	const subjects = Array.from({ length: 2500 }, (_, index) => `steward.state.ship${index}`);
	await Promise.all(subjects.slice(0, 2400).map((subject) => publisher.publish({ subject, data: subject })));
	const watched = nc.subscribe('sid.before');
	const found = await getLastOfMany(broker.connection, stream, subjects);
	expect(new Set(found.map(({ subject }) => subject))).toEqual(new Set(subjects.slice(0, 2400)));
	expect(await getLastOfMany(broker.connection, stream, [])).toEqual([]);
	expect(await getLastOfMany(broker.connection, stream, ['steward.state.nobody'])).toEqual([]);
	watched.unsubscribe();
	await nc.flush();
	const connz: unknown = await (await fetch(`${broker.nats.monitorUrl}/connz?subs=1`)).json();
	// The client's own inbox for requests, and nothing else.
	expect(JSON.stringify(connz).match(/"_INBOX\.[^"]*[^*]"/g)).toBeNull();
});

test('counts what matches from a sequence on', async () => {
	await using broker = await startBroker();
	const publisher = new Publisher(broker.connection, { stream, mayLookUp: true });
	const subjects = Array.from({ length: 100 }, (_, index) => `steward.state.ship${index}`);
	await Promise.all(subjects.map((subject) => publisher.publish({ subject, data: 'x' })));
	const count = (filter: string, from: number) => countFrom(broker.connection, stream, filter, from);
	expect(await count('steward.state.*', 1)).toBe(100);
	expect(await count('steward.state.*', 31)).toBe(70);
	expect(await count('steward.state.*', 101)).toBe(0);
	expect(await count('steward.state.ship7', 1)).toBe(1);
	expect(await count('steward.state.nobody', 1)).toBe(0);
});

test('what many ask at once is one question, and each gets an answer of its own time', async () => {
	await using broker = await startBroker();
	const proxy = await broker.proxy();
	const connection = await broker.connect(proxy);
	const publisher = new Publisher(broker.connection, { stream, mayLookUp: true });
	const group = new GroupGet(connection, stream);
	await publisher.publish({ subject: 'steward.state.ship1', data: 'x' });
	const { outMsgs } = connection.nc.stats();
	const asked = Array.from({ length: 200 }, (_, index) => group.get([`steward.state.ship${index % 3}`]));
	const answers = await Promise.all(asked);
	expect(answers.map((found) => found.get('steward.state.ship1')?.seq)).toEqual(answers.map(() => 1));
	expect(answers[0]?.get('steward.state.ship0')).toBeUndefined();
	expect(connection.nc.stats().outMsgs - outMsgs).toBe(1);
	await publisher.publish({ subject: 'steward.state.ship1', data: 'y' });
	expect((await group.get(['steward.state.ship1'])).get('steward.state.ship1')?.seq).toBe(2);
	await connection.nc.close();
	await expect(group.get(['steward.state.ship1'])).rejects.toMatchObject({ code: 'no-broker' });
});

test('every question ends when the connection is closed under it', async () => {
	await using broker = await startBroker();
	const proxy = await broker.proxy();
	const connection = await broker.connect(proxy);
	proxy.blackHole();
	const one = getLast(connection, stream, 'steward.state.ship1');
	const many = getLastOfMany(connection, stream, ['steward.state.ship1'], 60_000);
	const ended = Promise.allSettled([one, many]);
	await connection.nc.close();
	expect((await ended).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
});

test('a question that is lost with the link is asked again', async () => {
	await using broker = await startBroker();
	const proxy = await broker.proxy();
	const connection = await broker.connect(proxy);
	const publisher = new Publisher(broker.connection, { stream, mayLookUp: true });
	await publisher.publish({ subject: 'steward.state.ship1', data: 'x' });
	proxy.dropServerToClient();
	const sent = proxy.bytesLost;
	const one = getLast(connection, stream, 'steward.state.ship1');
	const many = getLastOfMany(connection, stream, ['steward.state.ship1', 'steward.state.ship2'], 30_000);
	await eventually(() => proxy.bytesLost > sent);
	proxy.heal();
	expect((await one)?.seq).toBe(1);
	expect((await many).map(({ seq }) => seq)).toEqual([1]);
});
