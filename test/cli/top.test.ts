import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { otherLines, topList, topPicture } from '../../src/cli/render/top.ts';
import { fitted, pressed, sorts, type TopState, topState, withRows } from '../../src/cli/render/top-state.ts';
import { keysIn, terminalOn } from '../../src/cli/terminal.ts';
import type { NodeRow, Totals } from '../../src/domain/row-schema.ts';
import { commandStates } from '../../src/domain/state.ts';
import { keptScreen } from '../support/screen.ts';

const now = Date.parse('2026-11-23T12:00:00Z');
const before = (ms: number) => new Date(now - ms).toISOString();
const hour = 3_600_000;

const row = (node: string, more: Partial<NodeRow> = {}): NodeRow => ({
	...{
		node,
		presence: 'present',
		since: null,
		version: '0.1.0',
		labels: {},
		queued: 0,
		oldestQueuedAt: null,
	},
	...{
		running: 0,
		failing: 0,
		clockOffsetMs: 3,
		outbox: 0,
		paused: false,
		conflict: false,
		decommissioned: false,
	},
	...more,
});
const counts = Object.fromEntries(commandStates.map((state) => [state, 0])) as Totals['commands'];
const totals: Totals = {
	nodes: { known: 3, present: 2, absent: 1, never: 0, unknown: 0 },
	commands: { ...counts, queued: 1234, running: 1, succeeded: 20_000, failed: 7, lost: 1 },
	oldestQueuedAt: before(50 * hour),
};
const three = [
	row('ship1', { running: 1, labels: { role: 'tug', port: 'hamburg' } }),
	row('ship2', {
		presence: 'absent',
		since: before(3 * hour),
		queued: 1234,
		oldestQueuedAt: before(50 * hour),
		clockOffsetMs: -95_000,
	}),
	row('ship3', { failing: 8, paused: true }),
];
const paint = (_style: unknown, text: string) => text;
const look = { columns: 120, height: 5, now, paint, lost: undefined };
const start = (rows: readonly NodeRow[] = three) =>
	withRows(topState({ sort: 'queued', where: {} }), rows, totals);
const names = ({ shown }: TopState) => shown.map(({ node }) => node);
const press = (state: TopState, keys: readonly string[], height = 5) =>
	keys.reduce<TopState>((last, key) => {
		const next = pressed(last, key, height);
		if (next === 'quit') throw new Error('it quit');
		return next;
	}, state);

describe('the picture', () => {
	test('sums, nodes with most at the top, and what the keys do', () => {
		expect(topPicture(start(), look)).toEqual([
			'3 nodes: 2 present, 1 absent   queued 1,234 (oldest 2d)   running 1   succeeded 20,000   failed 8',
			'',
			'  NODE   PRESENCE         QUEUED▾    OLDEST  RUNNING   FAILED     CLOCK   OUTBOX  VERSION     LABELS',
			'› ship2  absent 3h          1,234        2d        ·        ·       +1m        ·  0.1.0',
			'  ship1  present                ·                  1        ·        ok        ·  0.1.0       role=tug port=hamburg',
			'  ship3  paused                 ·                  ·        8        ok        ·  0.1.0',
			'',
			'',
			'q quit   s sort (queued)   / find   ↑↓ move',
		]);
	});

	test('fits every width, and steers nothing whatever a node is called', () => {
		const hostile = [
			row('ship\u001b[2J1', { labels: { a: '\u202eevil', b: 'x'.repeat(300) }, version: '\u009b31m' }),
		];
		for (const columns of [20, 40, 60, 79, 80, 100, 200]) {
			for (const rows of [three, hostile, []]) {
				const lines = topPicture(start(rows), { ...look, columns });
				expect(lines.length).toBe(5 + otherLines);
				for (const line of lines) {
					expect([...line].length).toBeLessThanOrEqual(columns);
					expect(line).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e]/);
				}
			}
		}
	});

	test('says since when nothing is heard, and which nodes are looked for', () => {
		const lost = { since: now - 72_000, why: 'the broker does not answer' };
		expect(topPicture(start(), { ...look, lost })[1]).toBe('lost for 1m: the broker does not answer');
		const looking = press(start(), ['/', 't', 'u', 'g']);
		expect(topPicture(looking, look)[1]).toBe('/tug▏  Enter keeps, Esc shows all');
		expect(topPicture(press(looking, ['enter']), look)[1]).toBe('/tug   1 of 3 nodes');
		expect(topPicture(press(looking, ['x']), look)[3]).toBe('  no node matches: Esc shows all');
	});

	test('for a script there is a line for every node, and no mark', () => {
		const many = Array.from({ length: 50 }, (_, n) => row(`ship${n}`));
		const lines = topList(start(many), {
			...look,
			columns: Number.POSITIVE_INFINITY,
			height: Number.POSITIVE_INFINITY,
		});
		expect(lines.length).toBe(52);
		expect(lines.join('\n')).not.toContain('›');
	});
});

