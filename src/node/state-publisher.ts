/**
 * Owns saying what the node is: its state on every connect, where it has changed, and every ten minutes; and its beats.
 * Promises a reading of the broker's clock on every connect and every ten minutes, that what the broker knows already does not
 * cross the link again, and to notice who else says it. Neither goes through the outbox: a state that is lost is said again, and only the last one counts.
 */

import type { Clock } from '../base/clock.ts';
import { messageOf } from '../base/errors.ts';
import { Lifecycle, type Service } from '../base/lifecycle.ts';
import type { Log } from '../base/log.ts';
import { type Beat, type NodeState, nodeStateSchema } from '../domain/node-state.ts';
import { streams, subjects } from '../domain/subject.ts';
import { decode } from '../domain/wire.ts';
import { type Connection, type Link, requestTimeoutMs } from '../jetstream/connection.ts';
import { getLast } from '../jetstream/direct-get.ts';
import { maxPayloadOf } from '../jetstream/limits.ts';
import {
	expectedSeqHeader,
	isWrongSequence,
	type PublishAck,
	PublishError,
	Publisher,
} from '../jetstream/publisher.ts';
import { type Moment, momentOf, type ServerTime } from './server-time.ts';
import { boundedState } from './state-bounds.ts';

/** Changes are gathered this long: a state is an fsync at the broker. */
const gatherMs = 1000;
const refreshMs = 600_000;
/** While a consumer is missing the centre is asked again, because it may have missed or failed the last time. */
const askAgainMs = 15_000;
const retryMs = 2000;
/** Clocks of which one runs a little faster are no news before the next reading. */
const sameOffsetMs = 100;

export type StatePublisherOptions = {
	node: string;
	link: Link;
	serverTime: ServerTime;
	describe: () => NodeState;
	/** Who beats: tells two nodes of one name apart. */
	beat: Omit<Beat, 'leaving'>;
	beatEveryMs: number;
	/** Another process says that it is this node. */
	onNameUsedTwice: (machine: string) => void;
	clock: Clock;
	log: Log;
};

export class StatePublisher implements Service {
	readonly name = 'state';
	readonly #options: StatePublisherOptions;
	readonly #lifecycle: Lifecycle;
	#cancelSay: () => void = () => undefined;
	#cancelBeat: () => void = () => undefined;
	#off: () => void = () => undefined;
	#saying: Promise<void> = Promise.resolve();
	#isDue = false;
	#isSaying = false;
	/** Sequence of what this process said last. */
	#saidSeq = 0;
	/** What it said last on this connection, and when the broker's clock was read there, monotonic. */
	#said: { readonly connection: Connection; readonly state: NodeState } | undefined;
	#readAt: { readonly connection: Connection; readonly at: number } | undefined;
	/** It is said by then whatever it is, monotonic. */
	#dueAt = 0;
	/** The broker's code of the refusal that was told last; what comes again for the same cause is not. */
	#refusedFor: number | undefined;

