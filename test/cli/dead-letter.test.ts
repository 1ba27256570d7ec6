import { expect, test } from 'vitest';
import { deadTable, outcomeCounts, outcomeLine, printDead } from '../../src/cli/render/dead-letter.ts';
import type { DeadLetterView } from '../../src/domain/dead-letter.ts';
import { keptScreen } from '../support/screen.ts';

const nowMs = Date.UTC(2026, 10, 22, 10, 3);
const letter: DeadLetterView = {
	...{ handle: 'ship1.a', id: 'a', node: 'ship1', kind: 'command', method: 'ping', seq: 1 },
	...{ sender: '_operator', at: '2026-11-22T10:00:00.000Z', attempts: 0, lineage: null },
	fault: { code: 'badData', message: 'no\u001b[2J such\nfile' },
	...{ message: '{"a":"\u001b[2J"}', kept: 'whole', characters: 12, replayed: null },
};

test('a letter is shown whole, and nothing in it steers the terminal', () => {
	const screen = keptScreen({ columns: 100 });
	printDead(screen, { ...letter, lineage: { kind: 'retry', of: 'ship1.first' } }, nowMs);
	expect(screen.text).toBe(
		[
			'ship1.a  badData',
			'  why       no\\u001b[2J such\\nfile',
			'  method    ping (command), from _operator',
			'  when      2026-11-22T10:00:00.000Z (3m ago)',
			'  attempts  none: it never started',
			'  lineage   retry of ship1.first',
			'  message   12 characters',
			'{"a":"\\u001b[2J"}',
			'',
		].join('\n'),
	);
});

test('says what was cut, what is gone, and what it was replayed as', () => {
	const text = (change: Partial<DeadLetterView>) => {
		const screen = keptScreen();
		printDead(screen, { ...letter, ...change }, nowMs);
		return screen.text;
	};
	expect(text({ kept: 'beginning', characters: 700_000 })).toContain(
		'700,000 characters, of which only the beginning is kept: it cannot be replayed',
	);
	expect(text({ kept: 'none', characters: null, message: null })).toMatch(/message {3}not kept\n$/);
	const replayed = { as: 'ship1.b', at: '2026-11-22T10:02:00.000Z', by: 'me' };
	expect(text({ replayed })).toContain('as ship1.b by me, 2026-11-22T10:02:00.000Z (1m ago)');
	expect(text({ attempts: 3 })).toMatch(/attempts {2}3\n/);
});

test('the table has a line for each, with why or what it was replayed as', () => {
	const replayed = { as: 'ship1.b', at: '2026-11-22T10:02:00.000Z', by: 'me' };
	expect(deadTable([letter, { ...letter, handle: 'ship1.c', replayed }], keptScreen(), nowMs)).toBe(
		[
			'WHEN    HANDLE   KIND     METHOD  CODE     ATTEMPTS  NOTE',
			'3m ago  ship1.a  command  ping    badData         0  no\\u001b[2J such\\nfile',
			'3m ago  ship1.c  command  ping    badData         0  replayed as ship1.b',
		].join('\n'),
	);
});

test('an outcome is one line, and many are counted', () => {
	const outcome = { handle: 'ship1.a', kind: 'command', method: 'ping', as: null, why: null } as const;
	const screen = keptScreen();
	expect(outcomeLine({ ...outcome, outcome: 'replayed', as: 'ship1.b' }, screen)).toBe(
		'replayed  ship1.a  as ship1.b',
	);
	expect(outcomeLine({ ...outcome, outcome: 'refused', why: 'no\nway' }, screen)).toBe(
		'not possible  ship1.a  (no\\nway)',
	);
	expect(
		outcomeCounts(
			new Map([
				['discarded', 1200],
				['notFound', 1],
			]),
		),
	).toBe('1,200 discarded, 1 not found');
});
