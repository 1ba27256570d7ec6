import { expect, test } from 'vitest';
import { ServerClock } from '../../src/jetstream/server-clock.ts';
import { startBroker } from './setup.ts';

test('a sure time is read anew where the machine slept, where its clock was set, and after ten minutes', async () => {
	await using broker = await startBroker();
	const at = { wall: 1000, monotonic: 500 };
	const clock = { now: () => at.wall, monotonic: () => at.monotonic };
	const longAgo = Date.now() - 3_600_000;
	const isRead = async (wall: number, monotonic: number) => {
		[at.wall, at.monotonic] = [1000, 500];
		const server = new ServerClock(clock as ConstructorParameters<typeof ServerClock>[0], longAgo);
		[at.wall, at.monotonic] = [1000 + wall, 500 + monotonic];
		const asked = [1, 2, 3].map(() => server.sureNow(broker.connection));
		const [now = 0, ...others] = await Promise.all(asked);
		expect(others).toEqual([now, now]);
		if (now === longAgo + monotonic) return false;
		expect(Math.abs(now - Date.now())).toBeLessThan(10_000);
		expect(server.sureNow(broker.connection)).toBe(server.now());
		return true;
	};
	expect(await isRead(1000, 1000)).toBe(false);
	expect(await isRead(2500, 1000)).toBe(false);
	expect(await isRead(3_600_000, 1000)).toBe(true);
	expect(await isRead(-5000, 1000)).toBe(true);
	expect(await isRead(601_000, 601_000)).toBe(true);
	await broker.connection.nc.close();
	[at.wall, at.monotonic] = [1000, 500];
	const server = new ServerClock(clock as ConstructorParameters<typeof ServerClock>[0], longAgo);
	at.wall += 3_600_000;
	expect(await server.sureNow(broker.connection)).toBe(longAgo);
});
