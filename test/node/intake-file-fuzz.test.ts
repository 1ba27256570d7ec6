/**
 * What people and programs may append to inmsg.txt: good messages, damaged ones, garbage, cut anywhere.
 * Each property knows which messages are good, because it made them; a failure prints the seed and the smallest text.
 */

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { test } from 'vitest';
import { parseMessage } from '../../src/domain/message.ts';
import { maxDepth, type Rest, type Span, ValueScanner } from '../../src/node/intake/intake-file-parser.ts';
import { decodeValue } from '../../src/node/intake/intake-file-value.ts';
import { attempt, fuzz, fuzzTimeoutMs } from '../support/fuzz.ts';

const bytesOf = (text: string) => new TextEncoder().encode(text);

/** What a piece of a file is: the numbers of the good messages in it, and whether anything in it is bad. */
type Piece = { readonly bytes: Uint8Array; readonly good: number; readonly isBad: boolean };

/** Text whose strings hold what looks like the ends of values. */
const trickyText = fc.oneof(
	fc.string({ maxLength: 8, unit: 'grapheme' }),
	fc.constantFrom('"', '\\', '\n{', '\n[', ']}', '{"toNode":', '\uFEFF', ',', '\u2028', '\ud800'),
);
const blank = fc.constantFrom('', ' ', '\t', '\r\n', '\n', '\n\n', ',', ',\n', '\uFEFF', '\n\uFEFF');

const numbered = (text: string) =>
	JSON.stringify({ toNode: 'ship1', method: 'm', kind: 'command', data: [text] });
/** A good message; duplicate keys and huge numbers are good JSON. */
const goodText = fc.oneof(
	trickyText.map(numbered),
	trickyText.map((text) => numbered(text).replace('"kind"', '\n "kind"')),
	fc.constant('{"toNode":"x","toNode":"ship1","method":"m","kind":"command","data":{"a":1,"a":2}}'),
	fc.constant('{"toNode":"ship1","method":"m","kind":"event","data":1e308}'),
	fc.constant('{"toNode":"ship1","method":"m","kind":"event","data":-123456789012345678901234567890.5e-10}'),
	fc.constant('{"toNode":"ship1","method":"m","kind":"event","data":[[],{"a":[{}]},"]","}"]}'),
);
/** Balanced JSON that is no message. */
const badValue = fc.constantFrom(
	...['{}', '{"toNode":"ship1"}', '{"toNode":"*","method":"m","kind":"command"}', '{"toNode":1}', '{"a":{}}'],
	...['{"toNode":"ship1","method":"m","kind":"command","data":1e999}', '{"__proto__":{"toNode":"ship1"}}'],
);
/** What stands alone on its line and is no JSON. The next line that begins with a bracket is read again. */
const garbage = fc
	.oneof(
		fc.constantFrom(
			'oops',
			'"text"',
			'42',
			'null',
			'{oops',
			'[1 2]',
			'{"a" 1}',
			'{,}',
			'[tru]',
			'{"a":"\t"}',
		),
		fc.constantFrom(
			'['.repeat(maxDepth + 1),
			'{"a":'.repeat(maxDepth + 1),
			'[[[',
			'{"a":[',
			'{"a":"b',
			'["\\',
			'{"a":"',
		),
		goodText
			.map((text) => text.split('\n').join(' '))
			.chain((text) =>
				fc.integer({ min: 1, max: Math.max(1, text.length - 1) }).map((cut) => text.slice(0, cut)),
			),
	)
	.map(bytesOf);
/** Only first in a file: after what is open it would close it, and what lies between is then one whole value. */
const closer = fc
	.constantFrom('', '}\n', ']\n', '}}]\n')
	.map((text): Piece => ({ bytes: bytesOf(text), good: 0, isBad: text !== '' }));
const invalidUtf8 = fc
	.constantFrom([0xff], [0xc3, 0x28], [0xe2, 0x82], [0xf8, 0x88, 0x80, 0x80, 0x80], [0xed, 0xa0, 0x80])
	.map((broken) => Uint8Array.from([...bytesOf('{"a":"'), ...broken, ...bytesOf('"}')]));

const goodPiece = fc
	.tuple(
		fc.constantFrom('', '\n', '\r\n', ',\n', ' \n'),
		fc.array(goodText, { minLength: 1, maxLength: 3 }),
		fc.boolean(),
		blank,
	)
	.map(([before, texts, isArray, after]): Piece => {
		const body = isArray ? `[${texts.join(' , ')}]` : texts.join('\n');
		return {
			bytes: bytesOf(`\n${before}${body}${after}`),
			good: texts.length,
			isBad: false,
		};
	});
