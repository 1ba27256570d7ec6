/**
 * Owns the ledger's summaries in memory: columns of numbers, of which a row takes some 90 bytes beside its handle. (As objects, a million of
 * them took more than a gigabyte.)
 * Promises what a Map of them would: the last that was put under a handle, each once, in the order in which handles came first.
 * Soft: the ledger itself tells it again.
 */

import type { Lane } from '../domain/names.ts';
import type { CommandState } from '../domain/state.ts';
import type { LedgerSummary } from '../jetstream/ledger-store.ts';

/** The ledger's summary of a command, and the revision that it is of. */
export type IndexedSummary = LedgerSummary & { readonly revision: number };

const firstRows = 1024;

export class LedgerTable {
	readonly #rows = new Map<string, number>();
	/** Rows that nothing is in any more. */
	readonly #free: number[] = [];
	#used = 0;
	readonly #state = new Words<CommandState>();
	readonly #lane = new Words<Lane>();
	readonly #method = new Words<string>();
	readonly #schedule = new Words<string>();
	readonly #revision = new Numbers();
	readonly #seq = new Numbers();
	readonly #starts = new Numbers();
	readonly #queuedAt = new Numbers();
	readonly #startedAt = new Numbers();
	readonly #endedAt = new Numbers();
	readonly #deadlineAt = new Numbers();
	readonly #settledAt = new Numbers();
	readonly #lostAt = new Numbers();

	has(handle: string): boolean {
		return this.#rows.has(handle);
	}

	get(handle: string): IndexedSummary | undefined {
		const row = this.#rows.get(handle);
		return row === undefined ? undefined : this.#read(row);
	}

	set(handle: string, summary: IndexedSummary): void {
		let row = this.#rows.get(handle);
		if (row === undefined) {
			row = this.#free.pop() ?? this.#used++;
			this.#rows.set(handle, row);
		}
		this.#state.set(row, summary.state);
		this.#lane.set(row, summary.lane);
		this.#method.set(row, summary.method);
		this.#schedule.set(row, summary.schedule ?? '');
		this.#revision.set(row, summary.revision);
		this.#seq.set(row, summary.seq);
		this.#starts.set(row, summary.starts);
		this.#queuedAt.set(row, summary.queuedAt);
		this.#startedAt.set(row, summary.startedAt);
		this.#endedAt.set(row, summary.endedAt);
		this.#deadlineAt.set(row, summary.deadlineAt);
		this.#settledAt.set(row, summary.settledAt);
		this.#lostAt.set(row, summary.lostAt);
	}

	delete(handle: string): void {
		const row = this.#rows.get(handle);
		if (row === undefined) return;
		this.#rows.delete(handle);
		this.#free.push(row);
	}

	keys(): IterableIterator<string> {
		return this.#rows.keys();
	}

	*[Symbol.iterator](): Generator<[handle: string, summary: IndexedSummary]> {
		for (const [handle, row] of this.#rows) yield [handle, this.#read(row)];
	}

	#read(row: number): IndexedSummary {
		return {
			state: this.#state.get(row),
			method: this.#method.get(row),
			lane: this.#lane.get(row),
			queuedAt: this.#queuedAt.get(row),
			seq: this.#seq.get(row),
			startedAt: this.#startedAt.orNull(row),
			starts: this.#starts.get(row),
			endedAt: this.#endedAt.orNull(row),
			deadlineAt: this.#deadlineAt.orNull(row),
			settledAt: this.#settledAt.orNull(row),
			lostAt: this.#lostAt.orNull(row),
			schedule: this.#schedule.get(row) || null,
			revision: this.#revision.get(row),
		};
	}
}

/** A column of numbers, or of null. */
class Numbers {
	#values = new Float64Array(firstRows);

	get(row: number): number {
		return this.#values[row] ?? Number.NaN;
	}

	orNull(row: number): number | null {
		const value = this.get(row);
		return Number.isNaN(value) ? null : value;
	}

	set(row: number, value: number | null): void {
		if (row >= this.#values.length) {
			const longer = new Float64Array(grown(row));
			longer.set(this.#values);
			this.#values = longer;
		}
		this.#values[row] = value ?? Number.NaN;
	}
}

/** A column of texts of which there are few: each is kept once, and for good. */
class Words<Text extends string> {
	#codes = new Uint32Array(firstRows);
	readonly #texts: Text[] = [];
	readonly #codeOf = new Map<Text, number>();

	get(row: number): Text {
		const text = this.#texts[this.#codes[row] ?? 0];
		if (text === undefined) throw new RangeError(`nothing is in row ${row}`);
		return text;
	}

	set(row: number, text: Text): void {
		if (row >= this.#codes.length) {
			const longer = new Uint32Array(grown(row));
			longer.set(this.#codes);
			this.#codes = longer;
		}
		const code = this.#codeOf.get(text) ?? this.#texts.push(text) - 1;
		this.#codeOf.set(text, code);
		this.#codes[row] = code;
	}
}

/** Half as much again: twice as much would stay unused for long where there are millions. */
function grown(row: number): number {
	return Math.ceil((row + 1) * 1.5);
}
