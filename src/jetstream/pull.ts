/**
 * Owns pulling from one durable consumer: as many messages as there are free slots, a few at a time, never more.
 * Promises that a lost pull is noticed and made again, that a missing consumer is said, that nothing more waits where
 * that is asked for, and that after `stop` nothing is delivered. What was delivered and not acknowledged before a crash comes again by itself.
 */

import type { Msg, Subscription } from '@nats-io/transport-node';
import type { Clock } from '../base/clock.ts';
import { Lifecycle, type Service } from '../base/lifecycle.ts';
import type { Connection, Link } from './connection.ts';
import { ConsumerProbe } from './consumer-probe.ts';
import { type Delivery, toDelivery } from './delivery.ts';
import { headersOf } from './headers.ts';
import { apartFromReader } from './reach.ts';

export type { Delivery } from './delivery.ts';

export type PullStatus = 'ready' | 'waiting';

type PullerOptions = {
	link: Link;
	/** Undefined while it is not known yet: then nothing is pulled. */
	stream: () => string | undefined;
	consumer: string;
	/** Slots that are free now, outstanding pulls not counted. `isCatchingUp`: nobody has said yet that nothing waits. */
	freeSlots: (isCatchingUp: boolean) => number;
	onDelivery: (delivery: Delivery) => void;
	/** `waiting`: the consumer is not there; said once for each change. */
	onStatus?: (status: PullStatus) => void;
	/** After each connect, once nothing waits there; until then one message at a time is pulled. */
	onCaughtUp?: (() => void) | undefined;
	/** Whether what is not there at once is not waited for, at this moment. */
	isLooking?: (() => boolean) | undefined;
	/** A pull has found nothing. */
	onNothing?: (() => void) | undefined;
	/** How often the server says that a pull still waits there; one that is silent for 2.25 times as long is lost. */
	heartbeatMs?: number;
	clock: Clock;
};

/** A pull waits this long at the server before it is made again; until then its heartbeats say that it is there. */
const expiresMs = 300_000;
const usualHeartbeatMs = 20_000;
const retryMs = { first: 200, most: 5000 };

/** Where the answers to one pull after another come. */
type Inbox = { readonly subject: string; readonly subscription: Subscription; pull: Pull | undefined };

/** One request for messages. While it is under way its inbox is its own: when that is gone, the server forgets the request. */
type Pull = { readonly inbox: Inbox; remaining: number; lastHeard: number };

export class Puller implements Service {
	readonly name: string;
	readonly #options: PullerOptions;
	readonly #lifecycle: Lifecycle;
	readonly #pulls = new Set<Pull>();
	/** Of pulls that the server is done with. */
	readonly #freeInboxes: Inbox[] = [];
	#connection: Connection | undefined;
	/** Across a leaf server: asks whether the consumer is there, before anything is pulled. */
	#probe: ConsumerProbe | undefined;
	#isThere = false;
	#cancelRetry: () => void = () => undefined;
	#cancelWatch: () => void = () => undefined;
	#failures = 0;
	/** Nobody has said yet since the connect that nothing waits. */
	#isCatchingUp = false;
	#status: PullStatus | undefined;
	#offLink: (() => void)[] = [];
	readonly #heartbeatMs: number;

