/**
 * Owns keeping the streams small: what every reader has taken is removed.
 * Promises that nothing above an ack floor goes, and that a claim stays while its command is on its stream or a delivery of
 * it may be under way somewhere: it is all that keeps the command from a start. A crash leaves something for the next round.
 */

import { messageOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { formatHandle, type Handle } from '../domain/names.ts';
import { isFinal } from '../domain/state.ts';
import { consumerName, parseKeyedSubject, streams, subjects } from '../domain/subject.ts';
import type { Claims } from '../jetstream/claims.ts';
import type { Commands } from '../jetstream/commands.ts';
import type { Connection } from '../jetstream/connection.ts';
import { ackFloor, contentOf, purgeBelow } from '../jetstream/consumers.ts';
import { fewestOfFront } from '../jetstream/front.ts';
import type { CentreIndex } from './index.ts';
import { intakeConsumer } from './intake-worker.ts';
import { projectorConsumer } from './projector.ts';
import type { Settler } from './settler.ts';

/** Where claims fill their stream, they are kept for a few `ack_wait`s only. */
const shortRetentionMs = 120_000;
const purgesAtOnce = 16;

export type SweeperOptions = {
	connection: Connection;
	index: CentreIndex;
	claims: Pick<Claims, 'purge' | 'purgeFront'>;
	commands: Pick<Commands, 'findForCertain' | 'idsForCertain'>;
	settler: Pick<Settler, 'settle'>;
	/** A claim stays this long after its command ended, milliseconds. */
	claimRetentionMs: number;
	serverNow: () => number;
	log: Log;
};

export type Swept = { readonly messages: number; readonly claims: number };

export class Sweeper {
	readonly #options: SweeperOptions;
	/** Floors that were swept up to, by stream and consumer: nothing new, nothing to do. */
	readonly #floors = new Map<string, number>();

	constructor(options: SweeperOptions) {
		this.#options = options;
	}

	/** The broker went away, and may have lost its store: what was swept says nothing about what is there now. */
	forgetFloors(): void {
		this.#floors.clear();
	}

	/** Answers what it removed. What cannot be swept now does not keep the rest. */
	async runOnce(): Promise<Swept> {
		const { index } = this.#options;
		let messages = 0;
		messages += await this.#sweep(streams.reports, projectorConsumer);
		messages += await this.#sweep(streams.intake, intakeConsumer);
		for (const node of index.nodes.keys()) {
			const filter = subjects.eventsOfNode(node);
			messages += await this.#sweep(streams.events, consumerName(node, 'events'), filter);
		}
		return { messages, claims: index.isComplete ? await this.#sweepClaims() : 0 };
	}

	async #sweep(stream: string, consumer: string, filter?: string): Promise<number> {
		const { connection, log } = this.#options;
		const key = `${stream} ${consumer}`;
		try {
			const floor = await ackFloor(connection, stream, consumer);
			if (floor === (this.#floors.get(key) ?? 0)) return 0;
			const purged = await purgeBelow(connection, stream, floor + 1, filter);
			this.#floors.set(key, floor);
			return purged;
		} catch (error) {
			log.debug({ stream, consumer, err: messageOf(error) }, 'not swept now');
			return 0;
		}
	}

	async #sweepClaims(): Promise<number> {
		const { connection } = this.#options;
		const { subjects: held, fill } = await contentOf(connection, streams.claims, subjects.claim('*', '*'));
		const over = held.flatMap((subject) => {
			const handle = parseKeyedSubject(subject);
			return handle && this.#isOver(handle, fill) ? [handle] : [];
		});
		let swept = 0;
		for (const [node, ofNode] of byNode(over)) {
			const atFront = ofNode.length < fewestOfFront ? 0 : await this.#sweepFront(node, ofNode);
			swept += atFront;
			// What lies behind one that stays may be at the front in the next round.
			if (atFront === 0) swept += await this.#sweepEach(ofNode);
		}
		return swept;
	}

	/** Claims of a node from the first on, as long as each is over. Answers how many. */
	async #sweepFront(node: string, over: readonly Handle[]): Promise<number> {
		const { claims, commands, log } = this.#options;
		const ids = new Set(over.map(({ id }) => id));
		try {
			const left = await commands.idsForCertain(node);
			const isOver = (id: string) => ids.has(id) && !left.has(id);
			return (await claims.purgeFront(node, ids.size, isOver)).removed;
		} catch (error) {
			log.debug({ node, err: messageOf(error) }, 'claims are not swept together now');
			return 0;
		}
	}

	async #sweepEach(over: readonly Handle[]): Promise<number> {
		let swept = 0;
		for (let from = 0; from < over.length; from += purgesAtOnce) {
			const some = over.slice(from, from + purgesAtOnce);
			swept += (await Promise.all(some.map((handle) => this.#sweepClaim(handle)))).filter(Boolean).length;
		}
		return swept;
	}

	/**
	 * The stream itself is asked: whoever called the command final may have died before it was removed, and then nobody's index
	 * tells. What is still there is settled once more, and its claim waits for that.
	 */
	async #sweepClaim(handle: Handle): Promise<boolean> {
		const { claims, commands, settler } = this.#options;
		const left = await commands.findForCertain(handle.node, handle.id);
		if (left) settler.settle(left);
		else await claims.purge(handle);
		return !left;
	}

	/** Settled for long enough, by the ledger's own time. */
	#isOver(handle: Handle, fill: number): boolean {
		const { index, claimRetentionMs, serverNow } = this.#options;
		const summary = index.ledger.get(formatHandle(handle));
		if (!summary || !isFinal(summary.state) || summary.settledAt === null) return false;
		if (index.waiting.get(handle.node)?.has(handle.id)) return false;
		const retention = fill > 0.5 ? Math.min(claimRetentionMs, shortRetentionMs) : claimRetentionMs;
		return serverNow() - summary.settledAt >= retention;
	}
}

function byNode(handles: readonly Handle[]): ReadonlyMap<string, readonly Handle[]> {
	const nodes = new Map<string, Handle[]>();
	for (const handle of handles) {
		const ofNode = nodes.get(handle.node) ?? [];
		nodes.set(handle.node, ofNode);
		ofNode.push(handle);
	}
	return nodes;
}
