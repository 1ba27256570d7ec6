/**
 * Owns tables: rows of one height of which only those are made that are seen, a head that stays, columns that sort, and a place that
 * the keys move.
 * Promises that ten thousand rows cost as much as forty, and that a row which did not change is not made again.
 * Keeps where it was scrolled to and which row is active; both die with the page.
 */

import { useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useEffect, useLayoutEffect, useMemo, useRef } from 'preact/hooks';
import { useKeys } from '../keys.ts';
import { navigate } from '../route.tsx';
import type { Column, Sort } from './columns.ts';
import { Icon } from './icon.tsx';
import { isMiddling, isNarrow } from './narrow.ts';
import { TableRow } from './table-row.tsx';

type Selection = {
	readonly keys: ReadonlySet<string>;
	readonly onChange: (keys: ReadonlySet<string>) => void;
};

export type TableProps<Row> = {
	/** Read out as the name of the table. */
	label: string;
	rows: readonly Row[];
	columns: readonly Column<Row>[];
	keyOf: (row: Row) => string;
	/** Where Enter and a click lead. */
	hrefOf?: (row: Row) => string;
	sort?: Sort;
	onSort?: (sort: Sort) => void;
	selection?: Selection;
	/** Name under which its place is remembered, for whoever comes back. */
	remember?: string;
	/** A row that changed is lit for a moment. */
	flash?: boolean;
	/** Called when the end is near: more may be loaded. */
	onEnd?: () => void;
	/** Called with the first row that is seen. */
	onScroll?: (first: number) => void;
	/** Stands in the place of rows where there is none. */
	children?: ComponentChildren;
	/** Stands below the last row. */
	foot?: ComponentChildren;
};

const places = new Map<string, { top: number; active: string | undefined }>();
const wideRow = 34;
const narrowRow = 52;
const headRow = 32;
/** Beyond what is seen, on each side. */
const spare = 8;

