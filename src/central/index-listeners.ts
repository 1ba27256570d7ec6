/**
 * Owns who is told of what the index learns, and what is told: commands as they are known, and what came from which stream under which sequence.
 * Promises that a listener hears of everything that the index holds, first of what is there, and of each change once; and that without a
 * listener telling costs nothing. Soft.
 */

import { isLater } from '../domain/delay.ts';
import { formatHandle } from '../domain/names.ts';
import type { CommandState } from '../domain/state.ts';
import type { StoredCommand } from '../jetstream/stored-command.ts';
import type { IndexedSummary } from './ledger-table.ts';

/** `0`, `1` …: the shards of commands. */
export type SourceName = 'ledger' | 'nodes' | 'presence' | 'schedules' | 'trust' | number;

/** What is known of a command: what the ledger says, or that it waits. */
export type IndexedCommand = IndexedSummary | StoredCommand;

export function isWaiting(command: IndexedCommand): command is StoredCommand {
	return 'facts' in command;
}

export function stateOf(command: IndexedCommand): CommandState {
	if (!isWaiting(command)) return command.state;
	return isLater(command.facts) ? 'scheduled' : 'queued';
}

export type IndexListener = {
	/** What is known of it is another than before. */
	command(handle: string, before: IndexedCommand | undefined, after: IndexedCommand | undefined): void;
	/** A message of this source counts from now on: what it was about, and its sequence. */
	taken(source: SourceName, seq: number, key: string): void;
	/** Of all that came from this source nothing counts any more; of commands {@link command} has told. */
	reset(source: SourceName): void;
};

type ByName = ReadonlyMap<string, { readonly revision: number }>;
type Content = {
	readonly ledger: Iterable<[handle: string, summary: IndexedSummary]>;
	readonly waiting: ReadonlyMap<string, ReadonlyMap<string, StoredCommand>>;
	readonly later: { commands(): readonly StoredCommand[] };
	readonly nodeSeqs: ReadonlyMap<string, number>;
	readonly presence: ReadonlyMap<string, { readonly seq: number }>;
	readonly schedules: { readonly records: ByName; readonly progress: ByName };
	known(handle: string): IndexedCommand | undefined;
};

export class IndexListeners {
	readonly #listeners = new Set<IndexListener>();

	/** Tells it of what is there, as if it were just heard, each source in the order of its sequences. The answer takes it off. */
	add(listener: IndexListener, content: Content): () => void {
		tellAll(content, listener);
		this.#listeners.add(listener);
		return () => this.#listeners.delete(listener);
	}

	get areNone(): boolean {
		return this.#listeners.size === 0;
	}

	/** Does what changes one command, and tells of it. */
	change(handle: string, known: (handle: string) => IndexedCommand | undefined, apply: () => unknown): void {
		if (this.areNone) return void apply();
		const before = known(handle);
		apply();
		this.tell(handle, before, known(handle));
	}

	/** What is known of a command was changed. */
	tell(handle: string, before: IndexedCommand | undefined, after: IndexedCommand | undefined): void {
		if (isSame(before, after)) return;
		for (const listener of this.#listeners) listener.command(handle, before, after);
	}

	taken(source: SourceName, seq: number, key: string): void {
		for (const listener of this.#listeners) listener.taken(source, seq, key);
	}

	reset(source: SourceName): void {
		for (const listener of this.#listeners) listener.reset(source);
	}
}

function isSame(before: IndexedCommand | undefined, after: IndexedCommand | undefined): boolean {
	if (before === after) return true;
	// A summary is made anew for each who asks.
	if (!before || !after || isWaiting(before) || isWaiting(after)) return false;
	return before.revision === after.revision;
}

function tellAll(content: Content, listener: IndexListener): void {
	const { ledger, waiting, later, nodeSeqs, presence, schedules } = content;
	const queued = [...waiting.values()].flatMap((ofNode) => [...ofNode.values()]);
	const stored = [...queued, ...later.commands()];
	for (const [handle, summary] of ledger) listener.command(handle, undefined, summary);
	for (const command of stored) {
		const handle = formatHandle(command);
		if (content.known(handle) === command) listener.command(handle, undefined, command);
	}
	const tell = (source: SourceName, entries: [key: string, seq: number][]) => {
		for (const [key, seq] of entries.sort(([, a], [, b]) => a - b)) listener.taken(source, seq, key);
	};
	const revised = (entries: Iterable<[string, { readonly revision: number }]>) =>
		[...entries].map(([key, { revision }]): [string, number] => [key, revision]);
	tell('nodes', [...nodeSeqs]);
	tell(
		'presence',
		[...presence].map(([node, { seq }]) => [node, seq]),
	);
	tell('schedules', [...revised(schedules.records), ...revised(schedules.progress)]);
	tell('ledger', revised(ledger));
	for (const shard of new Set(stored.map((command) => command.shard))) {
		const ofShard = stored.filter((command) => command.shard === shard);
		tell(
			shard,
			ofShard.map((command) => [formatHandle(command), command.facts.seq]),
		);
	}
}