/** A bad element costs none of its neighbours. */
const mixedPiece = fc.tuple(goodText, badValue, goodText).map(
	([first, bad, last]): Piece => ({
		bytes: bytesOf(`\n[${first},${bad},\t${last}]`),
		good: 2,
		isBad: true,
	}),
);
const badPiece = fc
	.oneof(garbage, invalidUtf8, badValue.map(bytesOf))
	.map((bytes): Piece => ({ bytes: Uint8Array.from([0x0a, ...bytes, 0x0a]), good: 0, isBad: true }));

type Read = {
	readonly good: unknown[];
	readonly bad: string[];
	readonly covered: [number, number][];
	readonly rest: Rest;
};

/** Reads as the walk over a taken file does, fed in pieces that end at `cuts`. */
function readAll(bytes: Uint8Array, cuts: readonly number[]): Read {
	const good: unknown[] = [];
	const bad: string[] = [];
	const covered: [number, number][] = [];
	for (let from = 0; ; ) {
		const scanner = new ValueScanner(from);
		let span: Span | undefined;
		for (let at = from; at < bytes.length && !span; ) {
			const end = cuts.find((cut) => cut > at) ?? bytes.length;
			span = scanner.feed(bytes.subarray(at, end));
			at = end;
		}
		let rest = scanner.rest();
		if (!span && rest.kind !== 'blank') {
			// Nothing more will come.
			const end = rest.kind === 'unfinished' ? (rest.resume ?? bytes.length) : bytes.length;
			span = { kind: 'broken', start: rest.start, end, problem: 'the value has no end' };
			rest = { kind: 'blank', start: end };
		}
		if (!span) return { good, bad, covered, rest };
		let { end } = span;
		if (span.kind === 'broken') bad.push(span.problem);
		else {
			const decoded = decodeValue(bytes.subarray(span.start, span.end));
			if ('problem' in decoded) {
				end = span.start + decoded.end;
				bad.push(decoded.problem);
			} else {
				for (const part of decoded.parts) {
					const text = bytes.subarray(span.start + part.start, span.start + part.end);
					assert.deepEqual(JSON.parse(new TextDecoder().decode(text)), part.value);
					const message = attempt(() => parseMessage(part.value));
					if (message) good.push(part.value);
					else bad.push('no message');
				}
			}
		}
		assert.ok(end > span.start);
		covered.push([span.start, end]);
		from = end;
	}
}

test(
	'every good message of a file comes out once and in order, whatever stands beside it; all that is bad is told',
	() => {
		const piece = fc.oneof({ weight: 3, arbitrary: goodPiece }, mixedPiece, {
			weight: 2,
			arbitrary: badPiece,
		});
		fc.assert(
			fc.property(
				closer,
				fc.array(piece, { maxLength: 8 }),
				fc.array(fc.nat(400), { maxLength: 6 }),
				(first, others, cuts) => {
					const pieces = [first, ...others];
					const bytes = Buffer.concat(pieces.map((one) => one.bytes));
					const ordered = cuts.toSorted((a, b) => a - b);
					const read = readAll(bytes, ordered);
					const expected = pieces.flatMap((one) => readAll(one.bytes, []).good);
					assert.equal(
						expected.length,
						pieces.reduce((sum, { good }) => sum + good, 0),
					);
					assert.deepEqual(read.good, expected);
					assert.equal(
						read.bad.length > 0,
						pieces.some(({ isBad }) => isBad),
					);
					assert.match(skipped(bytes, read.covered), /^[\s,\uFEFF]*$/);
					// Where it is cut between two passes makes no difference.
					assert.deepEqual(read, readAll(bytes, []));
				},
			),
			fuzz,
		);
	},
	fuzzTimeoutMs,
);

test(
	'any bytes at all are read to their end, and none is skipped that is not blank',
	() => {
		const pieces = fc.oneof(
			fc.uint8Array({ maxLength: 12 }),
			fc.constantFrom(...'[]{}",:\\\n \uFEFF'.split('')).map(bytesOf),
			fc.oneof(goodText, badValue).map(bytesOf),
		);
		fc.assert(
			fc.property(
				fc.array(pieces, { maxLength: 12 }),
				fc.array(fc.nat(100), { maxLength: 4 }),
				(some, cuts) => {
					const bytes = Buffer.concat(some);
					const read = readAll(
						bytes,
						cuts.toSorted((a, b) => a - b),
					);
					assert.match(skipped(bytes, read.covered), /^[\s,\uFEFF]*$/);
					assert.deepEqual(read, readAll(bytes, []));
				},
			),
			fuzz,
		);
	},
	fuzzTimeoutMs,
);

/** The bytes between the spans, as text. */
function skipped(bytes: Uint8Array, covered: readonly [number, number][]): string {
	let from = 0;
	const between: Uint8Array[] = [];
	for (const [start, end] of covered) {
		assert.ok(start >= from);
		between.push(bytes.subarray(from, start));
		from = end;
	}
	between.push(bytes.subarray(from));
	return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.concat(between));
}
