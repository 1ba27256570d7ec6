import { expect, test } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { startShip, wish } from './ship.ts';

const forever = new Promise<void>(() => undefined);

test('a wish about a schedule that a kill interrupts is met by the next process', async () => {
	await using ship = await startShip();
	const { world } = ship;
	for (const [id, method, data, version] of [
		['a', 'schedule', wish({ every: '1h' }), 1],
		['b', 'schedule', wish({ every: '2h' }, 2), 2],
		['c', 'unschedule', { name: 's', version: 2, by: 'anna', reason: '' }, undefined],
	] as const) {
		world.holdControl = forever;
		void ship.control(id, method, data).catch(() => undefined);
		await eventually(() => ship.process.journal.get(id)?.state === 'started');
		await ship.crash();
		world.holdControl = Promise.resolve();
		await ship.control(id, method, data);
		expect(ship.process.journal.get(id)?.final).toMatchObject({ event: 'succeeded' });
		expect(ship.process.journal.get(id)?.attempts.map(({ outcome }) => outcome)).toEqual([
			'interrupted',
			'succeeded',
		]);
		expect(ship.state()?.version).toBe(version);
	}
});

test('a wish that is refused is answered at once: no attempt is left for it', async () => {
	await using ship = await startShip();
	await ship.control('a', 'schedule', wish({ every: 'sometimes' }));
	expect(ship.process.journal.get('a')).toMatchObject({
		...{ state: 'finished', attempts: [{ attempt: 1, outcome: 'failed' }] },
		final: { event: 'failed', fault: { message: expect.stringContaining('every') } },
	});
});
