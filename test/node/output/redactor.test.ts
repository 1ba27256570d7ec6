import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { Redaction, StreamRedactor } from '../../../src/node/output/redactor.ts';

/** What comes out of `bytes` in chunks of `size`. */
function through(patterns: readonly string[], bytes: Buffer, size: number): Buffer {
	const redactor = new StreamRedactor(new Redaction(patterns));
	const parts: Buffer[] = [];
	for (let at = 0; at < bytes.length; at += size)
		parts.push(Buffer.from(redactor.push(bytes.subarray(at, at + size))));
	return Buffer.concat([...parts, redactor.end()]);
}

describe('redaction of a stream', () => {
	const text = Buffer.from('user=a token=tok-1234567 end\ntok-1\nüber tok-22 straße\nlast tok-3');
	const expected = 'user=a token=[redacted] end\n[redacted]\nüber [redacted] straße\nlast [redacted]';

	test('however the bytes are cut into chunks, the secrets are found', () => {
		for (let size = 1; size <= text.length; size++) {
			expect(through(['tok-\\d+'], text, size).toString()).toBe(expected);
		}
	});

	test('a line that is whole is said at once, the rest is held back until it is whole, or the end', () => {
		const redactor = new StreamRedactor(new Redaction(['secret']));
		expect(redactor.push(Buffer.from('one\ntwo sec')).toString()).toBe('one\n');
		expect(redactor.push(Buffer.from('ret three')).toString()).toBe('');
		expect(redactor.push(Buffer.from('\n')).toString()).toBe('two [redacted] three\n');
		expect(redactor.push(Buffer.from('rest')).toString()).toBe('');
		expect(redactor.end().toString()).toBe('rest');
	});

	test('without patterns nothing is held back or copied', () => {
		const redactor = new StreamRedactor(new Redaction([]));
		const chunk = Buffer.from('half a line');
		expect(redactor.push(chunk)).toBe(chunk);
	});

	test('binary output passes byte for byte, but for what matches', () => {
		const bytes = Buffer.from(randomBytes(300_000).map((byte) => (byte === 0x53 ? 0x54 : byte)));
		for (const size of [1000, 8192, 65_536])
			expect(through(['SECRET'], bytes, size).equals(bytes)).toBe(true);
		const secret = Buffer.from('SECRET');
		const mixed = Buffer.concat([bytes, secret, bytes, secret, bytes]);
		const mark = Buffer.from('[redacted]');
		const wanted = Buffer.concat([bytes, mark, bytes, mark, bytes]);
		for (const size of [1000, 8191, 65_536])
			expect(through(['SECRET'], mixed, size).equals(wanted)).toBe(true);
	});

	test('a line without end is said piece by piece, and a secret at each border is found', () => {
		const size = 8192;
		for (const border of [6140, 6144, 6145, 8189, 8192, 14_336]) {
			const line = Buffer.alloc(40_000, 'x');
			line.write('SECRET', border - 3);
			const redactor = new StreamRedactor(new Redaction(['SECRET']));
			let said = '';
			let heldMost = 0;
			for (let at = 0; at < line.length; at += size) {
				said += redactor.push(line.subarray(at, at + size)).toString();
				heldMost = Math.max(heldMost, at + size - said.length);
			}
			said += redactor.end().toString();
			expect(said).toBe(line.toString().replace('SECRET', '[redacted]'));
			expect(heldMost).toBeLessThan(2 * size);
		}
	});

	test('a secret that is longer than what can be held takes the rest of its line with it, and no more', () => {
		const line = Buffer.from(`key=${'k'.repeat(50_000)}\nnext\n`);
		for (const size of [1000, 4096, 9000, 60_000]) {
			expect(through(['key=k+'], line, size).toString()).toBe('[redacted]\nnext\n');
		}
	});

	test('patterns that overlap make one mark, and one that matches nothing at a place replaces nothing', () => {
		expect(through(['abc', 'cde', '\\b'], Buffer.from('abcde f\n'), 100).toString()).toBe('[redacted] f\n');
	});

	test('characters beyond ASCII are matched as the bytes that they are', () => {
		expect(through(['schlüssel=\\S+'], Buffer.from('schlüssel=geheimß ende\n'), 3).toString()).toBe(
			'[redacted] ende\n',
		);
	});
});

test('texts and values are redacted wherever they are', () => {
	const redaction = new Redaction(['t\\d+']);
	expect(redaction.text('ü t1 t22')).toBe('ü [redacted] [redacted]');
	expect(redaction.value({ a: ['t1', 1, null, true], t2: { b: 'x' } })).toEqual({
		a: ['[redacted]', 1, null, true],
		'[redacted]': { b: 'x' },
	});
	expect(redaction.fault({ code: 't1', message: 'because t1' })).toEqual({
		code: 't1',
		message: 'because [redacted]',
	});
	expect(redaction.fault(null)).toBe(null);
});
