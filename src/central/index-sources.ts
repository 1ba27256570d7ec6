/**
 * Owns where the index learns what it knows: the streams, how far it has come in each, and who is told of what it learns.
 * Promises that a listener hears of everything that the index holds, first of what is there, and of each change once.
 * Soft state: a restart reads again.
 */

import { isLater } from '../domain/delay.ts';
import { formatHandle } from '../domain/names.ts';
import type { CommandState } from '../domain/state.ts';
import type { StoredCommand } from '../jetstream/commands.ts';
import type { Connection } from '../jetstream/connection.ts';
import { type Followed, type Following, follow } from '../jetstream/follow.ts';
import type { LedgerSummary } from '../jetstream/ledger-store.ts';
import type { ReadingPlace } from './reading-place.ts';

/** `0`, `1` …: the shards of commands. */
export type SourceName = 'ledger' | 'nodes' | 'presence' | 'schedules' | 'trust' | number;

export type Source = {
	readonly name: SourceName;
	readonly place: ReadingPlace;
	readonly stream: string;
	readonly filter: readonly string[];
	readonly from: 'all' | 'last';
	readonly headersOnly?: boolean;
	readonly take: (message: Followed) => void;
	readonly reset: () => void;
};

/** The ledger's summary of a command, and the revision that it is of. */
export type IndexedSummary = LedgerSummary & { readonly revision: number };

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

export async function followSource(connection: Connection, source: Source): Promise<Following> {
	const { stream, filter, from, headersOnly = false, place } = source;
	let lastAtFirst: number | undefined;
	const following = await follow(
		connection,
		{
			...{ stream, filter, from, headersOnly },
			onReset: () => {
				place.restart();
				source.reset();
			},
			onOpen: ({ created, lastSeq }) => {
				place.open(created);
				lastAtFirst ??= lastSeq;
			},
		},
		(message) => {
			source.take(message);
			place.reach(message.seq);
		},
	);
	// What was removed since will not be heard of.
	const caughtUp = following.caughtUp.then(() => place.reach(lastAtFirst ?? 0));
	return { caughtUp, stop: () => following.stop() };
}

type ByName = ReadonlyMap<string, { readonly revision: number }>;
type Content = {
	readonly ledger: ReadonlyMap<string, IndexedSummary>;
	readonly waiting: ReadonlyMap<string, ReadonlyMap<string, StoredCommand>>;
	readonly later: { commands(): readonly StoredCommand[] };
	readonly nodeSeqs: ReadonlyMap<string, number>;
	readonly presence: ReadonlyMap<string, { readonly seq: number }>;
	readonly schedules: { readonly records: ByName; readonly progress: ByName };
	known(handle: string): IndexedCommand | undefined;
};

/** What the index holds, as if it were just heard, each source in the order of its sequences. */
export function tellAll(index: Content, listener: IndexListener): void {
	const queued = [...index.waiting.values()].flatMap((ofNode) => [...ofNode.values()]);
	const stored = [...queued, ...index.later.commands()];
	for (const [handle, summary] of index.ledger) listener.command(handle, undefined, summary);
	for (const command of stored) {
		const handle = formatHandle(command);
		const known = index.known(handle);
		if (known === command) listener.command(handle, undefined, known);
	}
	const tell = (source: SourceName, entries: [key: string, seq: number][]) => {
		for (const [key, seq] of entries.sort(([, a], [, b]) => a - b)) listener.taken(source, seq, key);
	};
	tell('nodes', [...index.nodeSeqs]);
	tell(
		'presence',
		[...index.presence].map(([node, { seq }]) => [node, seq]),
	);
	tell(
		'schedules',
		[...index.schedules.records, ...index.schedules.progress].map(([name, { revision }]) => [name, revision]),
	);
	tell(
		'ledger',
		[...index.ledger].map(([handle, { revision }]) => [handle, revision]),
	);
	for (const shard of new Set(stored.map((command) => command.shard))) {
		const ofShard = stored.filter((command) => command.shard === shard);
		tell(
			shard,
			ofShard.map((command) => [formatHandle(command), command.facts.seq]),
		);
	}
}
