import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { LogPieceView } from '../../../src/domain/view-schema.ts';
import { showPiece } from '../../../src/http/web/output/pieces.ts';
import { keptLines, type Line, OutputScreen } from '../../../src/http/web/output/screen.ts';
import { linesWith, markWords, nextHit } from '../../../src/http/web/output/search.ts';
import { cssOf, plain } from '../../../src/http/web/output/style.ts';

const bytes = (text: string) => new TextEncoder().encode(text);

function shown(...pieces: readonly (string | Uint8Array)[]): OutputScreen {
	const screen = new OutputScreen();
	for (const piece of pieces) screen.write('stdout', typeof piece === 'string' ? bytes(piece) : piece);
	return screen;
}

const texts = ({ lines }: { lines: readonly Line[] }) =>
	lines.map(({ spans }) => spans.map(({ text }) => text).join(''));
const spans = (...pieces: readonly string[]) => shown(...pieces).lines.flatMap((line) => line.spans);

describe('colours', () => {
	test('takes the 16, the 256 and any, also those written with colons', () => {
		const styles = spans(
			'\u001b[31mred\u001b[92mbright\u001b[38;5;208mfixed\u001b[48;2;1;2;255mown\u001b[0mplain\u001b[38:2::255:0:0mcolon',
		).map(({ style }) => style);
		expect(styles).toEqual([
			{ fg: 1 },
			{ fg: 10 },
			{ fg: 208 },
			{ fg: 208, bg: '#0102ff' },
			{},
			{ fg: '#ff0000' },
		]);
	});

	test('adds and takes away what letters can be', () => {
		const styles = spans(
			'\u001b[1;4;31ma\u001b[22mb\u001b[24;39mc\u001b[2;3;7;9md\u001b[me\u001b[4:3mf\u001b[4:0mg',
		).map(({ style }) => style);
		expect(styles).toEqual([
			{ bold: true, underline: true, fg: 1 },
			{ underline: true, fg: 1 },
			plain,
			{ dim: true, italic: true, inverse: true, strike: true },
			plain,
			{ underline: true },
			plain,
		]);
	});

	test('names a class where the theme decides, and a property where the text does', () => {
		expect(cssOf({ fg: 1, bold: true })).toEqual({ class: 'ansi-fg1 ansi-bold', style: {} });
		expect(cssOf({ fg: 208, bg: '#010203' })).toEqual({
			class: 'ansi-fg ansi-bg',
			style: { '--fg': '#ff8700', '--bg': '#010203' },
		});
		expect(cssOf({ fg: 244 }).style).toEqual({ '--fg': '#808080' });
	});
});

describe('one line', () => {
	test('shows a progress bar as a terminal would: its last state', () => {
		expect(texts(shown('10%\r20%\r\u001b[Kdone\nnext'))).toEqual(['done', 'next']);
		expect(texts(shown('[#   ]\r[##  ]\r[### ]'))).toEqual(['[### ]']);
		expect(texts(shown('a long one\rshort\u001b[K'))).toEqual(['short']);
	});

	test('goes back, to a column, and erases what it is told to', () => {
		expect(texts(shown('abcd\b\bXY'))).toEqual(['abXY']);
		expect(texts(shown('abcdef\u001b[3GX\u001b[10Gend'))).toEqual(['abXdef   end']);
		expect(texts(shown('abcdef\u001b[2D\u001b[1K'))).toEqual(['     f']);
		expect(texts(shown('abcdef\u001b[2K\rx'))).toEqual(['x']);
		expect(texts(shown('a\tb'))).toEqual(['a       b']);
	});

	test('ends at both kinds of newline, and keeps empty ones', () => {
		expect(texts(shown('a\r\n\nb\n'))).toEqual(['a', '', 'b']);
	});
});

