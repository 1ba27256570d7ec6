/**
 * Owns the list of commands on a page: what was loaded, and how rows that change go into it.
 * Promises that what is read does not move: a row changes in its place, also when it fits no more; what is new waits until it is asked for.
 * Pure.
 */

import type { CommandRow } from '../../../domain/row-schema.ts';

export type Filter = {
	readonly node: string;
	readonly method: string;
	readonly states: readonly string[];
	/** As the server takes it: `1h`, or a moment. */
	readonly since: string;
	readonly schedule: string;
	readonly search: string;
};

export const noFilter: Filter = { node: '', method: '', states: [], since: '', schedule: '', search: '' };

export type CommandList = {
	readonly items: readonly CommandRow[];
	/** New ones that are not shown yet, the newest first. */
	readonly fresh: readonly CommandRow[];
};

export function filterOf(query: URLSearchParams): Filter {
	const text = (name: string) => query.get(name) ?? '';
	return {
		node: text('node'),
		method: text('method'),
		states: text('state').split(',').filter(Boolean),
		since: text('since'),
		schedule: text('schedule'),
		search: text('search'),
	};
}

/** What the server is asked with; empty fields are left out. */
export function queryOf({ states, ...texts }: Filter, more: Readonly<Record<string, string>> = {}): string {
	const fields = { ...texts, state: states.join(','), ...more };
	return new URLSearchParams(Object.entries(fields).filter(([, value]) => value !== '')).toString();
}

/** Whether a row that came by itself belongs to the list. Since when needs no look: what is new is later. */
export function fitsFilter(row: CommandRow, { node, method, states, schedule, search }: Filter): boolean {
	const words = search.toLowerCase();
	return (
		(node === '' || row.node === node) &&
		(method === '' || row.method === method) &&
		(states.length === 0 || states.includes(row.state)) &&
		(schedule === '' || row.schedule?.name === schedule) &&
		(words === '' || row.handle.toLowerCase().includes(words) || row.method.toLowerCase().includes(words))
	);
}

function beganAt({ queuedAt, notBefore, startedAt, endedAt }: CommandRow): number {
	return Date.parse(queuedAt ?? notBefore ?? startedAt ?? endedAt ?? '') || 0;
}

/** @param atTop Nothing above is out of sight: what is new is shown at once. */
export function withRows(
	list: CommandList,
	rows: readonly CommandRow[],
	filter: Filter,
	atTop: boolean,
): CommandList {
	const changed = new Map(rows.map((row) => [row.handle, row]));
	const inPlace = (items: readonly CommandRow[]) => {
		if (!items.some(({ handle }) => changed.has(handle))) return items;
		return items.map((item) => changed.get(item.handle) ?? item);
	};
	const known = new Set([...list.items, ...list.fresh].map(({ handle }) => handle));
	// What is older than the first that is shown stands further down, or on a page that is not loaded.
	const newest = Math.max(0, ...[list.items[0], list.fresh[0]].map((row) => (row ? beganAt(row) : 0)));
	const own = rows
		.filter((row) => !known.has(row.handle) && fitsFilter(row, filter) && beganAt(row) >= newest - 1000)
		.sort((a, b) => beganAt(b) - beganAt(a));
	const next = {
		items: inPlace(list.items),
		fresh: own.length > 0 ? [...own, ...inPlace(list.fresh)] : inPlace(list.fresh),
	};
	return atTop ? withFresh(next) : next;
}

/** What the ledger has forgotten is dropped. */
export function withoutRows(list: CommandList, handles: readonly string[]): CommandList {
	const gone = new Set(handles);
	const isKept = ({ handle }: CommandRow) => !gone.has(handle);
	if (list.items.every(isKept) && list.fresh.every(isKept)) return list;
	return { items: list.items.filter(isKept), fresh: list.fresh.filter(isKept) };
}

/** What is new goes on top. */
export function withFresh(list: CommandList): CommandList {
	return list.fresh.length === 0 ? list : { items: [...list.fresh, ...list.items], fresh: [] };
}

/** The next page below; what came by itself meanwhile is there already. */
export function withPage(list: CommandList, page: readonly CommandRow[]): CommandList {
	const known = new Set([...list.items, ...list.fresh].map(({ handle }) => handle));
	return { ...list, items: [...list.items, ...page.filter(({ handle }) => !known.has(handle))] };
}
