/**
 * Owns putting a node's parts together, and the order in which they start: the socket first, because having it is
 * the lock on the folder; then disk, link, outbox, methods, and what takes messages in at the end.
 * Promises that they stop in reverse, so that what stops last serves what stops first.
 * Made anew with each start; what must survive is in the store.
 */

import { join, resolve } from 'node:path';
import { randomToken, ulidFactory } from '../base/ids.ts';
import { Periodic } from '../base/lifecycle.ts';
import type { Lane as LaneName } from '../domain/names.ts';
import { consumerName, streams } from '../domain/subject.ts';
import { Link } from '../jetstream/connection.ts';
import { type Child, Supervisor } from '../supervision/supervisor.ts';
import { ClaimWriter } from './delivery/claim-writer.ts';
import { Claimant } from './delivery/claimant.ts';
import { CommandPipeline } from './delivery/command-pipeline.ts';
import { EventPipeline } from './delivery/event-pipeline.ts';
import { Executor } from './delivery/executor.ts';
import { Lane } from './delivery/lane.ts';
import { Lanes } from './delivery/lanes.ts';
import { ErrorReporter } from './error-reporter.ts';
import { IntakeFile } from './intake/intake-file.ts';
import { IntakeSocket } from './intake/intake-socket.ts';
import { socketPathFor } from './intake/socket-path.ts';
import { LogFiles } from './methods/log-files.ts';
import { MethodsTable } from './methods-table.ts';
import { NameWatch } from './name-watch.ts';
import { describeNode } from './node-description.ts';
import { nodeIdentity } from './node-identity.ts';
import type { NodeOptions } from './node-options.ts';
import { makeProcesses } from './node-processes.ts';
import { leftoverGroups } from './processes/leftover-groups.ts';
import { endProcessGroup } from './processes/process-group.ts';
import { ServerTime } from './server-time.ts';
import { StatePublisher } from './state-publisher.ts';
import { Boots } from './store/boots.ts';
import { Journal } from './store/journal.ts';
import { Outbox } from './store/outbox.ts';
import { Seen } from './store/seen.ts';
import { Store } from './store/store.ts';

const pruneEveryMs = 6 * 3_600_000;
/** A child gets this long beyond the grace of running methods before it is left behind. */
const stopMarginMs = 15_000;
/** What a crash left running has this long between SIGTERM and SIGKILL. */
const leftoverGraceMs = 5000;

export type NodeTree = {
	readonly supervisor: Supervisor;
	/** Aborts what still runs. */
	readonly graceOver: AbortController;
	/** Takes no more messages from the broker, from this moment on. */
	halt(): void;
};