describe('what steers', () => {
	test('is dropped whole: titles, links, cursors, charsets', () => {
		const said =
			'\u001b]0;title\u0007a\u001b]8;;http://x/\u001b\\b\u001b]8;;\u001b\\\u001b[2J\u001b[5;5Hc\u001b(Bd\u001b[?25l\u001b=e\u001bPq#\u001b\\f\u0000g';
		expect(texts(shown(said))).toEqual(['abcdefg']);
	});

	test('is written out where it turns the direction of writing, or hides', () => {
		expect(texts(shown('a\u202eb\u200bc'))).toEqual(['a\\u202eb\\u200bc']);
	});

	test('stays text where it is markup', () => {
		expect(texts(shown('<img src=x onerror=alert(1)>'))).toEqual(['<img src=x onerror=alert(1)>']);
	});

	test('swallows a bounded piece only, where it never ends', () => {
		const screen = shown(`\u001b]0;${'x'.repeat(10_000)}`, 'seen');
		expect(texts(screen).join('')).toContain('seen');
		expect(texts(shown(`\u001b[${'1;'.repeat(500)}`, 'seen')).join('')).toContain('seen');
	});
});

describe('chunks', () => {
	const word = fc.constantFrom(
		...[
			'a',
			'é',
			'船',
			'🚢',
			' ',
			'\n',
			'\r',
			'\t',
			'\b',
			'\u001b[31m',
			'\u001b[0m',
			'\u001b[K',
			'\u001b[2K',
		],
		...[
			'\u001b]0;t\u0007',
			'\u001b]8;;u\u001b\\',
			'\u001b[38;5;99m',
			'\u001b[4G',
			'\u001b[2D',
			'\u001b',
			'\u001b[',
			'\u009b1m',
		],
	);

	test('mean the same wherever they are cut, in a character or in an escape', () => {
		fc.assert(
			fc.property(
				fc.array(word, { maxLength: 40 }),
				fc.array(fc.nat(200), { maxLength: 6 }),
				(words, cuts) => {
					const all = bytes(words.join(''));
					const at = [0, ...cuts.filter((cut) => cut < all.length).sort((a, b) => a - b), all.length];
					const pieces = at.slice(1).map((end, index) => all.subarray(at[index], end));
					expect(shown(...pieces).lines).toEqual(shown(all).lines);
				},
			),
			{ numRuns: 500 },
		);
	});

	test('of both streams are told apart, each with its own style and line', () => {
		const screen = new OutputScreen();
		screen.write('stdout', bytes('\u001b[31mone '));
		screen.write('stderr', bytes('oops\n'));
		screen.write('stdout', bytes('line\n'));
		expect(screen.lines.map(({ from, spans }) => [from, spans])).toEqual([
			['stdout', [{ text: 'one line', style: { fg: 1 } }]],
			['stderr', [{ text: 'oops', style: {} }]],
		]);
	});

	test('behind a note begin anew', () => {
		const screen = shown('\u001b[1mcut');
		screen.note('100 bytes are missing');
		screen.write('stdout', bytes('rest'));
		expect(texts(screen)).toEqual(['cut', '100 bytes are missing', 'rest']);
		expect(screen.lines.at(-1)?.spans[0]?.style).toEqual(plain);
	});
});

describe('bounds', () => {
	test('keeps the last lines, and says how many are not', () => {
		const screen = new OutputScreen();
		const total = keptLines * 2 + 7;
		for (let from = 1; from <= total; from += 1000) {
			const count = Math.min(1000, total - from + 1);
			screen.write('stdout', bytes(Array.from({ length: count }, (_, i) => `line ${from + i}\n`).join('')));
		}
		expect(screen.lines.length).toBeLessThanOrEqual(keptLines);
		expect(screen.lines.length).toBeGreaterThan(keptLines / 2);
		expect(screen.total).toBe(total);
		expect(texts(screen).at(-1)).toBe(`line ${total}`);
		expect(screen.lines[0]?.number).toBe(screen.dropped + 1);
	});

	test('goes on in the next line where one has no end, and drops old ones by their weight', () => {
		const screen = new OutputScreen();
		const mega = bytes('x'.repeat(1024 * 1024));
		for (let i = 0; i < 40; i++) screen.write('stdout', mega);
		const kept = texts(screen);
		expect(Math.max(...kept.map((line) => line.length))).toBeLessThanOrEqual(8192);
		expect(kept.join('').length).toBeLessThan(17 * 1024 * 1024);
		expect(screen.dropped).toBeGreaterThan(0);
	});

	test('weighs what is hostile: endless columns, a style for each letter', () => {
		const screen = new OutputScreen();
		const wide = bytes('\u001b[9999999Gx\n'.repeat(10_000));
		const gaudy = bytes('\u001b[1ma\u001b[0mb'.repeat(50_000));
		for (let i = 0; i < 3; i++) {
			screen.write('stdout', wide);
			screen.write('stdout', gaudy);
		}
		const heavy = screen.lines.reduce(
			(sum, { spans }) => sum + spans.length * 48 + spans.reduce((all, { text }) => all + text.length, 0),
			0,
		);
		expect(heavy).toBeLessThan(17 * 1024 * 1024);
		expect(screen.dropped).toBeGreaterThan(0);
	});
});

