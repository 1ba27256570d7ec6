/**
 * Owns tables: columns aligned, and cut to the width of the terminal.
 * Promises that nothing is cut where the output goes to a file or a pipe.
 * Pure.
 */

import { oneLine } from '../../base/text.ts';
import { type Screen, type Style, truncate } from './screen.ts';

export type Column<Row> = {
	readonly title: string;
	/** Whatever it holds, it stays one line. */
	readonly cell: (row: Row) => string;
	readonly style?: (row: Row) => Style | undefined;
	readonly align?: 'right';
	/** Gives way first when the terminal is narrow. */
	readonly shrinks?: boolean;
};

const gap = '  ';
const narrowest = { shrinking: 6, other: 3 } as const;

export function table<Row>(rows: readonly Row[], columns: readonly Column<Row>[], screen: Screen): string {
	const cells = rows.map((row) => columns.map((column) => oneLine(column.cell(row))));
	const natural = columns.map(({ title }, index) =>
		Math.max(title.length, ...cells.map((line) => [...(line[index] ?? '')].length)),
	);
	const widths = fittedWidths(natural, columns, screen.columns);
	const render = (texts: readonly string[], styleOf: (index: number) => Style | undefined) =>
		columns
			.map((column, index) => {
				const width = widths[index] ?? 0;
				const text = truncate(texts[index] ?? '', width);
				const padding = ' '.repeat(Math.max(0, width - [...text].length));
				const last = index === columns.length - 1;
				const painted = screen.paint(styleOf(index), text);
				if (column.align === 'right') return padding + painted;
				return last ? painted : painted + padding;
			})
			.join(gap)
			.trimEnd();
	const head = render(
		columns.map(({ title }) => title),
		() => 'dim',
	);
	const body = cells.map((texts, row) =>
		render(texts, (index) => {
			const original = rows[row];
			return original === undefined ? undefined : columns[index]?.style?.(original);
		}),
	);
	return [head, ...body].join('\n');
}

/** Takes from the widest of the columns that may shrink, then from the widest of all. */
function fittedWidths(
	natural: readonly number[],
	columns: readonly Column<never>[],
	total: number,
): number[] {
	const widths = [...natural];
	const room = total - gap.length * (columns.length - 1);
	let excess = widths.reduce((sum, width) => sum + width, 0) - room;
	for (const pass of ['shrinking', 'other'] as const) {
		while (excess > 0) {
			const candidates = widths
				.map((width, index) => ({ width, index }))
				.filter(
					({ width, index }) => width > narrowest[pass] && (pass === 'other' || columns[index]?.shrinks),
				)
				.sort((a, b) => b.width - a.width);
			const widest = candidates[0];
			if (!widest) break;
			widths[widest.index] = widest.width - 1;
			excess -= 1;
		}
	}
	return widths;
}

/** A fact of a thing that is shown in full, under its name: one line, or none where nothing is known. */
export function printFact(screen: Screen, name: string, text: string | null | undefined | false): void {
	if (text) screen.line(`  ${screen.paint('dim', name.padEnd(9))} ${text.replaceAll('\n', '\\n')}`);
}
