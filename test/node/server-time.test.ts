import { expect, test } from 'vitest';
import { momentOf, ServerTime } from '../../src/node/server-time.ts';
import { manualClock } from '../support/clock.ts';

const serverStart = Date.UTC(2030, 5, 1);
const never = new AbortController().signal;

function parts() {
	const clock = manualClock();
	const serverTime = new ServerTime(clock);
	const read = (server: number) => serverTime.read(server, momentOf(clock), momentOf(clock));
	return { clock, serverTime, read };
}

test('goes on by the monotonic clock: a step of the wall clock changes nothing but the offset', async () => {
	const { clock, serverTime, read } = parts();
	expect([serverTime.isKnown, serverTime.offsetMs, serverTime.now()]).toEqual([false, null, clock.now()]);
	read(serverStart);
	await clock.advance(5000);
	expect(serverTime.now()).toBe(serverStart + 5000);
	expect(serverTime.offsetMs).toBe(serverStart + 5000 - clock.now());
	clock.jump(-1500);
	expect(serverTime.isKnown).toBe(true);
	expect(serverTime.offsetMs).toBe(serverStart + 5000 - clock.now());
	clock.jump(20 * 365 * 86_400_000);
	expect(serverTime.now()).toBe(serverStart + 5000);
});

for (const jumpMs of [2100, -2100, 86_400_000]) {
	test(`a reading does not hold when the clocks part by ${jumpMs} ms: a new one is asked for`, async () => {
		const { clock, serverTime, read } = parts();
		read(serverStart);
		await serverTime.known(never);
		clock.jump(jumpMs);
		expect([serverTime.isKnown, serverTime.offsetMs]).toEqual([false, null]);
		let wanted = 0;
		const off = serverTime.onWanted(() => {
			wanted += 1;
		});
		const both = Promise.all([serverTime.known(never), serverTime.known(never)]);
		expect(wanted).toBe(1);
		read(serverStart + 1);
		await both;
		expect(serverTime.offsetMs).toBe(serverStart + 1 - clock.now());
		off();
		clock.jump(jumpMs);
		const stopping = new AbortController();
		const waiting = serverTime.known(stopping.signal);
		stopping.abort();
		await waiting;
		expect([wanted, serverTime.isKnown]).toEqual([1, false]);
	});
}

test('an answer that took long, or over which the machine was suspended, is no reading', () => {
	const { clock, serverTime } = parts();
	const { wall, monotonic } = momentOf(clock);
	const after = (wallMs: number, monotonicMs: number) => ({
		wall: wall + wallMs,
		monotonic: monotonic + monotonicMs,
	});
	expect(serverTime.read(serverStart, after(0, 0), after(11_000, 11_000))).toBe(false);
	expect(serverTime.read(serverStart, after(0, 0), after(60_000, 10))).toBe(false);
	expect(serverTime.isKnown).toBe(false);
	expect(serverTime.read(serverStart, after(-200, -200), after(0, 0))).toBe(true);
	expect(serverTime.now()).toBe(serverStart + 100);
});
