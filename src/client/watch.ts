/**
 * Owns the stream of changes of commands.
 * Promises each change from now on, those of one command merged while the reader is slow.
 * Reads only: whoever watches again after a crash asks for what stands first.
 */

import { ledgerEntrySchema } from '../domain/ledger.ts';
import type { CommandState } from '../domain/state.ts';
import { buckets, streams, subjects } from '../domain/subject.ts';
import { type CommandView, ledgerView, waitingView } from '../domain/view.ts';
import { decode } from '../domain/wire.ts';
import { bucketStream, bucketSubject } from '../jetstream/bucket.ts';
import { type Followed, type Following, follow } from '../jetstream/follow.ts';
import { readStoredCommand } from '../jetstream/stored-command.ts';
import { latestChanges } from './changes.ts';
import type { FleetParts } from './parts.ts';

export type WatchOptions = {
	node?: string;
	states?: readonly CommandState[];
	signal?: AbortSignal;
};

/** Changes are merged by command while the reader is slow, so that nothing grows without bound. */
export function watch(
	parts: FleetParts,
	{ node = '*', states, signal }: WatchOptions,
): AsyncGenerator<CommandView> {
	return latestChanges<CommandView>(parts.connection, signal, (push) =>
		followChanges(parts, node, (view) => {
			if (!view || (states && !states.includes(view.state as CommandState))) return;
			push(view.handle, view);
		}),
	);
}

async function followChanges(
	{ connection, commands }: FleetParts,
	node: string,
	push: (view: CommandView | undefined) => void,
): Promise<Following[]> {
	const shards = node === '*' ? commands.allShards : [commands.shardOf(node)];
	return Promise.all([
		follow(
			connection,
			{
				stream: bucketStream(buckets.ledger),
				filter: [bucketSubject(buckets.ledger, `${node}.*`)],
				from: 'new',
			},
			(message) => {
				const entry = decode(ledgerEntrySchema, message.data);
				push(entry && ledgerView(entry, null));
			},
		),
		...shards.map((shard) =>
			follow(
				connection,
				{
					stream: streams.commands(shard),
					filter: [subjects.commandsOfNode(shard, node)],
					from: 'new',
					headersOnly: true,
				},
				(message) => push(queuedFrom(message)),
			),
		),
	]);
}

function queuedFrom(message: Followed): CommandView | undefined {
	const stored = readStoredCommand(message);
	return stored && waitingView(stored);
}