export function Table<Row>(props: TableProps<Row>) {
	const { label, rows, columns, keyOf, hrefOf, sort, onSort, selection, flash, children } = props;
	const box = useRef<HTMLDivElement>(null);
	const kept = props.remember === undefined ? undefined : places.get(props.remember);
	const top = useSignal(kept?.top ?? 0);
	const height = useSignal(600);
	const active = useSignal(kept?.active);
	const rowHeight = isNarrow.value ? narrowRow : wideRow;
	const seen = useMemo(() => {
		if (!isMiddling.value) return columns;
		return columns.filter(({ wide }) => (isNarrow.value ? !wide : wide !== 'very'));
	}, [isNarrow.value, isMiddling.value, columns]);
	const first = Math.max(0, Math.floor(top.value / rowHeight) - spare);
	const last = Math.min(rows.length, Math.ceil((top.value + height.value) / rowHeight) + spare);

	useLayoutEffect(() => {
		const element = box.current;
		if (!element) return;
		height.value = element.clientHeight;
		element.scrollTop = top.peek();
		const watch = new ResizeObserver(() => {
			height.value = element.clientHeight;
		});
		watch.observe(element);
		return () => {
			watch.disconnect();
			if (props.remember !== undefined) {
				places.set(props.remember, { top: top.peek(), active: active.peek() });
			}
		};
	}, []);

	useEffect(() => {
		if (rows.length > 0 && last >= rows.length) props.onEnd?.();
	}, [last, rows.length]);

	function move(by: number): boolean {
		const at = rows.findIndex((row) => keyOf(row) === active.value);
		const visible = Math.ceil(top.value / rowHeight);
		const to = at < 0 ? visible : Math.min(rows.length - 1, Math.max(0, at + by));
		const row = rows[to];
		if (!row) return false;
		active.value = keyOf(row);
		const element = box.current;
		if (!element) return true;
		const [above, below] = [to * rowHeight, (to + 1) * rowHeight - (element.clientHeight - headRow)];
		if (element.scrollTop > above) element.scrollTop = above;
		else if (element.scrollTop < below) element.scrollTop = below;
		top.value = element.scrollTop;
		requestAnimationFrame(() => {
			const link = element.querySelector('tr[data-active] a');
			if (link instanceof HTMLElement) link.focus({ preventScroll: true });
		});
		return true;
	}

	function open(): boolean {
		const row = rows.find((one) => keyOf(one) === active.value);
		if (!row || !hrefOf) return false;
		navigate(hrefOf(row));
		return true;
	}

	function toggle(key: string): void {
		if (!selection) return;
		const next = new Set(selection.keys);
		if (!next.delete(key)) next.add(key);
		selection.onChange(next);
	}

	useKeys([
		{ keys: 'j', words: 'next row', run: () => move(1) },
		{ keys: 'k', words: 'row before', run: () => move(-1) },
		...(hrefOf ? [{ keys: 'Enter', words: 'open the row', run: open }] : []),
		...(selection
			? [
					{
						keys: 'x',
						words: 'select the row',
						run: () => (active.value === undefined ? false : toggle(active.value)),
					},
				]
			: []),
	]);

	const columnCount = seen.length + (selection ? 1 : 0);
	const all = selection !== undefined && rows.length > 0 && selection.keys.size >= rows.length;
	return (
		<section
			class="table-box live"
			ref={box}
			// biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reachable by keys
			tabIndex={0}
			aria-label={label}
			onScroll={() => {
				top.value = box.current?.scrollTop ?? 0;
				props.onScroll?.(Math.floor(top.value / rowHeight));
			}}
		>
			<table class="table" aria-label={label} aria-rowcount={rows.length + 1}>
				<thead>
					<tr aria-rowindex={1}>
						{selection && (
							<th class="check">
								<input
									type="checkbox"
									aria-label="Select all"
									checked={all}
									ref={(element) => {
										if (element) element.indeterminate = selection.keys.size > 0 && !all;
									}}
									onChange={() => selection.onChange(new Set(all ? [] : rows.map(keyOf)))}
								/>
							</th>
						)}
						{seen.map((column, at) => (
							<Head
								key={column.id}
								column={column}
								takesRest={at === 0 && (isNarrow.value || seen.every(({ width }) => width !== undefined))}
								sort={sort}
								onSort={onSort}
							/>
						))}
					</tr>
				</thead>
				<tbody>
					<Spacer height={first * rowHeight} columns={columnCount} />
					{rows.slice(first, last).map((row, index) => {
						const key = keyOf(row);
						return (
							<TableRow
								key={key}
								id={key}
								row={row}
								index={first + index + 2}
								columns={seen}
								href={hrefOf?.(row)}
								active={key === active.value}
								selected={selection?.keys.has(key)}
								onSelect={toggle}
								flash={flash === true}
							/>
						);
					})}
					<Spacer height={(rows.length - last) * rowHeight} columns={columnCount} />
				</tbody>
			</table>
			{rows.length === 0 && children}
			{props.foot}
		</section>
	);
}

function Head<Row>({
	column,
	takesRest,
	sort,
	onSort,
}: {
	column: Column<Row>;
	/** It has what the others leave. */
	takesRest: boolean;
	sort: Sort | undefined;
	onSort: ((sort: Sort) => void) | undefined;
}) {
	const { id, title, meaning, align, sortable } = column;
	const width = takesRest ? undefined : column.width;
	const own = sort?.column === id ? sort : undefined;
	return (
		<th
			scope="col"
			class={align === 'end' ? 'num' : undefined}
			title={meaning}
			style={width === undefined ? {} : { width }}
			aria-sort={own ? (own.down ? 'descending' : 'ascending') : undefined}
		>
			{sortable && onSort ? (
				<button
					type="button"
					class="sort"
					onClick={() => onSort({ column: id, down: own ? !own.down : align === 'end' })}
				>
					<span class="clip">{title}</span>
					<Icon name="down" size={12} />
				</button>
			) : (
				title
			)}
		</th>
	);
}

/** In the place of the rows that are not made. */
function Spacer({ height, columns }: { height: number; columns: number }) {
	if (height <= 0) return null;
	return (
		<tr class="spacer">
			<td colSpan={columns} style={{ height: `${height}px` }} />
		</tr>
	);
}
