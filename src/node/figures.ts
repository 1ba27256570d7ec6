/**
 * Owns the figures by which a node's operators watch it from outside, and the counts that belong to them.
 * Promises what is so at the moment of asking, without a word to the broker, and counts that only grow while the node runs.
 * Soft: counts begin at zero with each process; what must survive is in the store.
 */

import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { LaneState } from '../domain/node-state.ts';
import type { CommandEvent } from '../domain/state.ts';
import type { MethodProcess } from './processes/method.ts';
import type { OutboxBounds } from './store/outbox-room.ts';
import { dataFile } from './store/store-layout.ts';

type Counted = { readonly method: string; readonly count: number };

export type NodeFigures = {
	readonly node: string;
	readonly version: string;
	readonly isLinkUp: boolean;
	/** Server time less the node's time, milliseconds; null while there is no reading that holds. */
	readonly clockOffsetMs: number | null;
	readonly outbox: {
		readonly messages: number;
		readonly sentBytes: number;
		readonly reportedBytes: number;
	} & {
		readonly bounds: OutboxBounds;
	};
	readonly lanes: readonly LaneState[];
	readonly journalEntries: number;
	/** Of the store's file; null where it cannot be looked at. */
	readonly storeBytes: number | null;
	readonly spool: { readonly bytes: number; readonly maxBytes: number };
	readonly processes: readonly {
		readonly name: string;
		/** How often it broke down. */
		readonly breakdowns: number;
		/** Too often: it is not started again by itself. */
		readonly isDown: boolean;
	}[];
	readonly starts: readonly Counted[];
	readonly outcomes: readonly (Counted & { readonly outcome: CommandEvent })[];
};

/** What was started here, and how it ended, since the process began. */
export class RunCounts {
	readonly #starts = new Map<string, number>();
	readonly #outcomes = new Map<string, Counted & { readonly outcome: CommandEvent }>();

	started(method: string): void {
		this.#starts.set(method, (this.#starts.get(method) ?? 0) + 1);
	}

	ended(method: string, outcome: CommandEvent): void {
		const key = `${method} ${outcome}`;
		this.#outcomes.set(key, { method, outcome, count: (this.#outcomes.get(key)?.count ?? 0) + 1 });
	}

	get starts(): readonly Counted[] {
		return [...this.#starts].map(([method, count]) => ({ method, count }));
	}

	get outcomes(): NodeFigures['outcomes'] {
		return [...this.#outcomes.values()];
	}
}

export type FigureParts = {
	readonly node: string;
	readonly version: string;
	readonly dataDir: string;
	readonly link: { readonly connection: unknown };
	readonly serverTime: { readonly offsetMs: number | null };
	readonly outbox: {
		readonly depth: number;
		readonly bytes: { readonly sentBytes: number; readonly reportedBytes: number };
	};
	readonly bounds: OutboxBounds;
	readonly lanes: { states(): LaneState[] };
	readonly store: { count(table: 'journal'): number };
	readonly output: { readonly spool: NodeFigures['spool'] };
	readonly processes: readonly Pick<MethodProcess, 'name' | 'isPaused' | 'breakdowns'>[];
	readonly counts: RunCounts;
};

export async function figuresOf(parts: FigureParts): Promise<NodeFigures> {
	const { node, version, link, serverTime, outbox, bounds, lanes, store, output, processes, counts } = parts;
	const file = join(parts.dataDir, 'store', dataFile);
	const storeBytes = await stat(file).then(
		({ size }) => size,
		() => null,
	);
	return {
		...{ node, version, storeBytes },
		isLinkUp: link.connection !== undefined,
		clockOffsetMs: serverTime.offsetMs,
		outbox: { messages: outbox.depth, ...outbox.bytes, bounds },
		lanes: lanes.states(),
		journalEntries: store.count('journal'),
		spool: output.spool,
		processes: processes.map(({ name, breakdowns = 0, isPaused = false }) => ({
			...{ name, breakdowns, isDown: isPaused },
		})),
		...{ starts: counts.starts, outcomes: counts.outcomes },
	};
}
