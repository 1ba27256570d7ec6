/**
 * Owns a node: the one place where its parts are made and put together.
 * Promises a clean stop: no more pulls, running methods end until the grace is over, what never started is handed back.
 * A crash leaves journal and outbox, and the next start goes on from them.
 */

import { createHash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { arch, hostname, platform } from 'node:os';
import { basename, join, resolve } from 'node:path';
import type { Clock } from '../base/clock.ts';
import { messageOf } from '../base/errors.ts';
import { randomToken, ulidFactory } from '../base/ids.ts';
import { Lifecycle, Periodic, type Service } from '../base/lifecycle.ts';
import type { Log } from '../base/log.ts';
import { machineId } from '../base/machine.ts';
import type { Config } from '../domain/config.ts';
import type { Lane as LaneName } from '../domain/names.ts';
import type { NodeState } from '../domain/node-state.ts';
import { consumerName, streams } from '../domain/subject.ts';
import { Link } from '../jetstream/connection.ts';
import { type Child, Supervisor } from '../supervision/supervisor.ts';
import { ClaimWriter } from './claim-writer.ts';
import { CommandPipeline, type Identity } from './command-pipeline.ts';
import { ErrorReporter } from './error-reporter.ts';
import { EventPipeline } from './event-pipeline.ts';
import { Executor } from './executor.ts';
import { IntakeFile } from './intake-file.ts';
import { IntakeSocket } from './intake-socket.ts';
import { IsolatedProcess } from './isolated-process.ts';
import { Journal } from './journal.ts';
import { Lane } from './lane.ts';
import { Lanes } from './lanes.ts';
import type { MethodProcess } from './method.ts';
import { InNodeProcess } from './method-process.ts';
import { builtinMethods } from './methods/index.ts';
import { LogFiles } from './methods/log-files.ts';
import { MethodsTable } from './methods-table.ts';
import { Outbox } from './outbox.ts';
import { endProcessGroup } from './process-group.ts';
import { Seen } from './seen.ts';
import { ServerTime } from './server-time.ts';
import { socketPathFor } from './socket-path.ts';
import { StatePublisher } from './state-publisher.ts';
import { Store } from './store.ts';

export type NodeOptions = {
	name: string;
	config: Config;
	/** Data folder of this node. */
	dataDir: string;
	/** Shown in the node's state. */
	version: string;
	/** Environment of the programs that `shellCommand` starts. */
	env: NodeJS.ProcessEnv;
	/** Folder that `shellCommand` runs in. */
	cwd: string;
	/** For the unix socket where the data folder's path is too long for one. */
	runtimeDir: string;
	/** `isolated-child.js` where it is not beside this file. */
	runnerPath?: string;
	clock: Clock;
	log: Log;
	random: () => number;
};

const pruneEveryMs = 6 * 3_600_000;
/** A child gets this long beyond the grace of running methods before it is left behind. */
const stopMarginMs = 15_000;

export class Node implements Service {
	readonly name: string;
	readonly #options: NodeOptions;
	readonly #listeners: ((error: Error) => void)[] = [];
	readonly #lifecycle: Lifecycle;
	#tree: { supervisor: Supervisor; graceOver: AbortController } | undefined;
	#startedAt = 0;

	constructor(options: NodeOptions) {
		this.name = `node ${options.name}`;
		this.#options = options;
		this.#lifecycle = new Lifecycle(
			async () => {
				this.#startedAt = options.clock.now();
				await mkdir(options.dataDir, { recursive: true, mode: 0o700 });
				this.#tree = this.#build();
				await this.#tree.supervisor.start();
			},
			async () => {
				const tree = this.#tree;
				if (!tree) return;
				const cancel = options.clock.after(options.config.node.shutdownGraceMs, () => tree.graceOver.abort());
				await tree.supervisor.stop();
				cancel();
			},
		);
	}

	/** @throws StewardError `already-running`, `storage`, `invalid` */
	start(): Promise<void> {
		return this.#lifecycle.start();
	}

	stop(): Promise<void> {
		return this.#lifecycle.stop();
	}

	/** Called when supervision gave up, the store failed, or our own code is broken: the node must end. */
	onFailure(listener: (error: Error) => void): void {
		this.#listeners.push(listener);
	}

	#fail(error: unknown): void {
		const failure = error instanceof Error ? error : new Error(messageOf(error));
		this.#options.log.error({ err: failure.message }, 'the node must end; what is unfinished is delivered again');
		for (const listener of this.#listeners) listener(failure);
	}

	/** The parts, in the order in which they start. */
	#build(): { supervisor: Supervisor; graceOver: AbortController } {
		const { name, config, dataDir, clock, log, random } = this.#options;
		const graceOver = new AbortController();
		const boot = randomToken();
		const newId = ulidFactory(() => clock.now());
		const link = new Link({ servers: config.servers, name: `steward node ${name}`, clock, log });
		const store = new Store(join(dataDir, 'store'));
		const outbox = new Outbox({ node: name, store, link, clock, log });
		const journal = new Journal({ store, outbox, boot, now: () => clock.now() });
		const serverTime = new ServerTime(clock);
		const files = new LogFiles({ dataDir, ...config.node.textLog });
		const processes = this.#processes(files);
		const methods = new MethodsTable(processes, config.node.methods);
		const errors = new ErrorReporter({ intake: outbox, clock, log, newId });
		const onShutdown = (error: unknown) => this.#fail(error);
		const lanes = new Lanes({ node: name, link, clock, log });
		const identity = this.#identity(boot, store);
		const state = new StatePublisher({
			node: name,
			link,
			serverTime,
			beat: identity,
			beatEveryMs: config.node.beatEveryMs,
			describe: () => this.#describe({ identity, serverTime, methods, lanes, executor, outbox }),
			clock,
			log,
		});
		const executor = new Executor({
			journal,
			serverTime,
			errors,
			onShutdown,
			onChange: () => state.changed(),
			graceOver: graceOver.signal,
			clock,
			log,
			random,
		});
		const claims = new ClaimWriter({ node: name, link, clock, log });
		const commands = new CommandPipeline({
			identity,
			journal,
			methods,
			executor,
			serverTime,
			writeClaim: (id, claim, stopping) => claims.write(id, claim, stopping),
			endGroup: async (child) => {
				await endProcessGroup(child, { clock, graceMs: 5000 });
			},
			errors,
			onNameUsedTwice: (machine) =>
				errors.report({ kind: 'refused', where: 'claim', message: `machine ${machine} uses the name ${name} too` }),
			clock,
			log,
		});
		const seen = new Seen(store);
		const events = new EventPipeline({ methods, seen, store, outbox, errors, onShutdown, clock, log, random });
		lanes.add(this.#lanes({ link, lanes, commands, events, state }));
		link.onUp(() => commands.renewLeases());
		const prune = async () => {
			const now = clock.now();
			return { journal: await journal.prune(now), seen: await seen.prune(now) };
		};
		const children: Child[] = [
			new IntakeSocket({
				path: socketPathFor(dataDir, this.#options.runtimeDir),
				intake: outbox,
				node: name,
				clock,
				log,
			}),
			store,
			link,
			outbox,
			files,
			...processes,
			{ name: 'method names', start: async () => methods.checkNames(), stop: async () => undefined },
			state,
			lanes,
			new IntakeFile({ path: this.#inmsgPath(), intake: outbox, node: name, clock, log }),
			new Periodic({ name: 'prune', everyMs: pruneEveryMs, runOnce: prune, clock, log }),
		];
		const supervisor = new Supervisor({
			name: this.name,
			strategy: 'one-for-one',
			intensity: { restarts: 10, periodMs: 60_000 },
			children,
			stopWithinMs: config.node.shutdownGraceMs + stopMarginMs,
			clock,
			log,
		});
		supervisor.onFailure(onShutdown);
		return { supervisor, graceOver };
	}

	#processes(files: LogFiles): MethodProcess[] {
		const { name, config, dataDir, cwd, env, runnerPath, clock, log } = this.#options;
		const definitions = builtinMethods({ clock, cwd, env, files });
		return [
			new InNodeProcess({ name: 'built-in methods', definitions, node: name, dataDir, log }),
			...config.node.modules.map(
				(path) =>
					new IsolatedProcess({
						name: `module ${basename(path)}`,
						modulePath: resolve(cwd, path),
						node: name,
						dataDir,
						cwd,
						env,
						runnerPath,
						clock,
						log,
					}),
			),
		];
	}

	#lanes(parts: {
		link: Link;
		lanes: Lanes;
		commands: CommandPipeline;
		events: EventPipeline;
		state: StatePublisher;
	}): Lane[] {
		const { name, config, clock } = this.#options;
		const { link, lanes, commands, events, state } = parts;
		const capacities = Object.entries(config.node.lanes) as [LaneName, number | undefined][];
		return capacities.flatMap(([lane, capacity]) => {
			if (capacity === undefined) return [];
			return new Lane({
				lane,
				capacity,
				stream: () => (lane === 'events' ? streams.events : lanes.commandsStream),
				consumer: consumerName(name, lane),
				link,
				handle: (delivery, stopping) =>
					lane === 'events'
						? events.handle(delivery, stopping)
						: commands.handle(delivery, capacity === 1, stopping),
				onStatus: () => state.changed(),
				onBroken: (error) => this.#fail(error),
				clock,
			});
		});
	}

	/** One machine may hold several nodes' folders, so the folder is part of its identity here. */
	#identity(boot: string, store: Store): Identity {
		const { name, dataDir } = this.#options;
		const machine = createHash('sha256')
			.update(JSON.stringify([machineId(), resolve(dataDir)]))
			.digest('base64url')
			.slice(0, 16);
		return {
			node: name,
			machine,
			boot,
			get epoch() {
				return store.epoch;
			},
		};
	}

	#inmsgPath(): string {
		const { config, dataDir, cwd } = this.#options;
		return config.node.inmsg === undefined ? join(dataDir, 'inmsg.txt') : resolve(cwd, config.node.inmsg);
	}

	#describe(parts: {
		identity: Identity;
		serverTime: ServerTime;
		methods: MethodsTable;
		lanes: Lanes;
		executor: Executor;
		outbox: Outbox;
	}): NodeState {
		const { name, version, config, clock } = this.#options;
		const { identity, serverTime, methods, lanes, executor, outbox } = parts;
		return {
			v: 1,
			node: name,
			version,
			machine: identity.machine,
			boot: identity.boot,
			epoch: identity.epoch,
			platform: { os: platform(), arch: arch(), runtime: `node ${process.versions.node}`, hostname: hostname() },
			labels: config.node.labels,
			startedAt: this.#startedAt,
			saidAt: clock.now(),
			clockOffsetMs: serverTime.offsetMs,
			methods: methods.descriptions().map(({ name: method, kind, description, dataSchema }) => ({
				name: method,
				kind,
				data: dataSchema,
				...(description === undefined ? {} : { description }),
			})),
			lanes: lanes.states(),
			running: [...executor.running()],
			outbox: outbox.depth,
			stopping: !this.#lifecycle.running,
		};
	}
}
