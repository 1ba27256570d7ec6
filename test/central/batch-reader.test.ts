import { expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { BatchReader } from '../../src/central/batch-reader.ts';
import { streams, subjects } from '../../src/domain/subject.ts';
import { Link } from '../../src/jetstream/connection.ts';
import { Publisher } from '../../src/jetstream/publisher.ts';
import { type Broker, startBroker } from '../jetstream/setup.ts';
import { eventually } from '../support/eventually.ts';

test('what waits for another reader is handled before it fills what may be held, though that is busy for ever', async () => {
	await using broker = await startBroker();
	const count = 3000;
	await publish(
		broker,
		streams.claims,
		Array.from({ length: count }, (_, place) => subjects.claim('ship1', `c${place}`)),
	);
	const link = new Link({ servers: [broker.nats.url], name: 'test', clock: systemClock, log: silentLog });
	const handled: string[] = [];
	const reader = new BatchReader({
		...{ link, stream: streams.claims, consumer: '_projector', clock: systemClock, log: silentLog },
		handle: async (batch) => {
			for (const one of batch) one.ack();
			handled.push(...batch.map(({ subject }) => subject));
		},
		linger: { forMs: 10, longestMs: 3_600_000, after: { isBusy: true } },
	});
	await link.start();
	await reader.start();
	// Half of what may be held is left to wait.
	await eventually(() => handled.length >= count - 500);
	expect(handled).toEqual(handled.map((_, place) => subjects.claim('ship1', `c${place}`)));
	await reader.stop();
	await link.stop();
});

test('what another reader holds back is handled with what it belongs to, and comes again with it where that fails', async () => {
	await using broker = await startBroker();
	const link = new Link({ servers: [broker.nats.url], name: 'test', clock: systemClock, log: silentLog });
	const common = { link, consumer: '_projector', clock: systemClock, log: silentLog };
	const [read, alone]: [string[], string[]] = [[], []];
	const together: string[][] = [];
	const onRead = (subject: string) => void read.push(subject);
	const claims = new BatchReader({
		...{ ...common, onRead, stream: streams.claims },
		handle: async (batch) => void alone.push(...batch.map(({ subject }) => subject)),
		linger: { forMs: 3_600_000, longestMs: 3_600_000, after: { isBusy: false } },
	});
	const idOf = (subject: string) => subject.slice(subject.lastIndexOf('.'));
	const reports = new BatchReader({
		...{ ...common, stream: streams.reports },
		also: (batch) => claims.take((held) => batch.some(({ subject }) => idOf(subject) === idOf(held.subject))),
		handle: async (batch) => {
			together.push(batch.map(({ subject }) => subject));
			if (together.length === 1) throw new Error('the ledger is away');
			for (const one of batch) one.ack();
		},
	});
	await link.start();
	await claims.start();
	await reports.start();
	const [claimA, claimB, reportA] = [
		subjects.claim('ship1', 'a'),
		subjects.claim('ship1', 'b'),
		subjects.report('ship1', 'a'),
	];
	await publish(broker, streams.claims, [claimA, claimB]);
	await eventually(() => read.length === 2);
	await publish(broker, streams.reports, [reportA]);
	await eventually(() => together.length >= 2);
	expect(together[0]).toEqual([reportA, claimA]);
	// Both were handed back; which of them is here first is chance.
	await eventually(() => together.slice(1).flat().includes(reportA));
	await eventually(() => read.length === 3);
	expect(read).toEqual([claimA, claimB, claimA]);
	expect(alone).toEqual([]);
	for (const reader of [claims, reports]) await reader.stop();
	await link.stop();
});

async function publish({ connection }: Broker, stream: string, all: readonly string[]): Promise<void> {
	const publisher = new Publisher(connection, { stream, mayLookUp: false });
	await Promise.all(all.map((subject) => publisher.publish({ subject, data: '{}' })));
}
