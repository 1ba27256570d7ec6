/**
 * Owns the lanes of a node together: they start together, stop together, and learn their shard from the broker.
 * Promises that no lane starts anything while another one is still ending, nor after a connect before the control lane.
 * Holds nothing that a restart does not learn again.
 */

import type { Clock } from '../../base/clock.ts';
import { messageOf } from '../../base/errors.ts';
import { Lifecycle, type Service } from '../../base/lifecycle.ts';
import type { Log } from '../../base/log.ts';
import type { LaneState } from '../../domain/node-state.ts';
import { shardOf, streams } from '../../domain/subject.ts';
import type { Connection, Link } from '../../jetstream/connection.ts';
import { readShards } from '../../jetstream/fleet-note.ts';
import { ControlFirst } from './control-first.ts';
import type { Lane } from './lane.ts';

/** Then it is no start any more. */
const patientAttempts = 10;
const retryMs = 2000;

export type LanesOptions = {
	node: string;
	link: Link;
	/** After a connect lanes other than the control lane may take what comes. */
	onBegin: () => void;
	clock: Clock;
	log: Log;
};

export class Lanes implements Service {
	readonly name = 'lanes';
	readonly #options: LanesOptions;
	readonly #lifecycle: Lifecycle;
	readonly #controlFirst: ControlFirst;
	#lanes: readonly Lane[] = [];
	#stream: string | undefined;
	#off: () => void = () => undefined;
	#stopping = new AbortController();
	#learning: Promise<void> = Promise.resolve();

	constructor(options: LanesOptions) {
		this.#options = options;
		this.#controlFirst = new ControlFirst({
			...options,
			onBegin: () => {
				this.poke();
				options.onBegin();
			},
		});
		this.#lifecycle = new Lifecycle(
			async () => {
				const stopping = new AbortController();
				this.#stopping = stopping;
				await this.#controlFirst.start();
				await Promise.all(this.#lanes.map((lane) => lane.start()));
				this.#off = options.link.onUp((connection) => {
					this.#learning = this.#learning.then(() => this.#learn(connection, stopping.signal));
				});
			},
			async () => {
				this.#off();
				this.#stopping.abort();
				await this.#learning;
				await Promise.all(this.#lanes.map((lane) => lane.stop()));
				await this.#controlFirst.stop();
			},
		);
	}

	/** Called once, before the first start. */
	add(lanes: readonly Lane[]): void {
		this.#lanes = lanes;
	}

	/** The node's commands stream, undefined until the broker has said how many shards there are. */
	get commandsStream(): string | undefined {
		return this.#stream;
	}

	/** Whether lanes other than the control lane may take what comes. */
	get haveBegun(): boolean {
		return this.#controlFirst.hasBegun;
	}

	/** A control message has come, or is done with. */
	controlProgress(): void {
		this.#controlFirst.progress();
	}

	/** Nothing waits on the control lane any more. */
	controlCaughtUp(): void {
		this.#controlFirst.caughtUp();
	}

	start(): Promise<void> {
		return this.#lifecycle.start();
	}

	stop(): Promise<void> {
		return this.#lifecycle.stop();
	}

	/** Takes no more, from this moment on; `stop` waits for what runs. */
	halt(): void {
		for (const lane of this.#lanes) lane.halt();
	}

	/** One was paused or resumed. */
	poke(): void {
		for (const lane of this.#lanes) lane.poke();
	}

	states(): LaneState[] {
		return this.#lanes.map((lane) => lane.state());
	}

	async #learn(connection: Connection, stopping: AbortSignal): Promise<void> {
		const { node, clock, log } = this.#options;
		for (let attempt = 0; !stopping.aborted && this.#stream === undefined; attempt++) {
			try {
				const shards = await readShards(connection);
				if (shards !== undefined) this.#stream = streams.commands(shardOf(node, shards));
				else if (attempt === 0)
					log.info('this broker holds no steward streams yet: waiting for a centre to make them');
			} catch (error) {
				// A node that starts with its broker asks before a centre has made anything.
				if (attempt === 0) log.info('the broker does not say yet what is where: waiting for a centre');
				if (attempt === patientAttempts)
					log.warn({ err: messageOf(error) }, 'the topology cannot be read; asking on');
			}
			if (this.#stream === undefined) await clock.sleep(retryMs, stopping);
		}
		for (const lane of this.#lanes) lane.poke();
	}
}
