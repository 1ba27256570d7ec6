/**
 * Owns what one step of the live stream says: the rows of what changed, as text that is made once for all who want the same.
 * Promises that of each revision of the ledger a reader is told once at the most, and never of one that is younger than the step.
 * Reads only.
 */

import { type Clock, rfc3339 } from '../../base/clock.ts';
import type { CentreIndex } from '../../central/index.ts';
import { type IndexedCommand, isWaiting, stateOf } from '../../central/index-listeners.ts';
import type { FleetRows } from '../../central/rows.ts';
import { nodeOfHandle } from '../../domain/names.ts';
import { commandRow } from '../../domain/row.ts';
import { ledgerView, waitingView } from '../../domain/view.ts';
import type { LedgerStore } from '../../jetstream/ledger-store.ts';
import type { Filter } from './filter.ts';
import type { Between } from './fleet-changes.ts';

type Told = { readonly revision: number; readonly text: string };

/** A replica that lags is asked so often, with so much time between. */
const tries = 4;
const againMs = 50;

export type Step = {
	readonly filter: Filter;
	readonly between: Between;
	/** Handles whose entries are to be read. */
	readonly wanted: readonly string[];
};

/** All steps of one moment. */
export type Moment = {
	/** By handle; what is in the ledger no more is left out. */
	readonly entries: ReadonlyMap<string, Told>;
	readonly at: string;
	readonly totals: string;
	/** Other totals than at the moment before. */
	readonly hasNewTotals: boolean;
	/** Rows of nodes, and of commands that wait, as text: made for the first who wants one, for all. */
	readonly rows: Map<string, string>;
};

export type FramesOptions = {
	readonly index: CentreIndex;
	readonly rows: FleetRows;
	readonly ledger: Pick<LedgerStore, 'readMany'>;
	readonly serverNow: () => number;
	readonly clock: Clock;
};

export class Frames {
	readonly #options: FramesOptions;
	#lastTotals = '';

	constructor(options: FramesOptions) {
		this.#options = options;
	}

	step(filter: Filter, between: Between): Step {
		const isWanted = (handle: string) => {
			const known = this.#options.index.known(handle);
			return known !== undefined && !isWaiting(known) && this.#fits(filter, handle, known);
		};
		return { filter, between, wanted: filter.has('commands') ? between.told.filter(isWanted) : [] };
	}

	/** @throws StewardError `no-broker` where the entries cannot be read */
	async moment(steps: readonly Step[]): Promise<Moment> {
		const entries = await this.#read([...new Set(steps.flatMap(({ wanted }) => wanted))]);
		const totals = JSON.stringify(this.#options.rows.totals());
		const hasNewTotals = totals !== this.#lastTotals;
		this.#lastTotals = totals;
		return { entries, at: rfc3339(this.#options.serverNow()), totals, hasNewTotals, rows: new Map() };
	}

	/** The data of `changes`; undefined where there is nothing that the filter lets through. */
	text({ filter, between, wanted }: Step, moment: Moment): string | undefined {
		const { index, rows } = this.#options;
		const { entries, at, totals, hasNewTotals } = moment;
		const commands: string[] = [];
		for (const handle of wanted) {
			const entry = entries.get(handle);
			// What is younger belongs to a later step.
			if (entry && entry.revision <= between.through.ledger) commands.push(entry.text);
		}
		if (filter.has('commands')) {
			for (const handle of new Set([...between.stored, ...between.told])) {
				const known = index.known(handle);
				if (!known || !isWaiting(known) || !this.#fits(filter, handle, known)) continue;
				commands.push(once(moment.rows, handle, () => commandRow(waitingView(known))));
			}
		}
		const nodes: string[] = [];
		if (filter.has('nodes')) {
			for (const node of between.nodes) {
				if (this.#fitsNode(filter, node)) nodes.push(once(moment.rows, node, () => rows.row(node)));
			}
		}
		const gone = this.#gone(filter, between);
		const schedules = filter.has('schedules') ? between.schedules : [];
		const dead = filter.has('dead') && between.letters !== null ? `{"letters":${between.letters}}` : 'null';
		const isWorth =
			commands.length + nodes.length + schedules.length > 0 || gone !== 'null' || dead !== 'null';
		if (!isWorth && !(filter.has('totals') && hasNewTotals)) return undefined;
		return (
			`{"at":"${at}","commands":[${commands.join(',')}],"nodes":[${nodes.join(',')}],` +
			`"schedules":${JSON.stringify(schedules)},"gone":${gone},"dead":${dead},"totals":${totals}}`
		);
	}

	/** What a list of this reader may hold, and is to hold no more; `null` for nothing. */
	#gone(filter: Filter, { told, left, relabelled }: Between): string {
		const { index } = this.#options;
		const hasCommands = filter.has('commands');
		const isGone = (handle: string) =>
			index.known(handle) === undefined && this.#fitsNode(filter, nodeOfHandle(handle));
		const commands = hasCommands ? [...new Set([...told, ...left.handles])].filter(isGone) : [];
		const nodes =
			hasCommands || filter.has('nodes')
				? relabelled.filter((node) => filter.isGone(node, index.nodes.get(node)?.state.labels))
				: [];
		const unnamed = hasCommands && !left.isWhole;
		if (commands.length + nodes.length === 0 && !unnamed) return 'null';
		return JSON.stringify({ commands, nodes, unnamed });
	}

	#fits(filter: Filter, handle: string, known: IndexedCommand): boolean {
		return (
			filter.command({ method: known.method, state: stateOf(known) }) &&
			this.#fitsNode(filter, nodeOfHandle(handle))
		);
	}

	#fitsNode(filter: Filter, node: string): boolean {
		return filter.node(node, this.#options.index.nodes.get(node)?.state.labels);
	}

	async #read(handles: readonly string[]): Promise<ReadonlyMap<string, Told>> {
		const told = new Map<string, Told>();
		let left = handles;
		for (let attempt = 1; left.length > 0; attempt++) {
			const records = await this.#options.ledger.readMany(left);
			left = left.filter((handle) => {
				const record = records.get(handle);
				// A newer program wrote it.
				if (record === 'unreadable') return false;
				const known = this.#options.index.ledger.get(handle);
				if (!known) return false;
				if (!record || record.revision < known.revision) return true;
				const text = JSON.stringify(commandRow(ledgerView(record.entry, null)));
				told.set(handle, { revision: record.revision, text });
				return false;
			});
			if (left.length === 0) break;
			if (attempt === tries) {
				// What nobody has any more has just left the ledger.
				if (left.some((handle) => records.has(handle)))
					throw new Error('a replica of the ledger lags behind');
				break;
			}
			await this.#options.clock.sleep(againMs);
		}
		return told;
	}
}

/** By the name of a node, or a handle, which has a dot. */
function once(texts: Map<string, string>, key: string, make: () => unknown): string {
	const text = texts.get(key) ?? JSON.stringify(make());
	texts.set(key, text);
	return text;
}
