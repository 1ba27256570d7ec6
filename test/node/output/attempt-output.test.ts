import { expect, test } from 'vitest';
import { emptyResult, type OutputSummary } from '../../../src/domain/result.ts';
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

test('secrets are taken out of outputs that the method summed up itself', () => {
	const output = keptOutput({ redact: ['tok-\\d+'] });
	const own = { bytes: 12, sha256: sha256(Buffer.from('tok-1\ntok-2\n')), encoding: 'utf8' } as const;
	const base64 = (text: string) => Buffer.from(text).toString('base64');
	const complete = (stdout: OutputSummary, stderr: OutputSummary | null = null) =>
		output.complete({ outcome: 'succeeded', result: { ...emptyResult, stdout, stderr } }).result;
	const text = '[redacted]\n[redacted]\n';
	expect(complete({ ...own, head: 'tok-1\nto', tail: 'k-2\n', cut: 0 })).toEqual({
		...emptyResult,
		stdout: { head: text, tail: '', bytes: 22, sha256: sha256(Buffer.from(text)), encoding: 'utf8', cut: 0 },
	});
	const cut = { ...own, bytes: 99, head: 'tok-1', tail: 'tok-2', cut: 89 };
	expect(
		complete(cut, { ...cut, encoding: 'base64', head: base64('a\u0000tok-1'), tail: base64('tok-2') }),
	).toEqual({
		...emptyResult,
		stdout: { ...cut, head: '[redacted]', tail: '[redacted]', sha256: '[redacted]' },
		stderr: {
			...cut,
			sha256: '[redacted]',
			encoding: 'base64',
			head: base64('a\u0000[redacted]'),
			tail: base64('[redacted]'),
		},
	});
	const clean = { ...own, head: 'nothing\n', tail: 'here', cut: 0 };
	expect(complete(clean, null)).toEqual({ ...emptyResult, stdout: clean });
});

test('of a value that was too large, the beginning of its JSON is told only where nothing is secret', () => {
	const value = { cut: true, bytes: 1_000_000, head: '["tok-1","tok' };
	const result = { ...emptyResult, value };
	expect(
		keptOutput({ redact: ['tok-\\d+'] }).complete({ outcome: 'succeeded', result }).result.value,
	).toEqual({
		...value,
		head: '',
	});
	expect(keptOutput().complete({ outcome: 'succeeded', result }).result.value).toEqual(value);
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
