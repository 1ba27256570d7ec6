import { expect, test } from 'vitest';
import { type Column, table } from '../../src/cli/render/table.ts';
import { keptScreen } from '../support/screen.ts';

type Row = { name: string; count: number; note: string };
const columns: Column<Row>[] = [
	{ title: 'NAME', cell: ({ name }) => name },
	{ title: 'COUNT', cell: ({ count }) => String(count), align: 'right' },
	{ title: 'NOTE', cell: ({ note }) => note, shrinks: true, style: () => 'green' },
];
const rows: Row[] = [
	{ name: 'ship1', count: 3, note: 'a note that is rather long' },
	{ name: 'a-ship-with-a-name', count: 12_345, note: '' },
];

test('columns are aligned, and nothing is cut where nobody looks', () => {
	expect(table(rows, columns, keptScreen()).split('\n')).toEqual([
		'NAME                COUNT  NOTE',
		'ship1                   3  a note that is rather long',
		'a-ship-with-a-name  12345',
	]);
});

test('every line fits the terminal: columns that may shrink give way first', () => {
	for (const width of [60, 40, 34, 20, 14]) {
		const lines = table(rows, columns, keptScreen({ columns: width })).split('\n');
		for (const line of lines) expect([...line].length).toBeLessThanOrEqual(width);
	}
	expect(table(rows, columns, keptScreen({ columns: 40 }))).toContain('a-ship-with-a-name  12345');
	expect(table(rows, columns, keptScreen({ columns: 40 }))).toContain('a note that …');
});

test('colours do not count as width', () => {
	const plain = table(rows, columns, keptScreen({ columns: 50 }));
	const painted = table(rows, columns, keptScreen({ columns: 50, env: {} }));
	expect(painted).not.toBe(plain);
	expect(painted.replace(/\u001b\[\d+m/g, '')).toBe(plain);
});

test('whatever a cell holds, it stays one line', () => {
	const rows = [{ text: 'warm\nship2  present\u001b[A' }];
	const text = table(rows, [{ title: 'TEXT', cell: (row) => row.text }], keptScreen());
	expect(text.split('\n')).toEqual(['TEXT', 'warm\\nship2  present\\u001b[A']);
});
