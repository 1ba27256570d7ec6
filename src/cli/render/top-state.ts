/**
 * Owns what a person sees and does in `steward top`: which nodes in which order, what is looked for, where the mark is.
 * Promises that the mark stays on its node when the order changes, and on the screen whatever its size.
 * Pure.
 */

import { matchesLabels } from '../../domain/node-state.ts';
import type { NodeRow, Totals } from '../../domain/row-schema.ts';

export const sorts = ['queued', 'oldest', 'running', 'failing', 'presence', 'node'] as const;
type Sort = (typeof sorts)[number];

export type TopState = {
	/** All of them, as they came last. */
	readonly rows: readonly NodeRow[];
	readonly totals: Totals | undefined;
	readonly where: Readonly<Record<string, string>>;
	readonly sort: Sort;
	readonly filter: string;
	/** The filter is being written. */
	readonly isWriting: boolean;
	/** Those that are meant, in their order. */
	readonly shown: readonly NodeRow[];
	/** The marked node. */
	readonly marked: string | undefined;
	/** Place of the first one on the screen. */
	readonly from: number;
};

export function topState({ sort, where }: Pick<TopState, 'sort' | 'where'>): TopState {
	const nothing = { rows: [], shown: [], totals: undefined, marked: undefined, from: 0 } as const;
	return { ...nothing, sort, where, filter: '', isWriting: false };
}

/** With what came anew. */
export function withRows(state: TopState, rows: readonly NodeRow[], totals: Totals): TopState {
	return arranged({ ...state, rows, totals });
}

/** After a key; `quit` where that is what it says. `height`: how many nodes the screen holds. */
export function pressed(state: TopState, key: string, height: number): TopState | 'quit' {
	if (key === 'interrupt') return 'quit';
	if (state.isWriting) return written(state, key);
	switch (key) {
		case 'q':
			return 'quit';
		case 's':
			return arranged({ ...state, sort: sorts[(sorts.indexOf(state.sort) + 1) % sorts.length] ?? 'queued' });
		case '/':
			return { ...state, isWriting: true };
		case 'escape':
			return arranged({ ...state, filter: '' });
		case 'j':
		case 'down':
			return moved(state, 1, height);
		case 'k':
		case 'up':
			return moved(state, -1, height);
		case 'pagedown':
		case ' ':
			return moved(state, height, height);
		case 'pageup':
			return moved(state, -height, height);
		case 'g':
		case 'home':
			return moved(state, Number.NEGATIVE_INFINITY, height);
		case 'G':
		case 'end':
			return moved(state, Number.POSITIVE_INFINITY, height);
		default:
			return state;
	}
}

/** With the mark on a screen of this height. */
export function fitted(state: TopState, height: number): TopState {
	return moved(state, 0, height);
}

function written(state: TopState, key: string): TopState {
	switch (key) {
		case 'enter':
			return { ...state, isWriting: false };
		case 'escape':
			return arranged({ ...state, isWriting: false, filter: '' });
		case 'backspace':
			return arranged({ ...state, filter: [...state.filter].slice(0, -1).join('') });
		default:
			return [...key].length === 1 ? arranged({ ...state, filter: state.filter + key }) : state;
	}
}

function moved(state: TopState, by: number, height: number): TopState {
	const { shown } = state;
	const last = Math.max(0, shown.length - 1);
	const at = Math.max(0, placeOf(state));
	const place = Math.min(last, Math.max(0, at + by));
	const least = Math.max(0, place - Math.max(1, height) + 1);
	const most = Math.min(place, Math.max(0, shown.length - height));
	return {
		...state,
		marked: shown[place]?.node,
		from: Math.max(least, Math.min(state.from, most)),
	};
}

function placeOf({ shown, marked }: TopState): number {
	return marked === undefined ? -1 : shown.findIndex(({ node }) => node === marked);
}

function arranged(state: TopState): TopState {
	const { rows, where, filter, sort } = state;
	const meant = rows.filter((row) => matchesLabels(where, row.labels) && isFound(row, filter));
	const shown = meant.sort((a, b) => orders[sort](a, b) || compared(a.node, b.node));
	// A mark at the top stays there: whoever has not moved it watches what is first.
	const wasFirst = placeOf(state) <= 0 && state.from === 0;
	const isThere = shown.some(({ node }) => node === state.marked);
	return { ...state, shown, marked: wasFirst || !isThere ? shown[0]?.node : state.marked };
}

function isFound({ node, labels }: NodeRow, filter: string): boolean {
	if (filter === '') return true;
	if (node.includes(filter)) return true;
	return Object.entries(labels).some(([key, value]) => `${key}=${value}`.includes(filter));
}

const presences: readonly NodeRow['presence'][] = ['absent', 'unknown', 'present', 'never'];

/** What asks for attention first. */
const orders: Readonly<Record<Sort, (a: NodeRow, b: NodeRow) => number>> = {
	queued: (a, b) => b.queued - a.queued,
	oldest: (a, b) => compared(a.oldestQueuedAt ?? '~', b.oldestQueuedAt ?? '~'),
	running: (a, b) => b.running - a.running,
	failing: (a, b) => b.failing - a.failing,
	presence: (a, b) =>
		presences.indexOf(a.presence) - presences.indexOf(b.presence) || compared(a.since ?? '~', b.since ?? '~'),
	node: () => 0,
};

function compared(a: string, b: string): number {
	return a < b ? -1 : a > b ? 1 : 0;
}
