/**
 * Owns the order of a fleet: by which column, and numbers in names as numbers (`ship2` before `ship10`).
 * Promises one order for equal rows, by name, and that what is not known comes last whichever way it is sorted.
 * Pure, but for the keys of names that it remembers.
 */

import type { NodeRow } from '../../../domain/row-schema.ts';
import type { Sort } from '../ui/columns.ts';
import type { Match } from './filter.ts';

const presenceRank = { present: 0, unknown: 1, absent: 2, never: 3 } as const;

type Value = number | string | null;

const values: Readonly<Record<string, (row: NodeRow) => Value>> = {
	presence: ({ presence }) => presenceRank[presence],
	queued: ({ queued }) => queued,
	// The oldest first is the longest wait: a time that is smaller.
	oldest: ({ oldestQueuedAt }) => (oldestQueuedAt === null ? null : -Date.parse(oldestQueuedAt)),
	running: ({ running }) => running,
	failing: ({ failing }) => failing,
	clock: ({ clockOffsetMs }) => (clockOffsetMs === null ? null : Math.abs(clockOffsetMs)),
	version: ({ version }) => (version === null ? null : naturalKey(version)),
};

export const isSortable = (column: string) => column === 'node' || Object.hasOwn(values, column);

const keys = new Map<string, string>();

/** Two of them compare as people order the names. */
export function naturalKey(name: string): string {
	let key = keys.get(name);
	if (key === undefined) {
		key = name.toLowerCase().replace(/\d+/g, (digits) => digits.padStart(16, '0'));
		keys.set(name, key);
	}
	return key;
}

export function arrange(rows: Iterable<NodeRow>, match: Match, { column, down }: Sort): NodeRow[] {
	const value = Object.hasOwn(values, column) ? values[column] : undefined;
	const found: { row: NodeRow; value: Value; name: string }[] = [];
	for (const row of rows) {
		if (match(row)) found.push({ row, value: value ? value(row) : null, name: naturalKey(row.node) });
	}
	const sign = down ? -1 : 1;
	found.sort((a, b) => {
		if (!value) return sign * (a.name < b.name ? -1 : 1);
		if (a.value !== b.value) {
			if (a.value === null) return 1;
			if (b.value === null) return -1;
			return a.value < b.value ? -sign : sign;
		}
		return a.name < b.name ? -1 : a.name > b.name ? 1 : a.row.node < b.row.node ? -1 : 1;
	});
	return found.map(({ row }) => row);
}
