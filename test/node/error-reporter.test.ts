import { expect, test } from 'vitest';
import { StewardError } from '../../src/base/errors.ts';
import { ErrorReporter } from '../../src/node/error-reporter.ts';
import type { FaultCount } from '../../src/node/fault-count.ts';
import type { Intake } from '../../src/node/intake/intake.ts';
import { type FaultKind, faultKinds, isReported } from '../../src/supervision/error-kernel.ts';
import { manualClock } from '../support/clock.ts';
import { stressLifecycle } from '../support/lifecycle.ts';
import { recordingLog } from '../support/log.ts';

type Word = FaultCount & { readonly saidAt: number };

/** A reporter under a clock that stands still, and what the outbox was given. */
function reporter() {
	const clock = manualClock(0);
	const log = recordingLog();
	const words: Word[] = [];
	const outbox = { isOpen: true };
	const intake: Intake = {
		async accept(items) {
			if (!outbox.isOpen) throw new StewardError('refused', 'the node is starting or stopping');
			for (const { message } of items) words.push({ ...(message.data as FaultCount), saidAt: clock.now() });
			return [];
		},
		progress: () => undefined,
	};
	let ids = 0;
	const errors = new ErrorReporter({ intake, clock, log, newId: () => `id${++ids}` });
	return {
		...{ clock, log, words, outbox, errors },
		fault: (where = 'm', kind: FaultKind = 'threw', message = 'broken') =>
			errors.report({ kind, where, message, handle: 'ship1.c1' }),
		sum: () => words.reduce((sum, { count }) => sum + count, 0),
		said: () => words.map(({ saidAt, count }) => `${saidAt / 1000} s: ${count}`),
	};
}

test('the first fault is said at once, in its own words', async () => {
	const { clock, errors, fault, words } = reporter();
	await errors.start();
	await clock.advance(5);
	fault('myMethod', 'threw', 'x'.repeat(5000));
	await clock.advance(0);
	const message = `${'x'.repeat(2048)}… (cut: 5000 characters)`;
	expect(words).toEqual([
		{
			...{ at: 5, code: 'threw', where: 'myMethod', message, count: 1, handle: 'ship1.c1' },
			saidAt: 5,
		},
	]);
	await errors.stop();
});

test('only faults above a warning are said; all are in the log', async () => {
	const { clock, log, errors, fault, words } = reporter();
	await errors.start();
	for (const kind of faultKinds) fault(kind, kind);
	await clock.advance(60_000);
	const counts = words.flatMap((word) => word.places ?? [word]).map(({ code }) => code);
	expect(counts.sort()).toEqual(faultKinds.filter(isReported).sort());
	expect(log.lines.map(({ fields }) => fields.fault)).toEqual([...faultKinds]);
	await errors.stop();
});

test('10,000 faults in a minute are a handful of events, whose counts sum to exactly 10,000', async () => {
	const { clock, errors, fault, sum, said } = reporter();
	await errors.start();
	for (let n = 0; n < 10_000; n += 1) {
		fault();
		await clock.advance(6);
	}
	expect(said()).toEqual(['0 s: 1', '10 s: 1666', '30 s: 3333']);
	// No further fault is needed for the rest.
	await clock.advance(60_000);
	expect(said()).toHaveLength(4);
	expect(sum()).toBe(10_000);
	await clock.advance(600_000);
	expect(clock.pending).toBe(0);
	await errors.stop();
	expect(sum()).toBe(10_000);
});

test('a place that goes on is said more and more seldom, and one that was calm is said at once again', async () => {
	const { clock, errors, fault, said } = reporter();
	await errors.start();
	for (let n = 0; n < 250; n += 1) {
		fault();
		await clock.advance(1000);
	}
	expect(said().map((word) => word.split(':')[0])).toEqual([
		'0 s',
		'10 s',
		'30 s',
		'70 s',
		'130 s',
		'190 s',
		'250 s',
	]);
	await clock.advance(200_000);
	const before = said().length;
	fault();
	await clock.advance(0);
	expect(said().slice(before)).toEqual(['450 s: 1']);
	await clock.advance(9000);
	fault();
	await clock.advance(1000);
	expect(said().slice(before)).toEqual(['450 s: 1', '460 s: 1']);
	await errors.stop();
});

test('all places together are bounded: 10,000 faults at 1,000 places sum to exactly 10,000', async () => {
	const { clock, errors, fault, words, sum } = reporter();
	await errors.start();
	for (let n = 0; n < 10_000; n += 1) {
		fault(`method${n % 1000}`, n % 3 === 0 ? 'unknownMethod' : 'badData');
		await clock.advance(6);
	}
	await clock.advance(120_000);
	expect(sum()).toBe(10_000);
	for (const { saidAt } of words) {
		const near = words.filter((other) => other.saidAt >= saidAt && other.saidAt < saidAt + 60_000);
		expect(near.length).toBeLessThanOrEqual(10);
	}
	expect(words.length).toBeLessThanOrEqual(20);
	const several = words.find(({ places }) => places !== undefined);
	expect(several?.places?.length).toBe(16);
	expect(several?.since).toBeLessThan(several?.at ?? 0);
	await errors.stop();
	expect(clock.pending).toBe(0);
});

test('what was reported before the start, and what a stop finds unsaid, is said', async () => {
	const { clock, errors, fault, outbox, words, sum, said } = reporter();
	outbox.isOpen = false;
	for (let n = 0; n < 3; n += 1) fault();
	await clock.advance(100_000);
	outbox.isOpen = true;
	await errors.start();
	await clock.advance(0);
	expect(said()).toEqual(['100 s: 3']);
	for (let n = 0; n < 40; n += 1) fault(`m${n % 20}`);
	await errors.stop();
	expect(sum()).toBe(43);
	// The bound holds before the end, and at the end.
	expect(words.length).toBeLessThanOrEqual(20);
	expect(clock.pending).toBe(0);
	fault();
	await clock.advance(100_000);
	expect(sum()).toBe(43);
});

test('what the outbox refuses is counted again', async () => {
	const { clock, log, errors, fault, outbox, sum } = reporter();
	await errors.start();
	outbox.isOpen = false;
	for (let n = 0; n < 500; n += 1) {
		fault(`m${n % 20}`);
		await clock.advance(100);
	}
	expect(sum()).toBe(0);
	expect(log.lines.some(({ level, message }) => level === 'error' && message.includes('could not'))).toBe(
		true,
	);
	outbox.isOpen = true;
	await clock.advance(180_000);
	expect(sum()).toBe(500);
	await errors.stop();
	expect(sum()).toBe(500);
});

test('starts and stops in any order, and leaves no timer and no fault behind', async () => {
	const { clock, errors, fault, sum } = reporter();
	let faults = 0;
	await stressLifecycle(() => ({
		name: errors.name,
		start: () => {
			faults += 1;
			fault(`m${faults % 5}`);
			return errors.start();
		},
		stop: () => errors.stop(),
	}));
	await errors.start();
	await errors.stop();
	expect(sum()).toBe(faults);
	expect(clock.pending).toBe(0);
});
