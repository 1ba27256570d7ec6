/**
 * Owns what the centre does for nodes: records their states, keeps their presence, asks for their consumers, and notices
 * two machines with one name. Promises that a state is written down only over the one before it.
 * Soft: a new leader reads the last state of every node again.
 */

import type { Clock } from '../base/clock.ts';
import { messageOf } from '../base/errors.ts';
import { Lifecycle, type Service } from '../base/lifecycle.ts';
import type { Log } from '../base/log.ts';
import { isNodeName } from '../domain/names.ts';
import {
	type Beat,
	beatSchema,
	type NodeRecord,
	type NodeState,
	nodeStateSchema,
} from '../domain/node-state.ts';
import { nodeOfSubject, shardOf, streams, subjects } from '../domain/subject.ts';
import { decode } from '../domain/wire.ts';
import type { Connection } from '../jetstream/connection.ts';
import { type Followed, type Following, follow } from '../jetstream/follow.ts';
import type { Nodes } from '../jetstream/nodes.ts';
import { LaneConsumers } from './lane-consumers.ts';

export type NodeKeeperOptions = {
	connection: Connection;
	shards: number;
	/** Told of each state that is said, by its subject. */
	onRead?: (subject: string) => void;
	nodes: Nodes;
	/** Out of service: it is sent nothing, so it needs no consumers. */
	isDecommissioned: (node: string) => boolean;
	presenceTtlMs: number;
	/** A consumer that does not answer for so long is made again elsewhere, milliseconds. */
	consumerLostAfterMs: number;
	serverNow: () => number;
	clock: Clock;
	log: Log;
};

const recordTries = 6;
const lagMs = 50;
const presenceTries = 8;
const presenceRetryMs = 250;

/** Who beats under one name: the latest boot, and those before it. */
type Beating = { boot: string; machine: string; heardAt: number; earlier: Set<string>; conflict: boolean };

export class NodeKeeper implements Service {
	readonly name = 'node keeper';
	readonly #options: NodeKeeperOptions;
	readonly #lifecycle: Lifecycle;
	readonly #beating = new Map<string, Beating>();
	/** One node's states are handled in turn. */
	readonly #turns = new Map<string, Promise<void>>();
	readonly #consumers: LaneConsumers;
	#states: Following | undefined;
	#stopBeats: () => void = () => undefined;

