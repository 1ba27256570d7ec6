/**
 * Owns what users hold: a `Fleet`, composed of the parts beside it.
 * Promises that `send`, `get` and `wait` need a broker only, and that lists say so when no centre answers.
 * A crash loses nothing that was acknowledged: the fleet keeps no state of its own.
 */

import { type Clock, systemClock } from '../base/clock.ts';
import { StewardError } from '../base/errors.ts';
import type { TlsSettings } from '../domain/config.ts';
import type { MessageForm } from '../domain/message.ts';
import { parseMessage } from '../domain/message.ts';
import { type Handle, toHandle } from '../domain/names.ts';
import type { NodeRow, Totals } from '../domain/row-schema.ts';
import type { TrustList } from '../domain/trust.ts';
import type { Cancellation, CommandView, NodeView, Receipt, WhyView } from '../domain/view.ts';
import { closeConnection, openConnection, roundTripMs } from '../jetstream/connection.ts';
import { requireTopology } from '../jetstream/topology.ts';
import { readCredentials } from '../security/credentials.ts';
import { type CancelOptions, cancelCommand } from './cancel.ts';
import { DeadLetterOffice } from './dead.ts';
import { type Decommissioned, type DecommissionOptions, decommission, recommission } from './decommission.ts';
import { type IdleOptions, waitIdle } from './idle.ts';
import { onEach } from './in-turns.ts';
import {
	type DrainOptions,
	drainNode,
	type PauseOptions,
	pauseLanes,
	type ResumeOptions,
	resumeNode,
	type StopOptions,
	stopMethod,
} from './lanes.ts';
import { type ListOptions, listCommands, listNodes, listRows, oneNode, queueOf, totalsOf } from './lists.ts';
import { type LogPiece, type LogsOptions, logs } from './logs.ts';
import { lookUp } from './lookup.ts';
import { type FleetParts, fleetParts } from './parts.ts';
import { retryCommand } from './retry.ts';
import { ScheduleBook } from './schedules.ts';
import { type SendOptions, sendMessage } from './send.ts';
import { FleetTrust } from './trust.ts';
import { type WaitOptions, waitFor } from './wait.ts';
import { type WatchOptions, watch } from './watch.ts';
import { type NodeChange, type WatchNodesOptions, watchNodes } from './watch-nodes.ts';
import { whyCommand } from './why.ts';

export type FleetOptions = {
	/** Addresses of the broker, `nats://127.0.0.1:4222` by default. */
	servers?: string | readonly string[];
	/** JetStream domain that steward's streams are in; needed where `servers` are leaf servers with a domain of their own. */
	domain?: string | undefined;
	/** Path of the file that says who asks, where the broker has accounts: what `steward enrol` made (`.creds`). */
	credentials?: string | undefined;
	/** Public keys (`O…`) of the roots of the fleet: a trust list counts here only if they lead to it. Without any the broker is believed. */
	roots?: readonly string[] | undefined;
	/** What counts before a trust list is published: what the enrolment left on this machine. */
	trust?: TrustList | undefined;
	/** How the connection is encrypted; for `tls://` addresses, and beyond loopback with credentials, it is in any case. */
	tls?: Partial<TlsSettings> | false | undefined;
	/** Shown by the server for this connection. */
	name?: string;
	/** How long the broker may take to answer at first, milliseconds, 2,000 by default. */
	timeoutMs?: number;
	/** Told to whoever asks later who cancelled, paused or retried; by default the name of the credentials, `operator` without any. */
	author?: string;
	clock?: Clock;
};

/**
 * Connects to a broker that steward was set up on.
 * @throws StewardError `no-broker`, `unauthorized`, `no-topology`, `schema-newer`
 */
