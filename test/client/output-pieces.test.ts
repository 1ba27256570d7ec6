import { describe, expect, test } from 'vitest';
import { type OutputPiece, OutputPieces } from '../../src/client/output-pieces.ts';
import type { OutputChunk, OutputStream } from '../../src/domain/output.ts';

const data = (number: number, offset: number, text: string, stream: OutputStream = 'stdout', attempt = 1) =>
	({ attempt, number, kind: 'data', stream, offset, data: Buffer.from(text) }) satisfies OutputChunk;
const cut = (number: number, offset: number, bytes: number, attempt = 1) =>
	({ attempt, number, kind: 'cut', stream: 'stdout', offset, bytes }) satisfies OutputChunk;
const end = (number: number, stdout: number, stderr = 0, how: 'ended' | 'cutOff' = 'ended', attempt = 1) =>
	({ attempt, number, kind: 'end', how, totals: { stdout, stderr } }) satisfies OutputChunk;

/** What is given, in short, and at the end with what `finish` adds. */
function told(chunks: readonly OutputChunk[], totals?: { stdout?: number; stderr?: number }): string[] {
	const pieces = new OutputPieces();
	const given = [...chunks.flatMap((chunk) => pieces.take(chunk)), ...pieces.finish(totals)];
	return given.map(brief);
}

function brief(piece: OutputPiece): string {
	if (piece.kind === 'attempt') return `attempt ${piece.attempt}`;
	if (piece.kind === 'gap') return `${piece.reason} ${piece.stream} ${piece.bytes}`;
	return `${piece.stream} ${Buffer.from(piece.data)}`;
}

describe('chunks in order', () => {
	test('are given as they come, both streams', () => {
		const chunks = [data(1, 0, 'a'), data(2, 0, 'x', 'stderr'), data(3, 1, 'b'), end(4, 2, 1)];
		expect(told(chunks)).toEqual(['attempt 1', 'stdout a', 'stderr x', 'stdout b']);
	});

	test('a repeat gives nothing, whole or in part, also with other borders', () => {
		const chunks = [data(1, 0, 'abc'), data(1, 0, 'abc'), data(2, 1, 'bcde'), end(3, 5), end(3, 5)];
		expect(told(chunks)).toEqual(['attempt 1', 'stdout abc', 'stdout de']);
	});

	test('what overtook waits for what is late', () => {
		expect(told([data(3, 2, 'c'), data(1, 0, 'a'), data(2, 1, 'b'), end(4, 3)])).toEqual([
			'attempt 1',
			'stdout a',
			'stdout b',
			'stdout c',
		]);
	});
});

describe('gaps', () => {
	test('a chunk that is missing is told with its bytes, where its stream goes on', () => {
		expect(told([data(1, 0, 'a'), data(3, 5, 'b'), end(4, 6)])).toEqual([
			'attempt 1',
			'stdout a',
			'missing stdout 4',
			'stdout b',
		]);
	});

	test('a beginning that is gone is told for each stream', () => {
		expect(told([data(9, 70, 'a'), data(10, 8, 'x', 'stderr'), end(11, 71, 9)])).toEqual([
			'attempt 1',
			'missing stdout 70',
			'stdout a',
			'missing stderr 8',
			'stderr x',
		]);
	});

	test('what the other stream lost shows at its next chunk, or at the end, and once', () => {
		expect(told([data(1, 0, 'a'), data(3, 1, 'b'), end(4, 2, 7)])).toEqual([
			'attempt 1',
			'stdout a',
			'stdout b',
			'missing stderr 7',
		]);
	});

	test('without an end, a number that is missing is told all the same', () => {
		expect(told([data(1, 0, 'a'), data(3, 1, 'b')])).toEqual([
			'attempt 1',
			'stdout a',
			'stdout b',
			'missing null null',
		]);
		expect(told([data(1, 0, 'a'), data(3, 1, 'b')], { stdout: 5, stderr: 3 })).toEqual([
			'attempt 1',
			'stdout a',
			'stdout b',
			'missing stdout 3',
			'missing stderr 3',
		]);
	});

	test('a mark of the node says how much it cut; without the mark the bytes are missing', () => {
		expect(told([data(1, 0, 'a'), cut(2, 1, 10), data(3, 11, 'b'), end(4, 12)])).toEqual([
			'attempt 1',
			'stdout a',
			'cut stdout 10',
			'stdout b',
		]);
		expect(told([data(1, 0, 'a'), data(3, 11, 'b'), end(4, 12)])).toContain('missing stdout 10');
		expect(told([cut(2, 1, 10), cut(2, 1, 10), end(3, 11)])).toEqual([
			'attempt 1',
			'missing stdout 1',
			'cut stdout 10',
		]);
	});

	test('an attempt that was cut off says so, after what is missing', () => {
		expect(told([data(1, 0, 'a'), end(2, 3, 0, 'cutOff')])).toEqual([
			'attempt 1',
			'stdout a',
			'missing stdout 2',
			'cutOff null null',
		]);
	});

	test('an attempt without its end, when the next begins, is told; what is late of it is dropped', () => {
		const chunks = [
			data(1, 0, 'a'),
			data(1, 0, 'b', 'stdout', 2),
			data(2, 1, 'late'),
			end(2, 1, 0, 'ended', 2),
		];
		expect(told(chunks)).toEqual(['attempt 1', 'stdout a', 'missing null null', 'attempt 2', 'stdout b']);
	});
});

test('what is held back for a late one is bounded', () => {
	const pieces = new OutputPieces();
	const bytes = Buffer.alloc(65_536);
	const given: number[] = [];
	for (let n = 2; n < 200; n++) {
		const taken = pieces.take({ ...data(n, (n - 1) * bytes.length, ''), data: bytes });
		given.push(...taken.filter(({ kind }) => kind === 'chunk').map(() => n));
	}
	// 4 MiB are 64 chunks.
	expect(given[0]).toBeLessThan(70);
	expect(given).toHaveLength(198);
});
