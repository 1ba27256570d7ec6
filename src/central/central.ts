/**
 * Owns a centre as a service: it waits for its broker, brings that to the topology, and has its parts made; tries again where that fails.
 * Promises that stopping it loses nothing and that one which starts catches up: all that it knows it learns from the
 * broker. Of several centres each answers questions, and one, the leader, writes.
 */

import type { Clock } from '../base/clock.ts';
import { messageOf, StewardError } from '../base/errors.ts';
import { Lifecycle, type Service } from '../base/lifecycle.ts';
import type { Log } from '../base/log.ts';
import type { Config } from '../domain/config.ts';
import { type Connection, Link } from '../jetstream/connection.ts';
import { writeFleetNote } from '../jetstream/fleet-note.ts';
import { applyTopology, requireTopology, type Topology } from '../jetstream/topology.ts';
import type { Credentials } from '../security/credentials.ts';
import { readTrustFile } from '../security/trust-file.ts';
import type { Supervisor } from '../supervision/supervisor.ts';
import type { Answers } from './answers.ts';
import type { BrokerFigures } from './broker-figures.ts';
import { buildCentre } from './centre-tree.ts';
import { CentreIndex } from './index.ts';
import type { FleetRows } from './rows.ts';

/** A centre as those see it who share its process: its connection and what it knows. */
export type CentreWindow = {
	readonly connection: Connection;
	readonly topology: Topology;
	readonly index: CentreIndex;
	readonly answers: Answers;
	/** Counted from the first time on that somebody asks. */
	readonly rows: FleetRows;
	/** The broker is there. */
	readonly isUp: () => boolean;
	/** This centre leads: it writes. */
	readonly leads: () => boolean;
	/** The broker's clock, milliseconds since the epoch. */
	readonly serverNow: () => number;
	/** What only the broker knows, as it was a moment ago; undefined while that is not known. */
	readonly brokerFigures: () => BrokerFigures['figures'];
	/** By how much the tick that waits longest is late, milliseconds; undefined where another centre fires them. */
	readonly scheduleLateMs: () => number | undefined;
};

export type CentralOptions = {
	config: Config;
	/** Who it is, where the broker has accounts. */
	credentials?: Credentials | undefined;
	/** What the enrolment left on this machine of whom to trust; a list that roots have signed takes its place. */
	trustFile?: string | undefined;
	/** Folder of the stream definitions. */
	streamsDir: string;
	/** What all streams on file may take together, bytes. */
	budgetBytes?: number;
	clock: Clock;
	log: Log;
};

const retryMs = 1000;

export class Central implements Service {
	readonly name = 'central';
	readonly #options: CentralOptions;
	readonly #link: Link;
	readonly #lifecycle: Lifecycle;
	readonly #listeners: ((error: Error) => void)[] = [];
	#stopping = new AbortController();
	#setUp: Promise<void> = Promise.resolve();
	#parts: Supervisor | undefined;
	#window: CentreWindow | undefined;
	#ready: () => void = () => undefined;
	#whenReady: Promise<void> = Promise.resolve();
	readonly #offLink: (() => void)[] = [];

	constructor(options: CentralOptions) {
		this.#options = options;
		const { config, credentials, clock, log } = options;
		const { servers, domain, tls } = config;
		this.#link = new Link({ servers, domain, tls, credentials, name: 'steward central', clock, log });
		this.#lifecycle = new Lifecycle(
			async () => {
				this.#stopping = new AbortController();
				this.#whenReady = new Promise((resolve) => {
					this.#ready = resolve;
				});
				await this.#link.start();
				this.#setUp = this.#begin(this.#stopping.signal);
			},
			async () => {
				this.#stopping.abort();
				await this.#setUp;
				for (const off of this.#offLink.splice(0)) off();
				this.#window = undefined;
				await this.#parts?.stop();
				this.#parts = undefined;
				await this.#link.stop();
			},
		);
	}

	/** Resolves at once; {@link ready} tells when the broker was found and set up. */
	start(): Promise<void> {
		return this.#lifecycle.start();
	}

	stop(): Promise<void> {
		return this.#lifecycle.stop();
	}

	/** Resolves when the streams are there and questions are answered. */
	ready(): Promise<void> {
		return this.#whenReady;
	}

	/** What others in this process may look through; undefined until it is {@link ready}. */
	get window(): CentreWindow | undefined {
		return this.#window;
	}

	/** Called when supervision gave up, or the broker was set up by a newer program. */
	onFailure(listener: (error: Error) => void): void {
		this.#listeners.push(listener);
	}

	#fail(error: Error): void {
		for (const listener of this.#listeners) listener(error);
	}

	/** Waits for the broker, brings it to the topology, and starts the parts; tries again where that fails. */
	async #begin(stopping: AbortSignal): Promise<void> {
		const { clock, log } = this.#options;
		while (!stopping.aborted) {
			const connection = await this.#link.whenUp(stopping);
			if (!connection) return;
			try {
				const topology = await this.#apply(connection);
				const { config, trustFile } = this.#options;
				const left = await readTrustFile(trustFile);
				if (left && 'problem' in left)
					log.error({ err: messageOf(left.problem) }, `${trustFile} cannot be read: no schedule fires`);
				const index = new CentreIndex(connection, topology.shards, config.node.roots, left);
				const { supervisor, window, offLink } = buildCentre({
					...{ options: this.#options, link: this.#link, connection, topology, index },
					onFailure: (error) => this.#fail(error),
				});
				this.#offLink.push(offLink);
				this.#parts = supervisor;
				await supervisor.start();
				this.#window = window;
				this.#offLink.push(this.#link.onReconnect(() => void this.#onReconnect(connection)));
				return this.#ready();
			} catch (error) {
				await this.#parts?.stop();
				if (error instanceof StewardError && (error.code === 'schema-newer' || error.code === 'invalid')) {
					return this.#fail(error);
				}
				log.warn({ err: messageOf(error) }, 'the centre cannot begin yet; trying again');
				await clock.sleep(retryMs, stopping);
			}
		}
	}

	async #apply(connection: Connection): Promise<Topology> {
		const { streamsDir, budgetBytes, config, log } = this.#options;
		const { changes } = await applyTopology(connection, {
			dir: streamsDir,
			budgetBytes,
			shards: config.centre.shards,
			replicas: config.centre.replicas,
		});
		for (const kind of ['created', 'updated'] as const) {
			const streams = changes.filter(({ change }) => change === kind).map(({ name }) => name);
			if (streams.length > 0) log.info({ streams }, `streams ${kind}`);
		}
		const topology = await requireTopology(connection);
		await writeFleetNote(connection, topology.shards);
		return topology;
	}

	/** A broker that lost its store has no streams: they are made again, and nodes say their states again. */
	async #onReconnect(connection: Connection): Promise<void> {
		try {
			await this.#apply(connection);
		} catch (error) {
			this.#options.log.warn(
				{ err: messageOf(error) },
				'what the broker holds could not be checked after a reconnect',
			);
		}
	}
}
