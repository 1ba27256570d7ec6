/**
 * Owns a centre: the one place where its parts are made and put together.
 * Promises that stopping it loses nothing and that one which starts catches up: all that it knows it learns from the
 * broker. Of several centres each answers questions, and one, the leader, writes.
 */

import type { Clock } from '../base/clock.ts';
import { messageOf, StewardError } from '../base/errors.ts';
import { Lifecycle, Periodic, type Service } from '../base/lifecycle.ts';
import type { Log } from '../base/log.ts';
import type { Config } from '../domain/config.ts';
import { formatHandle, type Handle } from '../domain/names.ts';
import type { CommandAddress } from '../domain/subject.ts';
import { Claims } from '../jetstream/claims.ts';
import { Commands } from '../jetstream/commands.ts';
import { type Connection, Link } from '../jetstream/connection.ts';
import { DeadLetters } from '../jetstream/dead-letters.ts';
import { Events } from '../jetstream/events.ts';
import { writeFleetNote } from '../jetstream/fleet-note.ts';
import { LaterCommands } from '../jetstream/later-commands.ts';
import { LedgerStore } from '../jetstream/ledger-store.ts';
import { maxPayloadOf } from '../jetstream/limits.ts';
import { Nodes } from '../jetstream/nodes.ts';
import { Reports } from '../jetstream/reports.ts';
import { Schedules } from '../jetstream/schedules.ts';
import { ServerClock } from '../jetstream/server-clock.ts';
import { Standings } from '../jetstream/standings.ts';
import { applyTopology, requireTopology, type Topology } from '../jetstream/topology.ts';
import type { Credentials } from '../security/credentials.ts';
import { signingWith } from '../security/signature.ts';
import { readTrustFile } from '../security/trust-file.ts';
import { Supervisor } from '../supervision/supervisor.ts';
import { Answers } from './answers.ts';
import { BrokerFigures } from './broker-figures.ts';
import { DocumentSync } from './document-sync.ts';
import { denialOfCommand } from './early-access.ts';
import { CentreIndex } from './index.ts';
import { IntakeWorker } from './intake-worker.ts';
import { Leadership, leaderLease } from './leadership.ts';
import { nodeDuties } from './node-duties.ts';
import { Projector } from './projector.ts';
import { questionsService } from './questions-service.ts';
import { Reaper } from './reaper.ts';
import { Releaser } from './releaser.ts';
import type { FleetRows } from './rows.ts';
import { ScheduleSync } from './schedule-sync.ts';
import { Scheduler } from './scheduler.ts';
import { Settler } from './settler.ts';
import { StatementCheck } from './statement-check.ts';
import { Sweeper } from './sweeper.ts';
import { TickWriter } from './tick-writer.ts';
import { Undelivered } from './undelivered.ts';
import { UplinkWatch } from './uplink-watch.ts';

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