describe('the keys', () => {
	test('s sorts by the next column, what asks for attention first', () => {
		const orders = sorts.map((_, times) =>
			names(
				press(
					start(),
					Array.from({ length: times }, () => 's'),
				),
			).join(' '),
		);
		expect(orders).toEqual([
			'ship2 ship1 ship3',
			'ship2 ship1 ship3',
			'ship1 ship2 ship3',
			'ship3 ship1 ship2',
			'ship2 ship1 ship3',
			'ship1 ship2 ship3',
		]);
	});

	test('/ looks for names and labels, letters that are keys included; escape shows all', () => {
		expect(names(press(start(), ['/', 'p', 'o', 'r', 't', '=']))).toEqual(['ship1']);
		expect(names(press(start(), ['/', 'q', 's', 'backspace', 'backspace', '3', 'enter']))).toEqual(['ship3']);
		expect(names(press(start(), ['/', '3', 'enter', 'escape'])).length).toBe(3);
		expect(pressed(press(start(), ['/', 'q']), 'interrupt', 5)).toBe('quit');
		expect(pressed(start(), 'q', 5)).toBe('quit');
	});

	test('the mark stays on its node when the order changes, and at the top when it was never moved', () => {
		const moved = press(start(), ['j']);
		expect(moved.marked).toBe('ship1');
		const [one, two, three_] = three;
		const others = [{ ...one, queued: 9999 }, two, three_].filter(
			(each): each is NodeRow => each?.node !== undefined,
		);
		expect(withRows(moved, others, totals).marked).toBe('ship1');
		expect(withRows(start(), others, totals).marked).toBe('ship1');
		expect(withRows(press(start(), ['G']), others, totals).marked).toBe('ship3');
	});

	test('wherever it is moved, on whatever screen, the mark can be seen', () => {
		const many = Array.from({ length: 30 }, (_, n) => row(`ship${String(n).padStart(2, '0')}`));
		const keys = fc.constantFrom('j', 'k', 'up', 'down', 'pageup', 'pagedown', 'g', 'G', 's');
		fc.assert(
			fc.property(fc.array(fc.tuple(keys, fc.integer({ min: 1, max: 40 })), { maxLength: 20 }), (steps) => {
				let state = start(many);
				for (const [key, height] of steps) {
					const next = pressed(state, key, height);
					if (next === 'quit') return;
					state = fitted(next, height);
					const place = state.shown.findIndex(({ node }) => node === state.marked);
					expect(place).toBeGreaterThanOrEqual(state.from);
					expect(place).toBeLessThan(state.from + height);
					expect(state.from + Math.min(height, many.length)).toBeLessThanOrEqual(many.length);
				}
			}),
		);
	});
});

describe('the terminal', () => {
	test('tells keys from what comes at once, and nothing of sequences that nobody knows', () => {
		expect(keysIn('jk\u001b[A\u001bOB\u001b[6~q')).toEqual(['j', 'k', 'up', 'down', 'pagedown', 'q']);
		expect(keysIn('\u001b[1;5C\u001b[<0;1;1M\u0001ä\r\u007f\u0003')).toEqual([
			'ä',
			'enter',
			'backspace',
			'interrupt',
		]);
		expect(keysIn('\u001b')).toEqual(['escape']);
	});

	test('is given back once, when it is closed or when the process ends', () => {
		for (const how of ['close', 'exit'] as const) {
			const screen = keptScreen();
			const raw: boolean[] = [];
			const listeners = new Set<unknown>();
			const stream = {
				setRawMode: (isRaw: boolean) => raw.push(isRaw),
				resume: () => undefined,
				pause: () => undefined,
				on: (_event: string, listener: unknown) => listeners.add(listener),
				off: (_event: string, listener: unknown) => listeners.delete(listener),
				write: (text: string) => screen.raw(text),
			};
			let exit: () => void = () => undefined;
			const terminal = terminalOn(stream, stream, (listener) => {
				exit = listener;
				return () => undefined;
			});
			expect(terminal.size()).toEqual({ columns: 80, rows: 24 });
			const close = terminal.open({ key: () => undefined, resize: () => undefined });
			expect(listeners.size).toBe(2);
			if (how === 'exit') exit();
			close();
			close();
			expect(raw).toEqual([true, false]);
			expect(listeners.size).toBe(0);
			expect(screen.text.match(/\u001b\[\?1049[hl]/g)).toEqual(['\u001b[?1049h', '\u001b[?1049l']);
			expect(screen.text.endsWith('\u001b[?25h\u001b[?1049l')).toBe(true);
		}
	});
});

test('a list looks at each node a few times, however many there are', () => {
	let looks = 0;
	const rows = Array.from({ length: 500 }, (_, number) =>
		Object.defineProperty(row(''), 'node', {
			enumerable: true,
			get() {
				looks += 1;
				return `ship${number}`;
			},
		}),
	);
	const state = { ...topState({ sort: 'node', where: {} }), rows, shown: rows };
	const paint = (_style: unknown, text: string) => text;
	const endless = { height: Number.POSITIVE_INFINITY, columns: 120, now, paint, lost: undefined };
	expect(topList(state, endless)).toHaveLength(502);
	expect(looks).toBeLessThan(5 * rows.length);
});
