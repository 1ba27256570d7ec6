import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { rfc3339, systemClock, withDeadline } from '../../src/base/clock.ts';
import { manualClock } from '../support/clock.ts';

const dayMs = 86_400_000;

describe('the system’s clock', () => {
	beforeEach(() => {
		vi.useFakeTimers();
	});
	afterEach(() => {
		vi.useRealTimers();
	});

	test('waits as long as it is asked to, also for months', () => {
		for (const ms of [0, 1, 1000, 24 * dayMs, 30 * dayMs, 90 * dayMs]) {
			const fired = vi.fn();
			systemClock.after(ms, fired);
			vi.advanceTimersByTime(Math.max(ms - 1, 0));
			expect(fired).toHaveBeenCalledTimes(ms === 0 ? 1 : 0);
			vi.advanceTimersByTime(2);
			expect(fired).toHaveBeenCalledTimes(1);
			vi.advanceTimersByTime(200 * dayMs);
			expect(fired).toHaveBeenCalledTimes(1);
		}
		expect(vi.getTimerCount()).toBe(0);
	});

	test('a wait that is over by now fires at once', () => {
		const fired = vi.fn();
		systemClock.after(-5, fired);
		vi.advanceTimersByTime(0);
		expect(fired).toHaveBeenCalledTimes(1);
	});

	test('a cancelled wait never fires, at any stage of it', () => {
		for (const waitedMs of [0, 10 * dayMs, 26 * dayMs, 51 * dayMs]) {
			const fired = vi.fn();
			const cancel = systemClock.after(60 * dayMs, fired);
			vi.advanceTimersByTime(waitedMs);
			cancel();
			cancel();
			expect(vi.getTimerCount()).toBe(0);
			vi.advanceTimersByTime(100 * dayMs);
			expect(fired).not.toHaveBeenCalled();
		}
	});

	test('sleeps for months as well, and wakes when it is told to', async () => {
		const woken = vi.fn();
		const controller = new AbortController();
		const long = systemClock.sleep(40 * dayMs).then(woken);
		const aborted = systemClock.sleep(40 * dayMs, controller.signal);
		await vi.advanceTimersByTimeAsync(39 * dayMs);
		expect(woken).not.toHaveBeenCalled();
		controller.abort();
		await aborted;
		await vi.advanceTimersByTimeAsync(dayMs);
		await long;
		expect(vi.getTimerCount()).toBe(0);
	});

	test('does not sleep at all when the signal is aborted already', async () => {
		await systemClock.sleep(dayMs, AbortSignal.abort());
		expect(vi.getTimerCount()).toBe(0);
	});
});

describe('a deadline', () => {
	const late = () => new Error('too late');

	test('lets pass what comes in time, and leaves no timer', async () => {
		const clock = manualClock();
		await expect(withDeadline(clock, Promise.resolve(7), 1000, late)).resolves.toBe(7);
		await expect(withDeadline(clock, Promise.reject(new Error('broken')), 1000, late)).rejects.toThrow(
			'broken',
		);
		expect(clock.pending).toBe(0);
	});

	test('ends the waiting for what does not come', async () => {
		const clock = manualClock();
		const waiting = withDeadline(clock, new Promise(() => undefined), 1000, late);
		const ended = expect(waiting).rejects.toThrow('too late');
		await clock.advance(1000);
		await ended;
		expect(clock.pending).toBe(0);
	});

	test('what fails after its deadline is nobody’s unhandled rejection', async () => {
		const clock = manualClock();
		let fail: (error: Error) => void = () => undefined;
		const slow = new Promise((_, reject) => {
			fail = reject;
		});
		const ended = expect(withDeadline(clock, slow, 1000, late)).rejects.toThrow('too late');
		await clock.advance(1000);
		await ended;
		fail(new Error('afterwards'));
		await clock.advance(1);
	});
});

describe('a time as text', () => {
	test('is RFC 3339, UTC, with milliseconds', () => {
		expect(rfc3339(0)).toBe('1970-01-01T00:00:00.000Z');
		expect(rfc3339(Date.UTC(2026, 10, 22, 10, 0, 0, 7))).toBe('2026-11-22T10:00:00.007Z');
		expect(rfc3339(-1)).toBe('1969-12-31T23:59:59.999Z');
	});

	test('is that of its own moment, whatever was said before it', () => {
		for (const second of [1, 2, 1, 3, 1, 2, 2, 3, 3, 1]) {
			expect(rfc3339(second * 1000)).toBe(`1970-01-01T00:00:0${second}.000Z`);
		}
		expect(() => rfc3339(Number.NaN)).toThrow(RangeError);
	});

	test('beyond what four digits of a year can say is the last time that they can', () => {
		for (const ms of [8.64e15, 9e15, 1e300, Number.POSITIVE_INFINITY]) {
			expect(rfc3339(ms)).toBe('9999-12-31T23:59:59.999Z');
			expect(rfc3339(-ms)).toBe('0000-01-01T00:00:00.000Z');
		}
	});
});
