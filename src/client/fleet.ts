/**
 * Owns what users hold: a `Fleet`, composed of the parts beside it.
 * Promises that `send`, `get` and `wait` need a broker only, and that lists say so when no centre answers.
 * A crash loses nothing that was acknowledged: the fleet keeps no state of its own.
 */

import { type Clock, systemClock } from '../base/clock.ts';
import { StewardError } from '../base/errors.ts';
import type { MessageForm } from '../domain/message.ts';
import { parseMessage } from '../domain/message.ts';
import { type Handle, parseHandle } from '../domain/names.ts';
import type { CommandState } from '../domain/state.ts';
import type { CommandView, NodeView, Receipt } from '../domain/view.ts';
import { askAll } from '../jetstream/api.ts';
import { closeConnection, openConnection } from '../jetstream/connection.ts';
import { requireTopology } from '../jetstream/topology.ts';
import { lookUp } from './lookup.ts';
import { type FleetParts, fleetParts } from './parts.ts';
import { sendMessage } from './send.ts';
import { type WaitOptions, type WatchOptions, waitFor, watch } from './watch.ts';

export type FleetOptions = {
	/** Addresses of the broker, `nats://127.0.0.1:4222` by default. */
	servers?: string | readonly string[];
	/** Shown by the server for this connection. */
	name?: string;
	/** How long the broker may take to answer at first, milliseconds, 2,000 by default. */
	timeoutMs?: number;
	clock?: Clock;
};

export type ListOptions = {
	node?: string;
	states?: readonly CommandState[];
	/** Queued at or after. */
	since?: Date;
	/** Newest first, 50 by default. */
	limit?: number;
};

/**
 * Connects to a broker that steward was set up on.
 * @throws StewardError `no-broker`, `no-topology`, `schema-newer`
 */
export async function connect(options: FleetOptions = {}): Promise<Fleet> {
	const clock = options.clock ?? systemClock;
	const servers = options.servers ?? 'nats://127.0.0.1:4222';
	const connection = await openConnection({
		servers: typeof servers === 'string' ? servers.split(',') : servers,
		name: options.name ?? 'steward client',
		...(options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs }),
	});
	try {
		return new Fleet(fleetParts(connection, await requireTopology(connection), clock));
	} catch (error) {
		await closeConnection(connection, clock);
		throw error;
	}
}

export class Fleet implements AsyncDisposable {
	readonly #parts: FleetParts;

	/** Made by {@link connect}. */
	constructor(parts: FleetParts) {
		this.#parts = parts;
	}

	/**
	 * Sends one message in its JSON form, to each of its targets. Resolves when the broker has it on disk.
	 * @throws StewardError `invalid` (all problems listed), `id-conflict`, `refused`, `ambiguous`, `no-broker`
	 */
	send(form: MessageForm): Promise<Receipt[]> {
		return sendMessage(this.#parts, parseMessage(form));
	}

	/** What became of a command, undefined when nobody knows it. Needs no centre. */
	get(handle: string | Handle): Promise<CommandView | undefined> {
		return lookUp(this.#parts, toHandle(handle));
	}

	/**
	 * Resolves when every command is in a final state, in the order asked. Needs no centre.
	 * @throws StewardError `not-found`; `waited-too-long` when `timeoutMs` passed first, `details.pending` lists the rest
	 */
	wait(handles: readonly (string | Handle)[], options: WaitOptions = {}): Promise<CommandView[]> {
		return waitFor(this.#parts, handles.map(toHandle), options);
	}

	/** Resolves when the receiving node has taken the event. @throws StewardError `waited-too-long` */
	async waitDelivered(receipt: Receipt, options: WaitOptions = {}): Promise<void> {
		const { seq } = receipt;
		if (seq === null)
			throw new StewardError('usage', `${receipt.handle} is still in an outbox: its way cannot be followed`);
		await this.#parts.events.waitDelivered({ ...receipt, seq }, this.#parts.clock, options.timeoutMs);
	}

	/** Commands, newest first. @throws StewardError `no-centre` */
	list(options: ListOptions = {}): Promise<CommandView[]> {
		const limit = options.limit ?? 50;
		const question = {
			limit,
			...(options.node === undefined ? {} : { node: options.node }),
			...(options.states === undefined ? {} : { states: [...options.states] }),
			...(options.since === undefined ? {} : { since: options.since.getTime() }),
		};
		return askAll<CommandView>(this.#parts.connection, 'commands', question, limit);
	}

	/** What waits for a node or runs there, lane by lane, in order. @throws StewardError `no-centre` */
	queue(node: string): Promise<CommandView[]> {
		return askAll<CommandView>(this.#parts.connection, 'queue', { node });
	}

	/** All nodes that were ever heard of, or that something waits for. @throws StewardError `no-centre` */
	nodes(): Promise<NodeView[]> {
		return askAll<NodeView>(this.#parts.connection, 'nodes', {});
	}

	/** One node; undefined when nobody ever heard of it. @throws StewardError `no-centre` */
	async node(name: string): Promise<NodeView | undefined> {
		const [view] = await askAll<NodeView>(this.#parts.connection, 'nodes', { node: name });
		return view;
	}

	/** Every change of a command from now on, until `signal` aborts. */
	watch(options: WatchOptions = {}): AsyncIterable<CommandView> {
		return watch(this.#parts, options);
	}

	async close(): Promise<void> {
		await closeConnection(this.#parts.connection, this.#parts.clock);
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.close();
	}
}

function toHandle(handle: string | Handle): Handle {
	return typeof handle === 'string' ? parseHandle(handle) : handle;
}