	constructor(options: PullerOptions) {
		this.#heartbeatMs = options.heartbeatMs ?? usualHeartbeatMs;
		this.name = `pull ${options.consumer}`;
		this.#options = options;
		this.#lifecycle = new Lifecycle(
			async () => {
				this.#offLink = [
					options.link.onUp((connection) => this.#attach(connection)),
					options.link.onDown(() => this.#detach()),
				];
				this.#watch();
			},
			async () => {
				for (const off of this.#offLink) off();
				this.#cancelWatch();
				this.#detach();
				this.#status = undefined;
			},
		);
	}

	start(): Promise<void> {
		return this.#lifecycle.start();
	}

	stop(): Promise<void> {
		return this.#lifecycle.stop();
	}

	/** Slots came free, or the consumer was made: pull now what is missing. */
	poke(): void {
		const connection = this.#connection;
		const stream = this.#options.stream();
		if (!connection || !stream || connection.nc.isClosed()) return;
		const outstanding = [...this.#pulls].reduce((sum, pull) => sum + pull.remaining, 0);
		const wanted = this.#options.freeSlots(this.#isCatchingUp) - outstanding;
		if (wanted <= 0 || (this.#isCatchingUp && outstanding > 0)) return;
		// A few more are asked for with the next ones: until then what is asked for keeps them coming.
		if (3 * wanted < outstanding) return;
		this.#cancelRetry();
		if (connection.domain !== undefined && !this.#isThere) return this.#findOut(connection, stream);
		this.#pull(connection, stream, this.#isCatchingUp ? 1 : wanted);
	}

	#pull(connection: Connection, stream: string, batch: number): void {
		const inbox = this.#freeInboxes.pop() ?? this.#newInbox(connection);
		const pull: Pull = { inbox, remaining: batch, lastHeard: this.#options.clock.monotonic() };
		inbox.pull = pull;
		this.#pulls.add(pull);
		const request =
			this.#isCatchingUp || this.#options.isLooking?.()
				? { batch, no_wait: true }
				: { batch, expires: expiresMs * 1e6, idle_heartbeat: this.#heartbeatMs * 1e6 };
		const question = JSON.stringify(request);
		connection.nc.publish(this.#subject(connection, stream), question, { reply: inbox.subject });
		if (this.#status !== 'ready') void this.#sayWhenTaken(connection, pull);
	}

	#newInbox(connection: Connection): Inbox {
		const subject = connection.newInbox();
		const callback = (error: unknown, message: Msg) => {
			if (error) return;
			apartFromReader(() => inbox.pull && this.#onMessage(connection, inbox.pull, message));
		};
		const subscription = connection.nc.subscribe(subject, { callback });
		const inbox: Inbox = { subject, subscription, pull: undefined };
		return inbox;
	}

	#subject({ api }: Connection, stream: string): string {
		return `${api}.CONSUMER.MSG.NEXT.${stream}.${this.#options.consumer}`;
	}

	#findOut(connection: Connection, stream: string): void {
		if (this.#probe) return;
		this.#probe = new ConsumerProbe({
			...{ connection, subject: this.#subject(connection, stream), clock: this.#options.clock },
			onThere: () => {
				this.#probe = undefined;
				this.#isThere = true;
				this.#say('ready');
				this.poke();
			},
			onSilence: () => this.#say('waiting'),
		});
		this.#probe.start();
	}

	/** The consumer may be gone. */
	#doubt(): void {
		this.#isThere = false;
		this.#probe?.stop();
		this.#probe = undefined;
	}

	/** "No such consumer" comes before the answer to a ping that was sent after the pull. */
	async #sayWhenTaken({ nc }: Connection, pull: Pull): Promise<void> {
		try {
			await nc.flush();
		} catch {
			// The link is down: the next pull tells.
			return;
		}
		if (this.#pulls.has(pull)) this.#onHeard(pull);
	}

	#attach(connection: Connection): void {
		this.#detach();
		this.#connection = connection;
		this.#isCatchingUp = this.#options.onCaughtUp !== undefined;
		this.poke();
	}

	#detach(): void {
		this.#connection = undefined;
		this.#doubt();
		for (const pull of this.#pulls) this.#giveUp(pull);
		for (const { subscription } of this.#freeInboxes.splice(0)) subscription.unsubscribe();
		this.#cancelRetry();
	}

	/** The server is done with it. */
	#end(pull: Pull): void {
		this.#pulls.delete(pull);
		pull.inbox.pull = undefined;
		this.#freeInboxes.push(pull.inbox);
	}

	#giveUp(pull: Pull): void {
		this.#pulls.delete(pull);
		pull.inbox.pull = undefined;
		pull.inbox.subscription.unsubscribe();
	}

	#onMessage(connection: Connection, pull: Pull, message: Msg): void {
		if (message.reply) {
			this.#onHeard(pull);
			pull.remaining -= 1;
			if (pull.remaining <= 0) this.#end(pull);
			const delivery = toDelivery(connection, message);
			if (delivery) this.#options.onDelivery(delivery);
			if (pull.remaining <= 0) this.poke();
			return;
		}
		const { code, description } = headersOf(message);
		switch (code) {
			case 100:
				return this.#onHeard(pull);
			case 404:
			case 408:
				this.#onHeard(pull);
				this.#end(pull);
				this.#caughtUp();
				this.#options.onNothing?.();
				return this.poke();
			default: {
				// 503: no such consumer, or nobody to ask. 409: it was deleted, or the server changes hands.
				this.#giveUp(pull);
				this.#doubt();
				const isDeleted = /deleted/i.test(description);
				if (code === 503 || isDeleted) this.#say('waiting');
				this.#retryLater();
			}
		}
	}

	#caughtUp(): void {
		if (!this.#isCatchingUp) return;
		this.#isCatchingUp = false;
		this.#options.onCaughtUp?.();
	}

	#onHeard(pull: Pull): void {
		this.#failures = 0;
		pull.lastHeard = this.#options.clock.monotonic();
		this.#say('ready');
	}

	#retryLater(): void {
		this.#cancelRetry();
		const wait = Math.min(retryMs.first * 2 ** this.#failures++, retryMs.most);
		this.#cancelRetry = this.#options.clock.after(wait, () => this.poke());
	}

	/** A pull that says nothing for two heartbeats is lost: the server or the way to it forgot it. */
	#watch(): void {
		this.#cancelWatch = this.#options.clock.after(this.#heartbeatMs / 4, () => {
			const now = this.#options.clock.monotonic();
			for (const pull of this.#pulls) {
				if (now - pull.lastHeard <= 2.25 * this.#heartbeatMs) continue;
				this.#giveUp(pull);
				this.#doubt();
			}
			this.poke();
			this.#watch();
		});
	}

	#say(status: PullStatus): void {
		if (this.#status === status) return;
		this.#status = status;
		this.#options.onStatus?.(status);
	}
}