export function buildTree(
	options: NodeOptions,
	hooks: { onShutdown: (error: unknown) => void; isStopping: () => boolean },
): NodeTree {
	const { name: node, config, dataDir, clock, log, random } = options;
	const { onShutdown, isStopping } = hooks;
	const graceOver = new AbortController();
	const stopping = new AbortController();
	const boot = randomToken();
	const link = new Link({ servers: config.servers, name: `steward node ${node}`, clock, log });
	const store = new Store(join(dataDir, 'store'), clock);
	const onUndeliverable = (message: string) => errors.report({ kind: 'refused', where: 'outbox', message });
	const outbox = new Outbox({ node, store, link, onUndeliverable, clock, log });
	const errors = new ErrorReporter({ intake: outbox, clock, log, newId: ulidFactory(() => clock.now()) });
	const journal = new Journal({ store, outbox, boot, now: () => clock.now() });
	const serverTime = new ServerTime(clock);
	const files = new LogFiles({ dataDir, ...config.node.textLog });
	const processes = makeProcesses(options, files, (where, { message }) =>
		errors.report({ kind: 'intensityExceeded', where, message }),
	);
	const methods = new MethodsTable(processes, config.node.methods);
	const lanes = new Lanes({ node, link, clock, log });
	const identity = nodeIdentity({ node, dataDir, boot, store });
	const onNameUsedTwice = (machine: string) =>
		errors.report({
			kind: 'refused',
			where: 'name',
			message: `machine ${machine} uses the name ${node} too`,
		});
	const boots = new Boots(store, boot);
	const { labels, beatEveryMs } = config.node;
	const nameWatch = new NameWatch({ node, boot, link, beatEveryMs, quietMs: options.nameQuietMs, clock });
	const executor = new Executor({
		...{ journal, serverTime, errors, onShutdown, graceOver: graceOver.signal, clock, log, random },
		onChange: () => state.changed(),
		untilLinkUp: async () => (await link.whenUp(stopping.signal)) !== undefined,
	});
	const { version } = options;
	const about = { identity, version, labels, startedAt: clock.now(), now: () => clock.now(), isStopping };
	const describe = () => describeNode({ ...about, serverTime, methods, lanes, executor, outbox });
	const state = new StatePublisher({
		...{ node, link, serverTime, describe, beat: identity, beatEveryMs, clock, log },
		onNameUsedTwice: (machine) => {
			nameWatch.otherSeen();
			onNameUsedTwice(machine);
		},
	});
	const claims = new ClaimWriter({ node, link, clock, log });
	const claimant = new Claimant({
		...{ identity, boots, executor, serverTime, errors, onNameUsedTwice, log },
		isAlone: () => nameWatch.isAlone,
		writeClaim: (id, next, stopping) => claims.write(id, next, stopping),
	});
	const commands = new CommandPipeline({
		...{ journal, methods, executor, serverTime, claimant, errors, clock, log },
		endLeftovers: async (id, child) => {
			for (const leader of child ? [child] : leftoverGroups(dataDir, id)) {
				await endProcessGroup(leader, { clock, graceMs: leftoverGraceMs });
			}
		},
	});
	const seen = new Seen(store);
	const events = new EventPipeline({
		...{ methods, seen, store, outbox, errors, onShutdown, graceOver: graceOver.signal, clock, log, random },
	});
	lanes.add(
		makeLanes({ options, link, lanes, commands, events, onStatus: () => state.changed(), onShutdown }),
	);
	link.onUp(() => {
		commands.renewLeases();
		events.renewLeases();
	});
	link.onDown(() => commands.linkLost());
	const prune = async () => {
		const now = clock.now();
		return { journal: await journal.prune(now), seen: await seen.prune(now) };
	};
	const inmsg = config.node.inmsg;
	const path = inmsg === undefined ? join(dataDir, 'inmsg.txt') : resolve(options.cwd, inmsg);
	const socket = socketPathFor(dataDir, options.runtimeDir);
	const children: Child[] = [
		new IntakeSocket({ path: socket, intake: outbox, node, clock, log }),
		store,
		boots,
		link,
		outbox,
		files,
		...processes,
		{ name: 'method names', start: async () => methods.checkNames(), stop: async () => undefined },
		nameWatch,
		state,
		lanes,
		new IntakeFile({ path, intake: outbox, node, clock, log }),
		new Periodic({ name: 'prune', everyMs: pruneEveryMs, runOnce: prune, clock, log }),
	];
	const supervisor = new Supervisor({
		name: `node ${node}`,
		strategy: 'one-for-one',
		intensity: { restarts: 10, periodMs: 60_000 },
		children,
		stopWithinMs: config.node.shutdownGraceMs + stopMarginMs,
		clock,
		log,
	});
	supervisor.onFailure(onShutdown);
	const halt = () => {
		stopping.abort();
		lanes.halt();
	};
	return { supervisor, graceOver, halt };
}

function makeLanes(parts: {
	options: NodeOptions;
	link: Link;
	lanes: Lanes;
	commands: CommandPipeline;
	events: EventPipeline;
	onStatus: () => void;
	onShutdown: (error: unknown) => void;
}): Lane[] {
	const { options, link, lanes, commands, events, onStatus, onShutdown } = parts;
	const capacities = Object.entries(options.config.node.lanes) as [LaneName, number | undefined][];
	return capacities.flatMap(([lane, capacity]) => {
		if (capacity === undefined) return [];
		return new Lane({
			lane,
			capacity,
			stream: () => (lane === 'events' ? streams.events : lanes.commandsStream),
			consumer: consumerName(options.name, lane),
			link,
			handle: (delivery, stopping) =>
				lane === 'events'
					? events.handle(delivery, stopping)
					: commands.handle(delivery, capacity === 1, stopping),
			onStatus,
			onBroken: onShutdown,
			clock: options.clock,
		});
	});
}