const reapEveryMs = 2000;
const releaseEveryMs = 200;
/** Whether something changed is looked at so often. */
const syncEveryMs = 500;
/** The broker's clock is read, and the index forgets what the ledger has forgotten. */
const upkeepEveryMs = 60_000;
const figuresEveryMs = 10_000;
const retryMs = 1000;
const stopWithinMs = 10_000;

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
				const { supervisor, window } = this.#build(connection, topology, index);
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

	#build(
		connection: Connection,
		topology: Topology,
		index: CentreIndex,
	): { supervisor: Supervisor; window: CentreWindow } {
		const { shards, serverTime } = topology;
		const { config, credentials, clock, log } = this.#options;
		const link = this.#link;
		const serverClock = new ServerClock(clock, serverTime);
		const serverNow = () => Math.round(serverClock.now());
		const sign = signingWith(credentials?.key, () => serverClock.sureNow(connection));
		const commands = new Commands(connection, shards, { sign });
		const claims = new Claims(connection);
		const ledger = new LedgerStore(connection);
		const nodes = new Nodes(connection);
		const reports = new Reports(connection);
		const events = new Events(connection);
		const dead = new DeadLetters(connection);
		const onForgotten = (handle: Handle) => index.forget(formatHandle(handle));
		const settler = new Settler({ commands, ledger, onForgotten, clock, log });
		index.onSettledWaiting((command) => {
			if (leadership.leads) settler.settle(command);
		});
		const findWaiting = ({ node, id }: Handle) => commands.find(node, id);
		const readMessage = (command: CommandAddress & { seq: number }) => commands.body(command);
		const { presenceTtlMs, leaseTtlMs, claimRetentionMs, sweepEveryMs } = config.centre;
		const reaper = new Reaper({
			...{ index, claims, ledger, reports, settler, readMessage, presenceTtlMs, serverNow, clock, log },
		});
		const sweeper = new Sweeper({
			...{ connection, index, claims, commands, settler, claimRetentionMs, serverNow, log },
		});
		const standings = new Standings(connection);
		const { loudPerSecond } = config.centre;
		const monotonic = () => clock.monotonic();
		const watch = new UplinkWatch({ index, standings, loudPerSecond, monotonic, serverNow, log });
		const onRead = (subject: string) => watch.note(subject);
		const releaser = new Releaser({ index, later: new LaterCommands(connection), serverNow, log });
		const { eventDeliverWithinMs: deliverWithinMs } = config.centre;
		const undelivered = new Undelivered({ connection, events, dead, deliverWithinMs, serverNow, log });
		// At the last moment before something goes out: a process that was stopped for a while must not write then.
		const mayFire = () => lease.held;
		const writer = new TickWriter({
			commands: new Commands(connection, shards, { mayPublish: mayFire, inFlight: 2, sign }),
			...{ ledger, index, serverNow },
			denial: (envelope) => denialOfCommand(index, envelope),
		});
		const schedules = new Schedules(connection);
		const scheduler = new Scheduler({
			...{ index, schedules, writer, claims, mayFire, readMessage, presenceTtlMs, serverNow, clock, log },
		});
		const fenced = new Commands(connection, shards, { mayPublish: mayFire, sign });
		const sync = new ScheduleSync({
			...{ index, schedules, mayFire, serverNow, clock, log },
			parts: { commands: fenced, claims, ledger, serverNow },
		});
		const jwtOf = (node: string) => index.nodes.get(node)?.state.jwt;
		const documentSync = new DocumentSync({
			...{ index, mayFire, clock, log },
			parts: { commands: fenced, claims, ledger, serverNow },
		});
		this.#offLink.push(link.onReconnect(() => sweeper.forgetFloors()));
		const duties = new Supervisor({
			name: 'leader',
			strategy: 'one-for-one',
			intensity: { restarts: 10, periodMs: 60_000 },
			children: [
				...nodeDuties({
					...{ ...config.centre, shards, connection, index, nodes, claims, ledger, reports },
					...{ settler, undelivered, standings, watch, readMessage, serverNow, clock, log },
				}),
				new Projector({
					...{ link, ledger, dead, settler, readMessage, findWaiting, onRead, serverNow, clock, log },
					statements: new StatementCheck({ trust: () => index.documents.trust(), jwtOf, serverNow }),
				}),
				new IntakeWorker({
					...{ link, index, commands, claims, ledger, events, dead, onRead, serverNow, clock, log },
				}),
				scheduler,
				beginning('sync begins', sync),
				beginning('document sync begins', documentSync),
				new Periodic({
					...{ name: 'document sync', everyMs: syncEveryMs, clock, log },
					runOnce: () => documentSync.runOnce(),
				}),
				new Periodic({ name: 'sync', everyMs: syncEveryMs, runOnce: () => sync.runOnce(), clock, log }),
				{ name: 'reaper begins', start: async () => reaper.begin(), stop: async () => undefined },
				new Periodic({ name: 'reaper', everyMs: reapEveryMs, runOnce: () => reaper.runOnce(), clock, log }),
				new Periodic({
					...{ name: 'releaser', everyMs: releaseEveryMs, clock, log },
					runOnce: (stopping) => releaser.runOnce(stopping),
				}),
				new Periodic({
					...{ name: 'sweeper', everyMs: sweepEveryMs, clock, log },
					runOnce: () => sweeper.runOnce(),
				}),
				new Periodic({
					...{ name: 'undelivered', everyMs: sweepEveryMs, clock, log },
					runOnce: (stopping) => undelivered.runOnce(stopping),
				}),
			],
			stopWithinMs,
			clock,
			log,
		});
		const figures = new BrokerFigures({ connection, dead, clock });
		const lease = leaderLease(leaseTtlMs, clock);
		const leadership = new Leadership({ link, lease, ttlMs: leaseTtlMs, duties, clock, log });
		const upkeep = async () => {
			await serverClock.refresh(connection);
			await sync.forgetOnce();
			return index.prune(serverNow());
		};
		const answers = new Answers(index, ledger, serverNow, () => maxPayloadOf(connection));
		const supervisor = new Supervisor({
			name: 'central',
			strategy: 'rest-for-one',
			intensity: { restarts: 10, periodMs: 60_000 },
			children: [
				index,
				questionsService(connection, answers, log),
				new Periodic({ name: 'upkeep', everyMs: upkeepEveryMs, runOnce: upkeep, clock, log }),
				new Periodic({
					...{ name: 'figures', everyMs: figuresEveryMs, clock, log },
					runOnce: async () => link.connection && figures.runOnce(),
				}),
				leadership,
			],
			stopWithinMs: 2 * stopWithinMs,
			clock,
			log,
		});
		for (const one of [duties, supervisor]) one.onFailure((error) => this.#fail(error));
		const window = {
			...{ connection, topology, index, answers, serverNow },
			isUp: () => link.connection !== undefined,
			leads: () => leadership.leads,
			brokerFigures: () => figures.figures,
			scheduleLateMs: () => (leadership.leads ? scheduler.lateMs : undefined),
			get rows() {
				return answers.counts;
			},
		};
		return { supervisor, window };
	}
}

/** What follows the index while this centre leads. */
function beginning(name: string, part: { begin(): void; end(): void }): Service {
	return { name, start: async () => part.begin(), stop: async () => part.end() };
}
