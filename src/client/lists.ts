/**
 * Owns the questions over many: lists, queues and counts, which a centre answers from its index.
 * Promises that whoever asks where no centre answers is told so, and never gets an empty list in its place.
 * Only reads.
 */

import { StewardError } from '../base/errors.ts';
import type { NodeRow, Totals } from '../domain/row-schema.ts';
import type { CommandState } from '../domain/state.ts';
import type { CommandView, NodeView } from '../domain/view.ts';
import { askAll } from '../jetstream/api.ts';
import type { FleetParts } from './parts.ts';

type Parts = Pick<FleetParts, 'connection'>;

export type ListOptions = {
	node?: string;
	method?: string;
	states?: readonly CommandState[];
	/** Queued at or after. */
	since?: Date;
	/** Ticks and runs of this schedule. */
	schedule?: string;
	/** A piece of the handle or of the method, 200 characters at the most. */
	search?: string;
	/** Newest first, 50 by default. */
	limit?: number;
};

/** Commands, newest first. */
export function listCommands(
	{ connection }: Parts,
	{ node, method, states, since, schedule, search, limit = 50 }: ListOptions,
): Promise<CommandView[]> {
	const question = {
		limit,
		...(node === undefined ? {} : { node }),
		...(method === undefined ? {} : { method }),
		...(states === undefined ? {} : { states: [...states] }),
		...(since === undefined ? {} : { since: since.getTime() }),
		...(schedule === undefined ? {} : { schedule }),
		...(search === undefined ? {} : { search }),
	};
	return askAll<CommandView>(connection, 'commands', question, limit);
}

/** What waits for a node or runs there, lane by lane, in order. */
export function queueOf({ connection }: Parts, node: string): Promise<CommandView[]> {
	return askAll<CommandView>(connection, 'queue', { node });
}

export function listNodes({ connection }: Parts): Promise<NodeView[]> {
	return askAll<NodeView>(connection, 'nodes', {});
}

/** Undefined when nobody ever heard of it. */
export async function oneNode({ connection }: Parts, node: string): Promise<NodeView | undefined> {
	const [view] = await askAll<NodeView>(connection, 'nodes', { node });
	return view;
}

export function listRows({ connection }: Parts): Promise<NodeRow[]> {
	return askAll<NodeRow>(connection, 'rows', {});
}

export async function totalsOf({ connection }: Parts): Promise<Totals> {
	const [totals] = await askAll<Totals>(connection, 'totals', {});
	if (totals) return totals;
	throw new StewardError('no-centre', 'the centre gave no totals: is it older than this program?');
}
