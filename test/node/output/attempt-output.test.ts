import { expect, test } from 'vitest';
import { emptyResult } from '../../../src/domain/result.ts';
import { sha256 } from '../../support/logs.ts';
import { keptOutput } from '../../support/output.ts';

test('what goes out is what is summed up, with an offset in each stream, and the end counts it', async () => {
	const output = keptOutput({ redact: ['tok-\\d+'], keep: true });
	await output.write('a tok-1', 'stdout');
	await output.write(new Uint8Array([0xff]), 'stderr');
	await output.write('2\nrest', 'stdout');
	const outcome = output.complete({ outcome: 'succeeded', result: emptyResult });
	const text = 'a [redacted]\nrest';
	expect(output.taken).toEqual([
		{ stream: 'stdout', offset: 0, text: 'a [redacted]\n' },
		{ stream: 'stdout', offset: 13, text: 'rest' },
		{ stream: 'stderr', offset: 0, text: '\u00ff' },
	]);
	expect(output.totals).toEqual({ stdout: 17, stderr: 1 });
	expect(outcome.result.stdout).toMatchObject({ head: text, bytes: 17, sha256: sha256(Buffer.from(text)) });
	expect(outcome.result.stderr).toMatchObject({ head: '/w==', encoding: 'base64' });
	await output.write('too late', 'stdout');
	expect(output.taken).toHaveLength(3);
});

test("a method's own outputs stay, and one that never spoke has none", async () => {
	const own = { head: 'own', tail: '', bytes: 3, sha256: 's', encoding: 'utf8', cut: 0 } as const;
	const spoke = keptOutput();
	await spoke.write('x', 'stdout');
	const result = { ...emptyResult, stdout: own };
	expect(spoke.complete({ outcome: 'succeeded', result }).result).toEqual(result);
	const silent = keptOutput();
	expect(silent.complete({ outcome: 'succeeded', result: emptyResult }).result).toEqual(emptyResult);
	expect(silent.resultWithoutOutcome()).toBe(null);
	const empty = keptOutput();
	await empty.write('', 'stdout');
	expect(empty.resultWithoutOutcome()).toMatchObject({ stdout: { bytes: 0 }, stderr: { bytes: 0 } });
});

test('secrets are taken out of faults and values', () => {
	const output = keptOutput({ redact: ['tok-\\d+'] });
	const outcome = output.complete({
		...{ outcome: 'failed', result: { ...emptyResult, value: ['tok-1'] } },
		fault: { code: 'c', message: 'no tok-2' },
	});
	expect(outcome).toMatchObject({ result: { value: ['[redacted]'] }, fault: { message: 'no [redacted]' } });
	expect(output.fault({ code: 'c', message: 'tok-3' }).message).toBe('[redacted]');
});
