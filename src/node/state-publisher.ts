/**
 * Owns saying what the node is: its state on every connect, on change, and every ten minutes; and its beats.
 * Promises that each saying is also a reading of the broker's clock, and notices who else says it. Neither goes through the outbox: a state that is
 * lost is said again, and only the last one counts.
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
import { PublishError, Publisher } from '../jetstream/publisher.ts';
import { momentOf, type ServerTime } from './server-time.ts';
import { boundedState } from './state-bounds.ts';

/** Changes are gathered this long: a state is an fsync at the broker. */
const gatherMs = 1000;
const refreshMs = 600_000;
/** While a consumer is missing the centre is asked again, because it may have missed or failed the last time. */
const askAgainMs = 15_000;
const retryMs = 2000;

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

	/** Something in the state is different: it is said soon. */
	changed(): void {
		if (this.#isDue || !this.#lifecycle.running) return;
		this.#sayIn(gatherMs);
	}

	#sayIn(ms: number): void {
		this.#cancelSay();
		this.#isDue = true;
		this.#cancelSay = this.#options.clock.after(ms, () => {
			this.#saying = this.#saying.then(() => this.#say());
		});
	}

	async #say(): Promise<void> {
		const { link } = this.#options;
		const connection = link.connection;
		this.#isDue = false;
		if (!connection) return;
		this.#isSaying = true;
		try {
			const said = await this.#publishAndRead(connection);
			this.#refusedFor = undefined;
			const isWaiting = said.lanes.some(({ status }) => status === 'waiting');
			if (!this.#isDue && this.#lifecycle.running) this.#sayLater(isWaiting ? askAgainMs : refreshMs);
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

	/** The stored time of one's own state is the broker's clock; a replica may lag, so its sequence is compared. */
	async #publishAndRead(connection: Connection): Promise<NodeState> {
		const { node, clock, serverTime, describe } = this.#options;
		const subject = subjects.state(node);
		if (this.#saidSeq > 0) await this.#watchName(connection, subject);
		const publisher = new Publisher(connection, { stream: streams.state, mayLookUp: false });
		const offsetBefore = serverTime.offsetMs;
		const state = boundedState(describe(), maxPayloadOf(connection));
		const sent = momentOf(clock);
		const ack = await publisher.publish({ subject, data: JSON.stringify(state) });
		const answered = momentOf(clock);
		this.#saidSeq = ack.seq;
		const stored = await getLast(connection, streams.state, subject);
		const isRead = stored?.seq === ack.seq && serverTime.read(stored.storedAt, sent, answered);
		if (!isRead && offsetBefore === null) throw new Error("the broker's clock could not be read");
		// A new reading is part of the state, so the state is said once more.
		if (offsetBefore === null) this.#sayIn(0);
		return state;
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
