/**
 * Owns one row of a table: its cells, and the light when it changed.
 * Promises that it is made again only for another row, another place or another mark. Keeps the row that it shows.
 */

import { Component } from 'preact';
import { navigate } from '../route.tsx';
import type { Column } from './columns.ts';

type TableRowProps<Row> = {
	id: string;
	row: Row;
	/** Of aria-rowindex. */
	index: number;
	columns: readonly Column<Row>[];
	href: string | undefined;
	active: boolean;
	/** Undefined: rows of this table are not selected. */
	selected: boolean | undefined;
	onSelect: (id: string) => void;
	flash: boolean;
};

const calm = matchMedia('(prefers-reduced-motion: reduce)');
const litMs = 1100;

export class TableRow<Row> extends Component<TableRowProps<Row>> {
	override shouldComponentUpdate(next: TableRowProps<Row>): boolean {
		const { row, index, columns, href, active, selected } = this.props;
		return (
			row !== next.row ||
			index !== next.index ||
			columns !== next.columns ||
			href !== next.href ||
			active !== next.active ||
			selected !== next.selected
		);
	}

	override componentDidUpdate(before: TableRowProps<Row>): void {
		const { row, flash } = this.props;
		if (!flash || row === before.row || calm.matches || document.hidden) return;
		const element = document.querySelector(`tr[data-row="${CSS.escape(this.props.id)}"]`);
		element?.animate([{ backgroundColor: 'var(--flash)' }, {}], { duration: litMs, easing: 'ease-out' });
	}

	override render() {
		const { id, row, index, columns, href, active, selected, onSelect } = this.props;
		return (
			<tr
				class={href === undefined ? 'row' : 'row opens'}
				data-row={id}
				data-active={active || undefined}
				aria-rowindex={index}
				onClick={(event) => {
					if (href !== undefined && isPlain(event)) navigate(href);
				}}
			>
				{selected !== undefined && (
					<td class="check">
						<input
							type="checkbox"
							aria-label={`Select ${id}`}
							checked={selected}
							onChange={() => onSelect(id)}
						/>
					</td>
				)}
				{columns.map(({ id: column, align, cell, whole }) => (
					<td key={column} class={align === 'end' ? 'num' : undefined} title={whole?.(row)}>
						{cell(row)}
					</td>
				))}
			</tr>
		);
	}
}

/** Of the row itself: not of what can be pressed in it, and not the end of a selection of text. */
function isPlain(event: MouseEvent): boolean {
	if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.defaultPrevented)
		return false;
	if (event.target instanceof Element && event.target.closest('a, button, input, label')) return false;
	return getSelection()?.isCollapsed !== false;
}
