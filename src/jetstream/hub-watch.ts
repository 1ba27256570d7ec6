/**
 * Owns the knowledge whether the hub can be reached through a leaf server: JetStream under the hub's domain.
 * Promises to notice a lost link between the two within about a second, without a byte on that link, its return as soon, and a
 * link that is silent after two probes without an answer. Holds nothing that the next connect does not learn again.
 */

import { type NatsConnection, RequestError } from '@nats-io/transport-node';
import { z } from 'zod';
import type { Clock } from '../base/clock.ts';
import { decode } from '../domain/wire.ts';

/** A question that stays on the leaf server. */
const lookEveryMs = 1000;
/** One that crosses the link, about 320 bytes with its answer, while nothing says that it is lost. */
const probeEveryMs = 15_000;
const probeWithinMs = 5000;
const mostSilent = 2;
/** Every client may ask a server about its own account, and the server that it is connected to answers by itself. */
const localQuestion = '$SYS.REQ.ACCOUNT.PING.STATZ';

const statzSchema = z.object({
	server: z.object({ id: z.string(), domain: z.string().optional() }),
	data: z.object({ account_statz: z.array(z.object({ leafnodes: z.number() })) }),
});

export type HubWatchOptions = {
	readonly nc: NatsConnection;
	/** The hub's JetStream domain, and the prefix of its API. */
	readonly domain: string;
	readonly api: string;
	/** Called on each change. */
	readonly onChange: (isThere: boolean) => void;
	readonly clock: Clock;
};

export class HubWatch {
	readonly #options: HubWatchOptions;
	/** Links of the account to other servers, by the server that said so. */
	readonly #links = new Map<string, number>();
	#isThere = false;
	#isRunning = false;
	#probing: object | undefined;
	#probedAt = 0;
	#silent = 0;
	#cancelLook: () => void = () => undefined;

	constructor(options: HubWatchOptions) {
		this.#options = options;
	}

	/** The leaf server is connected. */
	start(): void {
		this.#isRunning = true;
		void this.#look();
	}

	/** It is not. */
	stop(): void {
		this.#isRunning = false;
		this.#cancelLook();
		this.#links.clear();
		this.#set(false);
	}

	async #look(): Promise<void> {
		const { clock } = this.#options;
		this.#cancelLook();
		this.#cancelLook = clock.after(lookEveryMs, () => void this.#look());
		if (!this.#isThere) void this.#probe();
		const hasLost = await this.#hasLostLink();
		if (!this.#isRunning) return;
		// What waits at the hub for this connection went with the link, also where the link is back by now.
		if (hasLost) this.#set(false);
		if (hasLost || clock.monotonic() - this.#probedAt >= probeEveryMs) void this.#probe();
	}

	/** A server says that it has fewer links than the last time. At the hub itself they are others' links. */
	async #hasLostLink(): Promise<boolean> {
		const { nc, domain } = this.#options;
		try {
			const { data } = await nc.request(localQuestion, '', { timeout: lookEveryMs });
			const answer = decode(statzSchema, data);
			if (!answer || answer.server.domain === domain) return false;
			const { id } = answer.server;
			const links = answer.data.account_statz[0]?.leafnodes ?? 0;
			const before = this.#links.get(id) ?? 0;
			if (this.#isRunning) this.#links.set(id, links);
			return links < before;
		} catch {
			// Not allowed, or the server does not answer: then the probes alone tell.
			return false;
		}
	}

	/** Without the link the leaf server itself answers: nobody is there. What the answer says does not matter. */
	async #probe(): Promise<void> {
		if (this.#probing) return;
		const { nc, api, clock } = this.#options;
		const probing = {};
		this.#probing = probing;
		this.#probedAt = clock.monotonic();
		let verdict: 'there' | 'away' | 'silent' = 'there';
		try {
			await nc.request(`${api}.STREAM.INFO._`, '', { timeout: probeWithinMs });
		} catch (error) {
			verdict = error instanceof RequestError && error.isNoResponders() ? 'away' : 'silent';
		}
		if (this.#probing !== probing) return;
		this.#probing = undefined;
		this.#silent = verdict === 'silent' ? this.#silent + 1 : 0;
		if (verdict === 'there') this.#set(true);
		else if (verdict === 'away' || this.#silent >= mostSilent) this.#set(false);
	}

	#set(isThere: boolean): void {
		// An answer to what was asked before says nothing any more.
		if (!isThere) this.#probing = undefined;
		if (this.#isThere === isThere) return;
		this.#isThere = isThere;
		this.#options.onChange(isThere);
	}
}
