/**
 * Owns how a table is told what to show: its columns, and by which it is sorted.
 * Only types.
 */

import type { ComponentChildren } from 'preact';

export type Column<Row> = {
	readonly id: string;
	readonly title: string;
	/** Of CSS: `9rem`, `12%`. One column without takes what is left. */
	readonly width?: string;
	readonly align?: 'end';
	readonly sortable?: boolean;
	/** Not on a narrow screen (what it says belongs into the first column there); `very`: nor on a middling one. */
	readonly wide?: boolean | 'very';
	readonly cell: (row: Row) => ComponentChildren;
	/** The whole of what a narrow cell may cut. */
	readonly whole?: (row: Row) => string;
	/** Read instead of a short title. */
	readonly meaning?: string;
};
export type Sort = { readonly column: string; readonly down: boolean };
