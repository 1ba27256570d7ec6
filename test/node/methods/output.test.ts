import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { outputEdgeBytes } from '../../../src/domain/result.ts';
import { OutputCollector } from '../../../src/node/methods/output.ts';

function summaryOf(bytes: Buffer, chunkBytes = bytes.length, edgeBytes?: number) {
	const collector = new OutputCollector(edgeBytes);
	for (let at = 0; at < bytes.length; at += chunkBytes) collector.write(bytes.subarray(at, at + chunkBytes));
	return collector.summary();
}

describe('OutputCollector', () => {
	test('an output that never came is empty text', () => {
		expect(new OutputCollector().summary()).toEqual({
			head: '',
			tail: '',
			bytes: 0,
			sha256: createHash('sha256').digest('hex'),
			encoding: 'utf8',
			cut: 0,
		});
	});

	test.each([1, outputEdgeBytes - 1, outputEdgeBytes, outputEdgeBytes + 1, 2 * outputEdgeBytes])(
		'%i bytes are kept whole',
		(size) => {
			const text = Array.from({ length: size }, (_, index) => String(index % 10)).join('');
			const summary = summaryOf(Buffer.from(text), 1000);
			expect(summary.head + summary.tail).toBe(text);
			expect(summary.head).toHaveLength(Math.min(size, outputEdgeBytes));
			expect(summary).toMatchObject({ bytes: size, cut: 0, encoding: 'utf8' });
			expect(summary.sha256).toBe(createHash('sha256').update(text).digest('hex'));
		},
	);

	test('one byte more than both edges hold is one byte cut', () => {
		const text = `${'a'.repeat(outputEdgeBytes)}b${'c'.repeat(outputEdgeBytes)}`;
		expect(summaryOf(Buffer.from(text), 777)).toMatchObject({
			head: 'a'.repeat(outputEdgeBytes),
			tail: 'c'.repeat(outputEdgeBytes),
			bytes: 2 * outputEdgeBytes + 1,
			cut: 1,
		});
	});

	test('a character at the border between head and tail goes to the tail whole', () => {
		const text = `${'a'.repeat(outputEdgeBytes - 2)}€${'b'.repeat(100)}`;
		const summary = summaryOf(Buffer.from(text));
		expect(summary.head).toBe('a'.repeat(outputEdgeBytes - 2));
		expect(summary.tail).toBe(`€${'b'.repeat(100)}`);
		expect(summary).toMatchObject({ cut: 0, encoding: 'utf8' });
	});

	test('characters at both sides of a cut are left out whole, and counted as missing', () => {
		const text = `aaa😀${'b'.repeat(50)}😀ccc`;
		expect(summaryOf(Buffer.from(text), 3, 5)).toMatchObject({
			head: 'aaa',
			tail: 'ccc',
			bytes: 64,
			cut: 58,
			encoding: 'utf8',
		});
	});

	test('bytes that are no UTF-8 are base64, wherever they stand, also in what was cut', () => {
		const bytes = Buffer.alloc(3 * outputEdgeBytes, 'x');
		bytes[outputEdgeBytes + 5000] = 0xff;
		const summary = summaryOf(bytes, 64 * 1024);
		expect(summary).toMatchObject({ encoding: 'base64', cut: outputEdgeBytes });
		expect(Buffer.from(summary.head, 'base64')).toEqual(bytes.subarray(0, outputEdgeBytes));
		expect(Buffer.from(summary.tail, 'base64')).toEqual(bytes.subarray(2 * outputEdgeBytes));
	});

	test('a character that the end cut off is no UTF-8', () => {
		expect(summaryOf(Buffer.from([0x61, 0xe2, 0x82]), 1)).toMatchObject({ encoding: 'base64', bytes: 3 });
	});

	test('however the bytes are cut into chunks, the summary is the same', () => {
		let state = 7;
		const random = () => {
			state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
			return state / 2 ** 31;
		};
		for (let round = 0; round < 300; round += 1) {
			const alphabet = round % 3 === 0 ? ['a', '€', '😀', 'é'] : ['a', 'b', '😀'];
			const text = Array.from({ length: Math.floor(random() * 80) }, () =>
				String(alphabet[Math.floor(random() * alphabet.length)]),
			).join('');
			const bytes = Buffer.from(text);
			const edge = 1 + Math.floor(random() * 30);
			const whole = summaryOf(bytes, Math.max(bytes.length, 1), edge);
			expect(summaryOf(bytes, 1 + Math.floor(random() * 9), edge)).toEqual(whole);
			expect(whole.encoding).toBe('utf8');
			expect(Buffer.byteLength(whole.head) + Buffer.byteLength(whole.tail) + whole.cut).toBe(bytes.length);
			expect(text.startsWith(whole.head) && text.endsWith(whole.tail)).toBe(true);
			if (bytes.length <= 2 * edge) expect(whole.head + whole.tail).toBe(text);
		}
	});
});