	constructor(options: NodeKeeperOptions) {
		this.#options = options;
		const { connection, consumerLostAfterMs: lostAfterMs, clock, log } = options;
		this.#consumers = new LaneConsumers({ connection, lostAfterMs, clock, log });
		this.#lifecycle = new Lifecycle(
			async () => {
				this.#consumers.start();
				const beats = connection.nc.subscribe(subjects.beats, {
					callback: (error, message) => {
						if (!error) this.#onBeat(nodeOfSubject(message.subject), message.data);
					},
				});
				this.#stopBeats = () => beats.unsubscribe();
				const options = { stream: streams.state, filter: [subjects.state('*')], from: 'last' as const };
				this.#states = await follow(connection, options, (message) => this.#onState(message));
			},
			async () => {
				this.#stopBeats();
				await this.#states?.stop();
				await Promise.all([...this.#turns.values(), this.#consumers.stop()]);
				this.#beating.clear();
			},
		);
	}

	start(): Promise<void> {
		return this.#lifecycle.start();
	}

	stop(): Promise<void> {
		return this.#lifecycle.stop();
	}

	#onState(message: Followed): void {
		if (message.subject === subjects.fleetNote) return;
		this.#options.onRead?.(message.subject);
		const node = nodeOfSubject(message.subject);
		const state = decode(nodeStateSchema, message.data);
		if (!state || state.node !== node || !isNodeName(node)) {
			this.#options.log.warn({ node }, 'a state cannot be read and is left aside');
			return;
		}
		this.#inTurn(node, async () => {
			await this.#record(node, state, message.storedAt);
			if (state.stopping) return;
			await this.#greet(node, message.storedAt);
			if (!this.#options.isDecommissioned(node)) return this.#makeConsumers(node, state);
			this.#options.log.warn(
				{ node },
				'a node that was decommissioned is there: it is heard, and sent nothing (steward nodes recommission takes it back)',
			);
		});
	}

	/** It is in service again, as it last said that it is. */
	welcome(node: string, state: NodeState): void {
		if (!state.stopping) this.#makeConsumers(node, state);
	}

	#inTurn(node: string, step: () => Promise<void>): void {
		const turn = (this.#turns.get(node) ?? Promise.resolve()).then(step).catch((error: unknown) => {
			this.#options.log.warn(
				{ node, err: messageOf(error) },
				'a node could not be kept; its next word tries again',
			);
		});
		this.#turns.set(node, turn);
		void turn.then(() => {
			if (this.#turns.get(node) === turn) this.#turns.delete(node);
		});
	}

	async #record(node: string, state: NodeState, lastSeenAt: number): Promise<void> {
		const { nodes, clock } = this.#options;
		for (let attempt = 1; attempt <= recordTries; attempt++) {
			const known = await nodes.read(node);
			if (known && known.record.lastSeenAt > lastSeenAt) return;
			const conflict = this.#beating.get(node)?.conflict ? (known?.record.conflict ?? null) : null;
			const record: NodeRecord = { v: 1, state, lastSeenAt, conflict };
			if (await nodes.write(node, record, known?.revision ?? 0)) return;
			// The replica that was read lags behind the leader that refused.
			await clock.sleep(lagMs * attempt);
		}
		throw new Error('its record changes faster than it can be read');
	}

	/** A state that was just said is a sign of life: the first beat may have been before anyone listened. */
	async #greet(node: string, saidAt: number): Promise<void> {
		const { presenceTtlMs, serverNow } = this.#options;
		const left = saidAt + presenceTtlMs - serverNow();
		if (left > 0) await this.#markPresent(node, left);
	}

	/** After the broker's restart the presence bucket is not there for a moment: memory does not survive. */
	async #markPresent(node: string, ttlMs: number): Promise<void> {
		const { nodes, clock } = this.#options;
		for (let attempt = 1; ; attempt++) {
			try {
				return await nodes.markPresent(node, ttlMs);
			} catch (error) {
				if (attempt === presenceTries) throw error;
				await clock.sleep(presenceRetryMs);
			}
		}
	}

	#makeConsumers(node: string, { lanes }: NodeState): void {
		const shard = shardOf(node, this.#options.shards);
		this.#consumers.make(
			node,
			lanes.map(({ lane, capacity }) => ({ node, shard, lane, capacity })),
		);
	}

	#onBeat(node: string, data: Uint8Array): void {
		const beat = decode(beatSchema, data);
		if (!beat || !isNodeName(node)) return;
		const { nodes, presenceTtlMs } = this.#options;
		this.#inTurn(node, async () => {
			if (beat.leaving) await nodes.markAbsent(node);
			else await this.#markPresent(node, presenceTtlMs);
			await this.#watchName(node, beat);
		});
	}

	/** A boot that is heard again after a later one took its place: both are alive. */
	async #watchName(node: string, beat: Beat): Promise<void> {
		const heardAt = this.#options.clock.monotonic();
		const known = this.#beating.get(node);
		if (!known || (known.boot !== beat.boot && !known.earlier.has(beat.boot))) {
			const earlier = known ? new Set([...known.earlier, known.boot].slice(-8)) : new Set<string>();
			this.#beating.set(node, { ...beat, heardAt, earlier, conflict: false });
			return;
		}
		if (known.boot === beat.boot) {
			known.heardAt = heardAt;
			return;
		}
		if (beat.leaving) return;
		const machines = [...new Set([known.machine, beat.machine])];
		this.#beating.set(node, { ...beat, heardAt, earlier: new Set([known.boot]), conflict: true });
		if (!known.conflict) await this.#sayConflict(node, machines);
	}

	async #sayConflict(node: string, machines: string[]): Promise<void> {
		const { nodes, clock, log } = this.#options;
		log.error({ node, machines }, 'two nodes use one name: stop one of them, or give it another name');
		const known = await nodes.read(node);
		if (!known) return;
		const record: NodeRecord = { ...known.record, conflict: { machines, noticedAt: clock.now() } };
		await nodes.write(node, record, known.revision);
	}
}
