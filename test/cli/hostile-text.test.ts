import { expect, test } from 'vitest';
import { neutralise } from '../../src/base/text.ts';
import { LogPrinter } from '../../src/cli/render/log.ts';
import { nodeTable, printNode } from '../../src/cli/render/node.ts';
import { printOutput } from '../../src/cli/render/output.ts';
import type { NodeView } from '../../src/domain/view.ts';
import { keptScreen } from '../support/screen.ts';

/** What terminals obey, as bytes that a command could print or a node could say. */
const attacks = {
	'OSC 52: the clipboard': '\u001b]52;c;Y3VybCBldmlsIHwgc2g=\u0007',
	'OSC 0: the title': '\u001b]0;root@central\u0007',
	'OSC 8: a link': '\u001b]8;;http://127.0.0.1/\u001b\\harmless\u001b]8;;\u001b\\',
	'cursor up, over what was printed': '\u001b[2A\u001b[2Kship1  present',
	'clear and home': '\u001b[2J\u001b[H',
	'DCS, and the answer that a terminal types': '\u001bP$q"p\u001b\\\u001b[6n',
	'C1 CSI': '\u009b31m',
	'C1 OSC': '\u009d0;title\u009c',
	'carriage return': 'failed\rsucceeded',
	backspaces: 'rm -rf /\b\b\b\b\b\b\b\bls',
	'DEL and NUL': '\u007f\u0000',
	'right to left': 'ship\u202e1pihs\u202c',
	isolates: '\u2067abc\u2069\u061c',
	'line separators': 'a\u2028b\u2029c\u0085d',
	'hidden characters': 'a\u200bb\u2060c\ufeff\u{e0041}',
} as const;

/** The test's own words for what may not come through, apart from the product's. */
function steers(text: string): boolean {
	const allowed = new Set(['\n', '\t']);
	return [...text].some((character) => {
		const code = character.codePointAt(0) ?? 0;
		if (allowed.has(character)) return false;
		if (code < 0x20 || (code >= 0x7f && code <= 0x9f)) return true;
		return (
			/[\p{Bidi_Control}\p{Zl}\p{Zp}]/u.test(character) || [0x200b, 0x2060, 0xfeff, 0xe0041].includes(code)
		);
	});
}

for (const [name, attack] of Object.entries(attacks)) {
	test(`${name}: control: a raw screen hands it on`, () => {
		const screen = keptScreen({ columns: 200 });
		printOutput(screen, summaryOf(attack), true);
		expect(steers(screen.text)).toBe(true);
		expect(screen.text).toContain(attack);
	});

	test(`${name}: a terminal is not steered by output, in one piece or byte by byte`, async () => {
		const whole = keptScreen({ columns: 200 });
		printOutput(whole, summaryOf(attack));
		expect(steers(whole.text)).toBe(false);
		const stdout = keptScreen({ columns: 200 });
		const printer = new LogPrinter({ stdout, stderr: keptScreen(), program: 'steward', handle: 'ship1.a' });
		for (const byte of Buffer.from(attack)) {
			await printer.print({ kind: 'chunk', attempt: 1, stream: 'stdout', data: Uint8Array.of(byte) });
		}
		await printer.print({ kind: 'end', attempt: 1, state: 'succeeded', complete: true });
		expect(steers(stdout.text)).toBe(false);
		expect(stdout.text).not.toBe('');
	});

	test(`${name}: whatever a node says of itself stays one line of each table, also in a pipe`, () => {
		const text = `${attack}\nship2  present`;
		const view = nodeViewOf(text);
		for (const screen of [
			keptScreen(),
			keptScreen({ columns: 200 }),
			keptScreen({ columns: 200, env: { TERM: 'xterm' } }),
		]) {
			screen.line(nodeTable([view, view], screen, 0));
			expect(withoutColours(screen.text).split('\n')).toHaveLength(4);
			printNode(screen, view, 0);
			screen.status(text);
			screen.line(attack);
			expect(steers(withoutColours(screen.text))).toBe(false);
			expect(screen.text).not.toContain('\nship2');
		}
	});

	test(`${name}: JSON stays JSON`, () => {
		const screen = keptScreen();
		screen.line(JSON.stringify({ text: attack }));
		expect(steers(screen.text)).toBe(false);
		expect(JSON.parse(screen.text)).toEqual({ text: attack });
	});
}

test('any control there is, in any place, is made visible, and nothing else is changed', () => {
	for (let code = 0; code <= 0x2fff; code += 1) {
		const character = String.fromCharCode(code);
		const shown = neutralise(`a${character}b`);
		expect(steers(shown)).toBe(false);
		if (!steers(character) && shown !== `a${character}b`) expect(/\p{Cf}|\p{Cn}/u.test(character)).toBe(true);
	}
	expect(neutralise('naïve 日本 👩‍🚀 שלום\tx\n')).toBe('naïve 日本 👩‍🚀 שלום\tx\n');
});

function summaryOf(text: string) {
	const bytes = Buffer.byteLength(text);
	return { head: text, tail: '', bytes, sha256: 'abc', encoding: 'utf8' as const, cut: 0 };
}

/** A node that says `text` wherever it can. */
function nodeViewOf(text: string): NodeView {
	const at = '2026-01-01T00:00:00.000Z';
	const pause = { kind: 'pause' as const, by: text, reason: text, since: at };
	return {
		node: 'ship1',
		presence: 'present',
		since: null,
		lastSeenAt: at,
		version: text,
		labels: { role: text, [text]: 'x' },
		platform: { os: text, arch: text, runtime: text, hostname: text },
		startedAt: at,
		clockOffsetMs: 0,
		methods: [{ name: text, kind: 'command', data: {}, description: text }],
		lanes: [{ lane: 'normal', capacity: 1, running: 0, status: 'paused', pause }],
		stopped: [{ ...pause, kind: 'stop', method: text }],
		running: [
			{ handle: `ship1.${text}`, method: text, lane: 'normal', startedAt: at, attempt: 1, runForMs: null },
		],
		trust: null,
		access: null,
		unreported: [`ship1.${text}`],
		queued: 0,
		outbox: 0,
		conflict: null,
		decommissioned: { by: text, reason: text, at, settledAt: null, cancelled: 0, lost: 0 },
		queueFull: { limit: 1, since: at },
		loud: { perSecond: 1, at },
	};
}

/** The colours that are painted on purpose, and the clearing of a status line. */
function withoutColours(text: string): string {
	return text.replace(/\u001b\[(?:1|2|22|31|32|33|36|39)m|\r\u001b\[2K/g, '');
}
