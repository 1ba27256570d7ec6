import { expect, test } from 'vitest';
import { boundedReport } from '../../src/domain/report-bounds.ts';
import { type Attempt, emptyResult } from '../../src/domain/result.ts';
import { type Report, reportSchema } from '../../src/domain/wire.ts';
import { closeLast, lastAttempt, withAttempt } from '../../src/node/delivery/attempt-list.ts';

const fault = { code: 'threw', message: 'x'.repeat(2000) };

function manyAttempts(count: number): readonly Attempt[] {
	let attempts: readonly Attempt[] = [];
	for (let attempt = 1; attempt <= count; attempt++) {
		attempts = closeLast(withAttempt(attempts, attempt, attempt), attempt, 'failed', null, fault);
	}
	return attempts;
}

function report(change: Partial<Report>): Report {
	return {
		...{ v: 1, key: { epoch: 'e', n: 1 }, event: 'failed', at: 1, attempts: manyAttempts(600).slice() },
		facts: {
			...{ method: 'm', lane: 'normal', sender: 's', digest: 'd', seq: 1, queuedAt: 1 },
			deliverWithinMs: null,
		},
		fault,
		...change,
	};
}

test('keeps the first four and the last 28 attempts, under their numbers, with the whole fault of the last', () => {
	const attempts = manyAttempts(600);
	expect(attempts.map(({ attempt }) => attempt)).toEqual([
		...[1, 2, 3, 4],
		...Array.from({ length: 28 }, (_, index) => 573 + index),
	]);
	expect(lastAttempt(attempts)).toBe(600);
	const lengths = attempts.map((attempt) => attempt.fault?.message.length);
	expect(lengths.slice(0, -1)).toEqual(Array.from({ length: 31 }, () => 201));
	expect(lengths.at(-1)).toBe(2000);
	expect(Buffer.byteLength(JSON.stringify(report({})))).toBeLessThan(32 * 1024);
});

test('begins an attempt anew under its own number', () => {
	expect(lastAttempt([])).toBe(0);
	expect(withAttempt(manyAttempts(3), 3, 9).map(({ attempt, outcome }) => `${attempt} ${outcome}`)).toEqual([
		...['1 failed', '2 failed', '3 null'],
	]);
});

test('a report that fits is sent as it is; of a larger one the outcome is always told', () => {
	const fits = report({ result: { ...emptyResult, exitCode: 3, value: ['small'] } });
	expect(JSON.parse(boundedReport(fits, 1024 * 1024))).toEqual(fits);
	const large = reportSchema.parse(
		JSON.parse(boundedReport(report({ result: { ...emptyResult, value: 'y'.repeat(200_000) } }), 100_000)),
	);
	expect(large.attempts.map(({ attempt }) => attempt)).toEqual([600]);
	expect(large.result?.value).toMatchObject({ cut: true, bytes: 200_002 });
	expect(large.fault?.message).toHaveLength(2000);
});

test('a report fits the smallest of brokers, whatever its command wrote', () => {
	const text = '\u0001'.repeat(16 * 1024);
	const output = {
		head: text,
		tail: text,
		bytes: 1e6,
		sha256: 's',
		encoding: 'utf8',
		cut: 1e6 - 32_768,
	} as const;
	const result = { exitCode: 3, signal: null, stdout: output, stderr: output, value: text };
	const bounded = boundedReport(report({ result }), 16 * 1024);
	expect(Buffer.byteLength(bounded)).toBeLessThan(16 * 1024);
	expect(JSON.parse(bounded)).toMatchObject({
		event: 'failed',
		result: { exitCode: 3, stdout: { bytes: 1e6, cut: 1e6 } },
	});
});
