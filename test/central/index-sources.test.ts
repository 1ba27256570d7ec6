import { expect, test } from 'vitest';
import { followSource } from '../../src/central/index-sources.ts';
import { ReadingPlace } from '../../src/central/reading-place.ts';
import { streams, subjects } from '../../src/domain/subject.ts';
import { Publisher } from '../../src/jetstream/publisher.ts';
import { startBroker } from '../jetstream/setup.ts';
import { eventually } from '../support/eventually.ts';

test('the newest is read first; what is older comes after it, and takes the place of nothing that is newer', async () => {
	await using broker = await startBroker();
	const { connection } = broker;
	const publisher = new Publisher(connection, { stream: streams.claims, mayLookUp: true });
	const put = (id: number, text: string) =>
		publisher.publish({ subject: subjects.claim('ship1', `c${id}`), data: text });
	for (let id = 1; id <= 60; id++) await put(id, 'first');
	const place = new ReadingPlace();
	const heard: number[] = [];
	const known = new Map<string, string>();
	const updates: Promise<unknown>[] = [];
	const following = await followSource(connection, {
		...{ name: 'ledger', place, stream: streams.claims, filter: [subjects.claim('*', '*')], from: 'last' },
		...{ headersOnly: false, newest: 10, reset: () => undefined },
		take({ subject, seq, data }) {
			heard.push(seq);
			known.set(subject, Buffer.from(data).toString());
			// Old ones are written anew while the newest are read.
			if (seq === 51) for (const id of [1, 2, 3, 30]) updates.push(put(id, 'second'));
			if (seq <= 60) expect(place.seq).toBe(0);
		},
	});
	await following.caughtUp;
	await Promise.all(updates);
	await eventually(() => place.seq === 64);
	expect(heard.slice(0, 10)).toEqual([51, 52, 53, 54, 55, 56, 57, 58, 59, 60]);
	expect(new Set(heard).size).toBe(heard.length);
	expect(known.size).toBe(60);
	expect(
		[...known]
			.filter(([, text]) => text === 'second')
			.map(([subject]) => subject)
			.sort(),
	).toEqual([1, 2, 3, 30].map((id) => subjects.claim('ship1', `c${id}`)).sort());
	await following.stop();
});

test('a stream that is made anew while what is older is read is read from its beginning', async () => {
	await using broker = await startBroker();
	const { connection } = broker;
	const publisher = new Publisher(connection, { stream: streams.claims, mayLookUp: true });
	const put = (id: string) => publisher.publish({ subject: subjects.claim('ship1', id), data: '{}' });
	for (let id = 1; id <= 30; id++) await put(`c${id}`);
	const { config } = await connection.jsm.streams.info(streams.claims);
	const known = new Set<string>();
	let resets = 0;
	const place = new ReadingPlace();
	const following = await followSource(connection, {
		...{ name: 'ledger', place, stream: streams.claims, filter: [subjects.claim('*', '*')], from: 'last' },
		...{ headersOnly: false, newest: 10 },
		reset: () => {
			resets += 1;
			known.clear();
		},
		take: ({ subject }) => {
			known.add(subject);
			if (resets > 0) expect(place.seq).toBeLessThan(known.size);
		},
	});
	await connection.jsm.streams.delete(streams.claims);
	await connection.jsm.streams.add(config);
	const anew = Array.from({ length: 40 }, (_, place) => `new${place}`);
	await Promise.all(anew.map(put));
	await eventually(() => resets > 0 && place.seq === anew.length);
	await following.caughtUp;
	expect([...known].sort()).toEqual(anew.map((id) => subjects.claim('ship1', id)).sort());
	await following.stop();
});
