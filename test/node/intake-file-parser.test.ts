import { expect, test } from 'vitest';
import {
	maxDepth,
	maxValueBytes,
	type Rest,
	type Span,
	ValueScanner,
} from '../../src/node/intake/intake-file-parser.ts';
import { decodeValue } from '../../src/node/intake/intake-file-value.ts';

/** All spans of a text as strings, and what is left; fed in pieces of `size` bytes. */
function scan(text: string | Uint8Array, size = Number.POSITIVE_INFINITY): { spans: string[]; rest: Rest } {
	const bytes = typeof text === 'string' ? Buffer.from(text) : text;
	const spans: string[] = [];
	for (let from = 0; ; ) {
		const scanner = new ValueScanner(from);
		let span: Span | undefined;
		for (let at = from; at < bytes.length && !span; at += size)
			span = scanner.feed(bytes.subarray(at, at + size));
		if (!span) return { spans, rest: scanner.rest() };
		spans.push(`${span.kind}: ${Buffer.from(bytes.subarray(span.start, span.end)).toString()}`);
		from = span.end;
	}
}

test.each([
	['one array', '[1]', ['value: [1]']],
	[
		'objects and arrays, with and without lines between them',
		'{"a":1}[2]\r\n{"b":[{}]}',
		['value: {"a":1}', 'value: [2]', 'value: {"b":[{}]}'],
	],
	['a byte order mark, also in the middle', '\uFEFF[1]\n\uFEFF[2]', ['value: [1]', 'value: [2]']],
	['commas between values', '{"a":1},\n{"b":2},', ['value: {"a":1}', 'value: {"b":2}']],
	['brackets and quotes inside strings', '["]\\"[", "\\\\"]', ['value: ["]\\"[", "\\\\"]']],
	['broken text before a good line', 'oops\n[1]', ['broken: oops\n', 'value: [1]']],
	['a line cut short before a good one', '[{"a":"b"\n[1]\n', ['broken: [{"a":"b"\n', 'value: [1]']],
	[
		'a line cut short that swallows a good one',
		'{"a":\n[1]\n[2]',
		['broken: {"a":\n', 'value: [1]', 'value: [2]'],
	],
	['a line break in a string', '["a\n[1]', ['broken: ["a\n', 'value: [1]']],
	['NUL bytes', '\0\0[0]\n[1]', ['broken: \0\0[0]\n', 'value: [1]']],
	['text behind a good value', '[1]x\n[2]', ['value: [1]', 'broken: x\n', 'value: [2]']],
	['a missing comma', '[1 2]\n[3]', ['broken: [1 2]\n', 'value: [3]']],
	['too deep', `${'['.repeat(maxDepth + 1)}\n[1]`, [`broken: ${'['.repeat(maxDepth + 1)}\n`, 'value: [1]']],
])('finds %s', (_, text, spans) => {
	expect(scan(text).spans).toEqual(spans);
	for (const size of [1, 2, 3]) expect(scan(text, size)).toEqual(scan(text));
});

test.each([
	[' \n', 'blank'],
	['[{"a":"b', 'unfinished'],
	['[1] {"', 'unfinished'],
	['oops', 'brokenTail'],
	['oops\n', 'brokenTail'],
])('tells what stands at the end of %j', (text, kind) => {
	expect(scan(text).rest.kind).toBe(kind);
});

test('refuses a value that is too large, and goes on behind it', () => {
	const text = `["${'x'.repeat(maxValueBytes)}"]\n[1]`;
	const { spans } = scan(text, 65_536);
	expect(spans.map((span) => span.slice(0, 7))).toEqual(['broken:', 'value: ']);
});

test('keeps the bytes of each element', () => {
	const text = '[ {"a": [1, "]"]} ,\n2,"x,\\"]" , [ ] ]';
	const decoded = decodeValue(Buffer.from(text));
	if (!('parts' in decoded)) throw new Error(decoded.problem);
	expect(decoded.parts.map(({ start, end }) => text.slice(start, end))).toEqual([
		'{"a": [1, "]"]}',
		'2',
		'"x,\\"]"',
		'[ ]',
	]);
	expect(decoded.parts.map(({ value }) => value)).toEqual(JSON.parse(text));
});

test('tells invalid UTF-8 from invalid JSON, and where a good line may begin again', () => {
	expect(decodeValue(Buffer.from([0x5b, 0x22, 0xff, 0x22, 0x5d]))).toMatchObject({
		problem: 'not valid UTF-8',
		end: 5,
	});
	expect(decodeValue(Buffer.from('[tru,\n{}]'))).toMatchObject({ end: 6 });
});
