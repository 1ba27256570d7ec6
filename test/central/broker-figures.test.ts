import { expect, test } from 'vitest';
import { BrokerFigures } from '../../src/central/broker-figures.ts';
import { projectorConsumer } from '../../src/central/projector.ts';
import { ensureCentreConsumer } from '../../src/jetstream/consumers.ts';
import { DeadLetters } from '../../src/jetstream/dead-letters.ts';
import { startBroker } from '../jetstream/setup.ts';
import { manualClock } from '../support/clock.ts';
import { eventually } from '../support/eventually.ts';

const letter = {
	...({ node: 'ship1', kind: 'event', method: 'textLogging', sender: 'ship2' } as const),
	...{ at: 1, attempts: 1, fault: { code: 'threw', message: 'no' }, message: 'text' },
};

test('it tells what the projector has still to read, and each dead letter once, and nothing that is old', async () => {
	await using broker = await startBroker();
	const { connection } = broker;
	const dead = new DeadLetters(connection);
	const clock = manualClock();
	const figures = new BrokerFigures({ connection, dead, clock });
	expect(figures.figures).toBeUndefined();
	expect(await figures.runOnce()).toMatchObject({ projectorBacklog: 0, deadLetters: 0 });
	await ensureCentreConsumer(connection, 'STEWARD_REPORTS', projectorConsumer);
	for (const id of ['a', 'b', 'c']) connection.nc.publish(`steward.report.ship1.${id}`, '{}');
	await dead.write({ ...letter, id: 'x' });
	await dead.write({ ...letter, id: 'y' });
	await dead.write({ ...letter, id: 'y' });
	await eventually(async () => (await figures.runOnce()).projectorBacklog === 3, {
		message: 'the broker has stored the reports and told the consumer',
	});
	expect(figures.figures).toMatchObject({ projectorBacklog: 3, deadLetters: 2 });
	const consumer = await connection.js.consumers.get('STEWARD_REPORTS', projectorConsumer);
	const taken = await consumer.next();
	// Handed over is not read.
	expect(await figures.runOnce()).toMatchObject({ projectorBacklog: 3 });
	expect(await taken?.ackAck()).toBe(true);
	await figures.runOnce();
	expect(figures.figures).toMatchObject({ projectorBacklog: 2, deadLetters: 2 });
	await clock.advance(60_001);
	expect(figures.figures).toBeUndefined();
});