describe('pieces', () => {
	const none = {
		handle: 'ship1.x',
		attempt: 1,
		stream: null,
		data: null,
		encoding: null,
		bytes: null,
		reason: null,
		state: null,
		complete: null,
	};
	const piece = (more: Partial<LogPieceView>): LogPieceView => ({ ...none, kind: 'chunk', ...more });

	test('are text or bytes, also where a character is cut between two', () => {
		const screen = new OutputScreen();
		const [first, second] = [bytes('船').subarray(0, 2), bytes('船').subarray(2)].map((part) =>
			Buffer.from(part).toString('base64'),
		);
		showPiece(screen, piece({ stream: 'stdout', encoding: 'utf8', data: 'a' }));
		showPiece(screen, piece({ stream: 'stdout', encoding: 'base64', data: first ?? '' }));
		showPiece(screen, piece({ stream: 'stdout', encoding: 'base64', data: second ?? '' }));
		expect(texts(screen)).toEqual(['a船']);
	});

	test('say what is missing, and why, in its place; and where the next attempt begins', () => {
		const screen = new OutputScreen();
		showPiece(screen, piece({ kind: 'attempt', attempt: 1 }));
		showPiece(screen, piece({ stream: 'stdout', encoding: 'utf8', data: 'begin' }));
		showPiece(screen, piece({ kind: 'gap', stream: 'stdout', bytes: 1500, reason: 'cut' }));
		showPiece(screen, piece({ kind: 'gap', bytes: null, reason: 'cutOff' }));
		showPiece(screen, piece({ kind: 'gap', stream: 'stderr', bytes: 3, reason: 'missing' }));
		showPiece(screen, piece({ kind: 'attempt', attempt: 2 }));
		showPiece(screen, piece({ stream: 'stdout', encoding: 'utf8', data: 'end' }));
		expect(texts(screen)).toEqual([
			'begin',
			'1.5 kB of stdout is not here: the node had no room for it',
			'Some of output may be missing here: the node died',
			'3 B of stderr is not kept any more',
			'attempt 2',
			'end',
		]);
	});
});

describe('searching', () => {
	const { lines } = shown('one \u001b[31mTw\u001b[0mo three\nnothing\ntwo two\n');

	test('finds words in both cases, also over a change of style', () => {
		expect(linesWith(lines, 'two')).toEqual([1, 3]);
		expect(linesWith(lines, '')).toEqual([]);
	});

	test('marks them, and changes nothing else', () => {
		const [first, , third] = lines;
		if (!first || !third) throw new Error('expected three lines');
		const marked = markWords(first, 'two');
		expect(marked.map(({ text, hit }) => [text, hit])).toEqual([
			['one ', false],
			['Tw', true],
			['o', true],
			[' three', false],
		]);
		expect(marked[1]?.style).toEqual({ fg: 1 });
		expect(markWords(third, 'TWO').filter(({ hit }) => hit)).toHaveLength(2);
		fc.assert(
			fc.property(
				fc.string({ unit: fc.constantFrom('a', 'B', 'İ', ' '), maxLength: 12 }),
				fc.constantFrom('a', 'ab', 'b a', 'i'),
				(text, words) => {
					const line = {
						spans: [
							{ text: text.slice(0, 5), style: plain },
							{ text: text.slice(5), style: { bold: true as const } },
						],
					};
					expect(
						markWords(line, words)
							.map((span) => span.text)
							.join(''),
					).toBe(text);
				},
			),
		);
	});

	test('goes on round the end', () => {
		expect([
			nextHit([3, 7], undefined, 1),
			nextHit([3, 7], 3, 1),
			nextHit([3, 7], 7, 1),
			nextHit([3, 7], 3, -1),
		]).toEqual([3, 7, 3, 7]);
		expect(nextHit([], 3, 1)).toBeUndefined();
	});
});