export async function connect(options: FleetOptions = {}): Promise<Fleet> {
	const clock = options.clock ?? systemClock;
	const servers = options.servers ?? 'nats://127.0.0.1:4222';
	const credentials =
		options.credentials === undefined ? undefined : await readCredentials(options.credentials);
	const connection = await openConnection({
		servers: typeof servers === 'string' ? servers.split(',') : servers,
		...{ domain: options.domain, tls: options.tls, credentials },
		name: options.name ?? 'steward client',
		...(options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs }),
	});
	try {
		const { author = credentials?.name ?? 'operator', roots, trust } = options;
		const own = { clock, author, roots, trust, signer: credentials?.key };
		return new Fleet(fleetParts(connection, await requireTopology(connection), own));
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
	send(form: MessageForm, options: SendOptions = {}): Promise<Receipt[]> {
		return sendMessage(this.#parts, parseMessage(form), undefined, options);
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

	/**
	 * Resolves when the receiving node has taken the event.
	 * @throws StewardError `waited-too-long`; `refused` when it is a dead letter: not handled, or not taken in time
	 */
	async waitDelivered(receipt: Receipt, options: WaitOptions = {}): Promise<void> {
		const { seq } = receipt;
		if (seq === null)
			throw new StewardError('usage', `${receipt.handle} is still in an outbox: its way cannot be followed`);
		await this.#parts.events.waitDelivered({ ...receipt, seq }, this.#parts.clock, options.timeoutMs);
	}

	/** Why it is where it is, in one sentence from facts. Needs no centre. @throws StewardError `not-found`, `no-broker` */
	why(handle: string | Handle): Promise<WhyView> {
		return whyCommand(this.#parts, toHandle(handle));
	}

	/** Commands, newest first. @throws StewardError `no-centre` */
	list(options: ListOptions = {}): Promise<CommandView[]> {
		return listCommands(this.#parts, options);
	}

	/** What waits for a node or runs there, lane by lane, in order. @throws StewardError `no-centre` */
	queue(node: string): Promise<CommandView[]> {
		return queueOf(this.#parts, node);
	}

	/** All nodes that were ever heard of, or that something waits for. @throws StewardError `no-centre` */
	nodes(): Promise<NodeView[]> {
		return listNodes(this.#parts);
	}

	/** As {@link nodes}, a row each: what a table of ten thousand shows. @throws StewardError `no-centre` */
	nodeRows(): Promise<NodeRow[]> {
		return listRows(this.#parts);
	}

	/** Counts over all nodes and commands. @throws StewardError `no-centre` */
	totals(): Promise<Totals> {
		return totalsOf(this.#parts);
	}

	/** One node; undefined when nobody ever heard of it. @throws StewardError `no-centre` */
	node(name: string): Promise<NodeView | undefined> {
		return oneNode(this.#parts, name);
	}

	/**
	 * Calls commands off, in the order asked. What has not started never will, also on a node that is away for a year.
	 * @throws StewardError `invalid`, `not-found`, `no-broker`, `ambiguous`, `refused`. Of several handles the gravest, after all of them:
	 * `details.done` has `{ handle, answer }` of those that worked, `details.failed` `{ handle, code, message }` of the others
	 */
	async cancel(handles: readonly (string | Handle)[], options: CancelOptions = {}): Promise<Cancellation[]> {
		return onEach(handles.map(toHandle), (handle) => cancelCommand(this.#parts, handle, options));
	}

	/**
	 * Sends commands that have ended once more, each as a new command that says where it comes from.
	 * @throws StewardError `not-found`; `refused` for what has not ended, or whose message is gone; as {@link send}. Of several
	 * handles as {@link cancel}: asking again for those of `details.done` would send them once more
	 */
	async retry(handles: readonly (string | Handle)[]): Promise<Receipt[]> {
		return onEach(handles.map(toHandle), (handle) => retryCommand(this.#parts, handle));
	}

	/**
	 * The output of a command, in pieces: what is stored of it, then an `end`. With `follow` it goes on while the command runs
	 * (or waits to), until all of its output is here. What is missing is a `gap`. Needs no centre.
	 * @throws StewardError `not-found`, `no-broker`, when it is read
	 */
	logs(handle: string | Handle, options: LogsOptions = {}): AsyncIterable<LogPiece> {
		return logs(this.#parts, toHandle(handle), options);
	}

	/** Dead letters: what was taken out of its lane, with its evidence. Needs no centre. */
	get dead(): DeadLetterOffice {
		return new DeadLetterOffice(this.#parts);
	}

	/** Whom nodes trust, and what those may do: signed documents. Who has them asks a centre, all else needs the broker only. */
	get trust(): FleetTrust {
		return new FleetTrust(this.#parts);
	}

	/** What is to be sent again and again: a form, kept under a name. Lists ask a centre, all else needs the broker only. */
	get schedules(): ScheduleBook {
		return new ScheduleBook(this.#parts);
	}

	/**
	 * Nothing more starts on these lanes, until they are resumed; what runs goes on. An absent node learns it when it is back,
	 * before anything else starts there. @throws StewardError `invalid`, as {@link send}
	 */
	pause(node: string, options: PauseOptions = {}): Promise<Receipt> {
		return pauseLanes(this.#parts, node, options);
	}

	/** Undoes pause, drain and stop: of these lanes, of one method, of everything where nothing is named. @throws as {@link pause} */
	resume(node: string, options: ResumeOptions = {}): Promise<Receipt> {
		return resumeNode(this.#parts, node, options);
	}

	/**
	 * Nothing more starts on the node, events included, until it was started again or is resumed.
	 * @throws StewardError as {@link pause}; with `untilIdle` `waited-too-long`, and `refused` when the drain ended before
	 */
	drain(node: string, options: DrainOptions = {}): Promise<Receipt> {
		return drainNode(this.#parts, node, options);
	}

	/** Resolves when nothing runs any more on a drained node. Needs no centre. @throws StewardError `waited-too-long`, `refused` */
	waitIdle(node: string, options: IdleOptions = {}): Promise<void> {
		return waitIdle(this.#parts, node, options);
	}

	/** The method runs no more on the node until it is resumed: its commands wait, and the lanes whose next command is one. */
	stop(node: string, options: StopOptions): Promise<Receipt> {
		return stopMethod(this.#parts, node, options);
	}

	/**
	 * Takes a node out of service: it is sent nothing more, a centre calls off what waits for it, and gives up what it started as
	 * `lost`. @throws StewardError `invalid`, `no-broker`, `ambiguous`
	 */
	decommission(node: string, options: DecommissionOptions = {}): Promise<Decommissioned> {
		return decommission(this.#parts, node, options);
	}

	/** Takes it back; false where it was in service. What was ended stays ended. @throws as {@link decommission} */
	recommission(node: string): Promise<boolean> {
		return recommission(this.#parts, node);
	}

	/** Every change of a command from now on, until `signal` aborts. */
	watch(options: WatchOptions = {}): AsyncIterable<CommandView> {
		return watch(this.#parts, options);
	}

	/** Every node that comes or goes from now on, as a centre notices it, until `signal` aborts. */
	watchNodes(options: WatchNodesOptions = {}): AsyncIterable<NodeChange> {
		return watchNodes(this.#parts, options);
	}

	/** How long the server that the connection leads to takes to answer the least, milliseconds. @throws StewardError `no-broker` */
	roundTripMs(): Promise<number> {
		const { connection, clock } = this.#parts;
		return roundTripMs(connection, clock);
	}

	/** The broker can be reached now. What follows or waits goes on by itself when it is back. */
	get isUp(): boolean {
		return this.#parts.connection.reach.isUp;
	}

	/** Called when the broker is lost (false) and when it is back (true); the answer takes the listener off. */
	onLink(listener: (isUp: boolean) => void): () => void {
		return this.#parts.connection.reach.onChange(listener);
	}

	async close(): Promise<void> {
		await closeConnection(this.#parts.connection, this.#parts.clock);
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.close();
	}
}
