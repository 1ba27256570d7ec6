/**
 * Owns keeping the streams small: what every reader has taken is removed.
 * Promises that nothing above an ack floor goes, and that a claim stays while a delivery of its command may be under
 * way somewhere. A crash leaves something for the next round.
 */

import type { Log } from '../base/log.ts';
import { formatHandle } from '../domain/names.ts';
import { isFinal } from '../domain/state.ts';
import { consumerName, parseKeyedSubject, streams, subjects } from '../domain/subject.ts';
import type { Claims } from '../jetstream/claims.ts';
import type { Connection } from '../jetstream/connection.ts';
import { ackFloor, purgeBelow, subjectsOf } from '../jetstream/consumers.ts';
import type { CentreIndex } from './index.ts';
import { intakeConsumer } from './intake-worker.ts';
import { projectorConsumer } from './projector.ts';

export type SweeperOptions = {
	connection: Connection;
	index: CentreIndex;
	claims: Claims;
	/** A claim stays this long after its command ended, milliseconds. */
	claimRetentionMs: number;
	serverNow: () => number;
	log: Log;
};

export type Swept = { readonly messages: number; readonly claims: number; readonly forgotten: number };

export class Sweeper {
	readonly #options: SweeperOptions;
	/** Floors that were swept up to, by stream and consumer: nothing new, nothing to do. */
	readonly #floors = new Map<string, number>();

	constructor(options: SweeperOptions) {
		this.#options = options;
	}

	/** Answers what it removed. */
	async runOnce(): Promise<Swept> {
		const { index, serverNow } = this.#options;
		let messages = 0;
		messages += await this.#sweep(streams.reports, projectorConsumer);
		messages += await this.#sweep(streams.intake, intakeConsumer);
		for (const node of index.nodes.keys()) {
			messages += await this.#sweep(
				streams.events,
				consumerName(node, 'events'),
				subjects.eventsOfNode(node),
			);
		}
		const claims = index.isComplete ? await this.#sweepClaims() : 0;
		return { messages, claims, forgotten: index.prune(serverNow()) };
	}

	async #sweep(stream: string, consumer: string, filter?: string): Promise<number> {
		const { connection } = this.#options;
		const key = `${stream} ${consumer}`;
		const floor = await ackFloor(connection, stream, consumer);
		if (floor <= (this.#floors.get(key) ?? 0)) return 0;
		const purged = await purgeBelow(connection, stream, floor + 1, filter);
		this.#floors.set(key, floor);
		return purged;
	}

	async #sweepClaims(): Promise<number> {
		const { connection, index, claims, claimRetentionMs, serverNow } = this.#options;
		const now = serverNow();
		let removed = 0;
		for (const subject of await subjectsOf(connection, streams.claims, subjects.claim('*', '*'))) {
			const handle = parseKeyedSubject(subject);
			if (!handle) continue;
			const summary = index.ledger.get(formatHandle(handle));
			const isOver = summary && isFinal(summary.state) && summary.endedAt !== null;
			if (!isOver || now - (summary.endedAt ?? now) < claimRetentionMs) continue;
			if (index.waiting.get(handle.node)?.has(handle.id)) continue;
			await claims.purge(handle);
			removed += 1;
		}
		return removed;
	}
}