	constructor(options: StatePublisherOptions) {
		this.#options = options;
		this.#lifecycle = new Lifecycle(
			async () => {
				const offLink = options.link.onUp(() => {
					this.#beat();
					this.#sayIn(0);
				});
				const offWanted = options.serverTime.onWanted(() => this.#sayIn(0));
				this.#off = () => {
					offLink();
					offWanted();
				};
			},
			async () => {
				this.#off();
				this.#cancelSay();
				this.#cancelBeat();
				await this.#saying;
				await this.#takeLeave();
			},
		);
	}

	start(): Promise<void> {
		return this.#lifecycle.start();
	}

	stop(): Promise<void> {
		return this.#lifecycle.stop();
	}

	/** Something in the state may be different: where it is, that is said soon. */
	changed(): void {
		if (this.#isDue || !this.#lifecycle.running) return;
		this.#sayIn(gatherMs, () => this.#isNews());
	}

	#sayIn(ms: number, isWanted = () => true): void {
		this.#cancelSay();
		this.#isDue = true;
		this.#cancelSay = this.#options.clock.after(ms, () => {
			this.#saying = this.#saying.then(() => this.#say(isWanted));
		});
	}

	async #say(isWanted: () => boolean): Promise<void> {
		const { link, clock } = this.#options;
		const connection = link.connection;
		this.#isDue = false;
		if (!connection) return;
		if (!isWanted()) return this.#sayLater(Math.max(this.#dueAt - clock.monotonic(), 0));
		this.#isSaying = true;
		try {
			const said = await this.#publishAndRead(connection);
			this.#refusedFor = undefined;
			const isWaiting = said.lanes.some(({ status }) => status === 'waiting');
			const againMs = isWaiting ? askAgainMs : refreshMs;
			this.#dueAt = clock.monotonic() + againMs;
			if (!this.#isDue && this.#lifecycle.running) this.#sayLater(againMs);
		} catch (error) {
			this.#tellFailure(error);
			if (this.#lifecycle.running) this.#sayIn(retryMs);
		} finally {
			this.#isSaying = false;
		}
	}

	/** What the broker refuses it will refuse again: the centre knows nothing of this node until somebody looks. */
	#tellFailure(error: unknown): void {
		const { log } = this.#options;
		const cause = error instanceof PublishError && error.kind === 'refused' ? error.errCode : undefined;
		if (cause === undefined || cause === this.#refusedFor) {
			log.debug({ err: messageOf(error) }, 'the state could not be said; again soon');
		} else {
			log.error(
				{ err: messageOf(error) },
				'the broker refuses the state of this node, so the centre cannot see it',
			);
		}
		this.#refusedFor = cause ?? this.#refusedFor;
	}

	#sayLater(ms: number): void {
		this.#cancelSay = this.#options.clock.after(ms, () => this.#sayIn(0));
	}

	/** A command that began and ended since is none. */
	#isNews(): boolean {
		const { link, describe, serverTime } = this.#options;
		const connection = link.connection;
		const said = this.#said;
		if (!connection || said?.connection !== connection || !serverTime.isKnown) return true;
		const now = boundedState(describe(), maxPayloadOf(connection));
		const offsets = [now.clockOffsetMs, said.state.clockOffsetMs].map((ms) => ms ?? Number.NaN);
		const [offset = Number.NaN, before = Number.NaN] = offsets;
		return !(Math.abs(offset - before) <= sameOffsetMs) || contentOf(now) !== contentOf(said.state);
	}

	/** The stored time of one's own state is the broker's clock; a replica may lag, so its sequence is compared. */
	async #publishAndRead(connection: Connection): Promise<NodeState> {
		const { node, clock, serverTime, describe } = this.#options;
		const offsetBefore = serverTime.offsetMs;
		const state = boundedState(describe(), maxPayloadOf(connection));
		const { ack, sent, answered } = await this.#publish(connection, state);
		this.#saidSeq = ack.seq;
		this.#said = { connection, state };
		if (!this.#isReadingDue(connection)) return state;
		const stored = await getLast(connection, streams.state, subjects.state(node));
		const isRead = stored?.seq === ack.seq && serverTime.read(stored.storedAt, sent, answered);
		if (isRead) this.#readAt = { connection, at: clock.monotonic() };
		if (!isRead && offsetBefore === null) throw new Error("the broker's clock could not be read");
		// A new reading is part of the state, so the state is said once more.
		if (offsetBefore === null) this.#sayIn(0);
		return state;
	}

	/** A reading brings back all of the state. */
	#isReadingDue(connection: Connection): boolean {
		const { clock, serverTime } = this.#options;
		const read = this.#readAt;
		if (!serverTime.isKnown || read?.connection !== connection) return true;
		return clock.monotonic() - read.at >= refreshMs;
	}

	/** In the place of what this process said last; where something else stands there, whose that is is looked up first. */
	async #publish(
		connection: Connection,
		state: NodeState,
	): Promise<{ readonly ack: PublishAck; readonly sent: Moment; readonly answered: Moment }> {
		const { node, clock } = this.#options;
		const subject = subjects.state(node);
		const publisher = new Publisher(connection, { stream: streams.state, mayLookUp: false });
		const say = async (headers: Readonly<Record<string, string>>) => {
			const sent = momentOf(clock);
			const ack = await publisher.publish({ subject, data: JSON.stringify(state), headers });
			return { ack, sent, answered: momentOf(clock) };
		};
		if (this.#saidSeq === 0) return say({});
		try {
			return await say({ [expectedSeqHeader]: String(this.#saidSeq) });
		} catch (error) {
			if (!isWrongSequence(error)) throw error;
			await this.#watchName(connection, subject);
			return say({});
		}
	}

	/** What stands there is what this process said last, unless somebody else says that it is this node. */
	async #watchName(connection: Connection, subject: string): Promise<void> {
		const stored = await getLast(connection, streams.state, subject);
		if (!stored || stored.seq <= this.#saidSeq) return;
		const other = decode(nodeStateSchema, stored.data);
		if (!other || other.boot === this.#options.beat.boot || other.stopping) return;
		this.#options.log.error(
			{ machine: other.machine },
			`another node uses the name ${other.node}: stop one of them`,
		);
		this.#options.onNameUsedTwice(other.machine);
	}

	#beat(): void {
		const { link, node, clock, serverTime, beatEveryMs } = this.#options;
		this.#cancelBeat();
		// The clock stepped, or the machine was suspended: what the state says of it is wrong now.
		if (!serverTime.isKnown && !this.#isDue && !this.#isSaying) this.#sayIn(0);
		link.connection?.nc.publish(subjects.beat(node), this.#beatText(false));
		this.#cancelBeat = clock.after(beatEveryMs, () => this.#beat());
	}

	/** A clean stop says so: the centre need not wait for a silence. */
	async #takeLeave(): Promise<void> {
		const { link, node, clock } = this.#options;
		const connection = link.connection;
		if (!connection) return;
		const said = this.#publishAndRead(connection).then(
			() => undefined,
			// Without this last word the centre notices the silence.
			() => undefined,
		);
		await Promise.race([said, clock.sleep(requestTimeoutMs / 2)]);
		connection.nc.publish(subjects.beat(node), this.#beatText(true));
	}

	#beatText(leaving: boolean): string {
		const { machine, boot } = this.#options.beat;
		return JSON.stringify({ machine, boot, leaving });
	}
}

/** All of it but when it was said, by which clock. */
function contentOf(state: NodeState): string {
	return JSON.stringify({ ...state, saidAt: 0, clockOffsetMs: null });
}
