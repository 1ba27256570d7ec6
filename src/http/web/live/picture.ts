/**
 * Owns what the page knows of the fleet, and how one step of the live stream changes it.
 * Promises a new map for every step that changed or dropped a node (an unchanged row stays the same object).
 * Pure.
 */

import type { Changes, NodeRow, Totals } from '../../../domain/row-schema.ts';

export type Picture = {
	readonly nodes: ReadonlyMap<string, NodeRow>;
	readonly totals: Totals | undefined;
};

/** `GET /nodes/rows`. */
export type RowsAnswer = {
	readonly items: readonly NodeRow[];
	/** From where the stream continues them. */
	readonly position: string;
	readonly indexing: boolean;
};

/** What was loaded anew; a row that says the same as before stays the object that it was. */
export function freshPicture(
	rows: RowsAnswer,
	totals: Totals | undefined,
	before?: ReadonlyMap<string, NodeRow>,
): Picture {
	const nodes = new Map<string, NodeRow>();
	for (const row of rows.items) {
		const old = before?.get(row.node);
		nodes.set(row.node, old && JSON.stringify(old) === JSON.stringify(row) ? old : row);
	}
	return { nodes, totals };
}

/** All steps of one moment on screen at once. */
export function withChanges(picture: Picture, steps: readonly Changes[]): Picture {
	let nodes: Map<string, NodeRow> | undefined;
	let { totals } = picture;
	for (const step of steps) {
		totals = step.totals ?? totals;
		for (const name of step.gone?.nodes ?? []) {
			nodes ??= new Map(picture.nodes);
			nodes.delete(name);
		}
		for (const row of step.nodes) {
			nodes ??= new Map(picture.nodes);
			nodes.set(row.node, row);
		}
	}
	return { nodes: nodes ?? picture.nodes, totals };
}
