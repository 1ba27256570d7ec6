import { expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { BatchReader } from '../../src/central/batch-reader.ts';
import { streams, subjects } from '../../src/domain/subject.ts';
import { Link } from '../../src/jetstream/connection.ts';
import { Publisher } from '../../src/jetstream/publisher.ts';
import { startBroker } from '../jetstream/setup.ts';
import { eventually } from '../support/eventually.ts';

test('what waits for another reader is handled before it fills what may be held, though that is busy for ever', async () => {
	await using broker = await startBroker();
	const publisher = new Publisher(broker.connection, { stream: streams.claims, mayLookUp: false });
	const count = 3000;
	await Promise.all(
		Array.from({ length: count }, (_, place) =>
			publisher.publish({ subject: subjects.claim('ship1', `c${place}`), data: '{}' }),
		),
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
