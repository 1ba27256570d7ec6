/**
 * Owns what is counted of commands: how many are in each state, by method, and what happens to them from now on.
 * Promises that a command which is only read again (the index begins, or its stream was made anew) is no news, and a bounded number
 * of methods. Soft: it begins with what the index holds.
 */

import {
	type IndexedCommand,
	type IndexListener,
	isWaiting,
	type SourceName,
	stateOf,
} from '../../central/index-listeners.ts';
import { type CommandState, type FinalState, isFinal } from '../../domain/state.ts';

/** What happens to commands, as it happens. */
type CommandNews = {
	/** Started for the first time. */
	readonly delivered: (waitedMs: number) => void;
	readonly attempts: (count: number) => void;
	/** `ranMs`: from the first start on; undefined where there was none. */
	readonly ended: (method: string, state: FinalState, ranMs: number | undefined) => void;
};

export type CommandCountsOptions = CommandNews & {
	readonly index: { readonly isComplete: boolean; listen(listener: IndexListener): () => void };
	readonly serverNow: () => number;
};

/** What the names of further methods are counted under. */
export const otherMethods = 'other';

export class CommandCounts implements IndexListener {
	readonly #options: CommandCountsOptions;
	readonly #counts = new Map<string, Map<CommandState, number>>();
	readonly #off: () => void;
	/** What is told now is what is known already. */
	#isRecalling = true;
	/** What happened before counts no more: its stream is read anew. */
	#since = 0;

	constructor(options: CommandCountsOptions) {
		this.#options = options;
		this.#off = options.index.listen(this);
		this.#isRecalling = false;
	}

	stop(): void {
		this.#off();
	}

	/** Those with most commands by their names, the rest together. */
	byMethod(most: number): Map<string, ReadonlyMap<CommandState, number>> {
		const sums = [...this.#counts].map(([method, states]) => ({ method, states, sum: sumOf(states) }));
		sums.sort((a, b) => b.sum - a.sum || (a.method < b.method ? -1 : 1));
		const told = new Map<string, ReadonlyMap<CommandState, number>>();
		const rest = new Map<CommandState, number>();
		for (const [place, { method, states }] of sums.entries()) {
			if (place < most && method !== otherMethods) told.set(method, states);
			else for (const [state, count] of states) rest.set(state, (rest.get(state) ?? 0) + count);
		}
		if (rest.size > 0) told.set(otherMethods, rest);
		return told;
	}

	command(_handle: string, before: IndexedCommand | undefined, after: IndexedCommand | undefined): void {
		if (before) this.#count(before.method, stateOf(before), -1);
		if (after) this.#count(after.method, stateOf(after), 1);
		if (after && !isWaiting(after)) this.#tell(before, after);
	}

	taken(): void {
		// Commands are told as such.
	}

	reset(source: SourceName): void {
		if (source === 'ledger') this.#since = this.#options.serverNow();
	}

	#tell(before: IndexedCommand | undefined, after: Exclude<IndexedCommand, { facts: unknown }>): void {
		const { index, delivered, attempts, ended } = this.#options;
		if (this.#isRecalling || !index.isComplete) return;
		const { state, method, queuedAt, startedAt, starts, endedAt, settledAt } = after;
		if ((settledAt ?? startedAt ?? this.#since) < this.#since) return;
		const known = before && !isWaiting(before) ? before : undefined;
		if (startedAt !== null && (known?.startedAt ?? null) === null)
			delivered(Math.max(0, startedAt - queuedAt));
		if (starts > (known?.starts ?? 0)) attempts(starts - (known?.starts ?? 0));
		if (!isFinal(state) || (known && isFinal(known.state))) return;
		ended(method, state, startedAt === null ? undefined : Math.max(0, (endedAt ?? startedAt) - startedAt));
	}

	#count(method: string, state: CommandState, change: 1 | -1): void {
		const states = this.#counts.get(method) ?? new Map<CommandState, number>();
		const count = (states.get(state) ?? 0) + change;
		if (count === 0) states.delete(state);
		else states.set(state, count);
		if (states.size === 0) this.#counts.delete(method);
		else this.#counts.set(method, states);
	}
}

function sumOf(states: ReadonlyMap<CommandState, number>): number {
	let sum = 0;
	for (const count of states.values()) sum += count;
	return sum;
}
