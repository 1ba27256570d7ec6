/**
 * Owns putting a node's parts together, and the order in which they start: the socket first, because having it is
 * the lock on the folder; then disk, link, outbox, methods, and what takes messages in at the end.
 * Promises that they stop in reverse, so that what stops last serves what stops first.
 * Made anew with each start; what must survive is in the store.
 */

import { setMaxListeners } from 'node:events';
import { readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { randomToken, ulidFactory } from '../base/ids.ts';
import { Periodic } from '../base/lifecycle.ts';
import { Link } from '../jetstream/connection.ts';
import type { Seal } from '../jetstream/publisher.ts';
import type { SigningKey } from '../security/keys.ts';
import { longestSeal, sealStatements } from '../security/seal.ts';
import { type Child, Supervisor } from '../supervision/supervisor.ts';
import { ErrorReporter } from './error-reporter.ts';
import { figuresOf, type NodeFigures, RunCounts } from './figures.ts';
import { IntakeFile } from './intake/intake-file.ts';
import { IntakeSocket } from './intake/intake-socket.ts';
import { socketPathFor } from './intake/socket-path.ts';
import { LogFiles } from './methods/log-files.ts';
import { MethodsTable } from './methods-table.ts';
import { NameWatch } from './name-watch.ts';
import { buildDelivery } from './node-delivery.ts';
import { describeNode } from './node-description.ts';
import { nodeIdentity } from './node-identity.ts';
import type { NodeOptions } from './node-options.ts';
import { makeProcesses } from './node-processes.ts';
import { Output } from './output/output.ts';
import { Redaction } from './output/redactor.ts';
import { ServerTime } from './server-time.ts';
import { StatePublisher } from './state-publisher.ts';
import { Boots } from './store/boots.ts';
import { replaceDamaged } from './store/damaged-store.ts';
import { Journal } from './store/journal.ts';
import { Outbox } from './store/outbox.ts';
import { Store } from './store/store.ts';
import { TrustDocuments } from './trust/documents.ts';

/** A slow link takes two round trips before the first word is answered: cut off too early, it is never up at all. */
const connectWithinMs = 10_000;
const pruneEveryMs = 6 * 3_600_000;
/** A child gets this long beyond the grace of running methods before it is left behind. */
const stopMarginMs = 15_000;

const outboxFull =
	'too many of its reports wait for the link: nothing more starts before they are out (node.outbox.maxReportBytes)';

export type NodeTree = {
	readonly supervisor: Supervisor;
	/** Aborts what still runs. */
	readonly graceOver: AbortController;
	/** Takes no more messages from the broker, from this moment on. */
	halt(): void;
	figures(): Promise<NodeFigures>;
};

export function buildTree(
	options: NodeOptions,
	hooks: { onShutdown: (error: unknown) => void; isStopping: () => boolean },
): NodeTree {
	const { name: node, config, dataDir, clock, log } = options;
	const { onShutdown, isStopping } = hooks;
	const graceOver = new AbortController();
	const stopping = new AbortController();
	// Each run listens, and a lane may have many at once.
	setMaxListeners(0, graceOver.signal, stopping.signal);
	const boot = randomToken();
	const { servers, domain, tls } = config;
	const link = new Link({
		...{ servers, domain, tls, credentials: options.credentials },
		...{ name: `steward node ${node}`, timeoutMs: connectWithinMs },
		...{ clock, log },
	});
	const store = makeStore(options, {
		onDamage: onShutdown,
		onLost: (message) => errors.report({ kind: 'storeFailed', where: 'store', message }),
	});
	const seal = sealWith(options.credentials?.key);
	const onUndeliverable = (message: string) => errors.report({ kind: 'refused', where: 'outbox', message });
	const { outbox: bounds, uplink } = config.node;
	const outbox = new Outbox({ node, store, link, seal, bounds, uplink, onUndeliverable, clock, log });
	const redaction = new Redaction(config.node.redact);
	const reporting = {
		...{ intake: outbox, clock, log, newId: ulidFactory(() => clock.now()) },
		redact: (text: string) => redaction.text(text),
	};
	const errors = new ErrorReporter(reporting);
	const audit = new ErrorReporter({ ...reporting, method: 'auditLog' });
	const { spoolMaxBytes } = config.node.output;
	const output = new Output({ node, dataDir, spoolMaxBytes, redaction, link, clock, log });
	const identity = nodeIdentity({ node, dataDir, boot, store });
	const { machine } = identity;
	const counts = new RunCounts();
	const journal = new Journal({ store, outbox, boot, machine, counts, now: () => clock.now() });
	const serverTime = new ServerTime(clock);
	const files = new LogFiles({ dataDir, ...config.node.textLog });
	const documents = new TrustDocuments({
		...{ store, roots: config.node.roots, file: options.trustFile, log },
		onChange: () => state.changed(),
	});
	const processes = makeProcesses(options, files, (process, error) => delivery.onExhausted(process, error));
	const methods = new MethodsTable(processes, config.node.methods);
	const onNameUsedTwice = (machine: string) =>
		errors.report({
			kind: 'refused',
			where: 'name',
			message: `machine ${machine} uses the name ${node} too`,
		});
	const boots = new Boots(store, boot);
	const { labels, beatEveryMs } = config.node;
	const nameWatch = new NameWatch({
		...{ node, boot, link, beatEveryMs, quietMs: options.nameQuietMs, clock },
		onOther(machine) {
			log.error({ machine }, `another node uses the name ${node}: stop one of them`);
			onNameUsedTwice(machine);
		},
	});
	const delivery: ReturnType<typeof buildDelivery> = buildDelivery({
		...{
			options,
			identity,
			link,
			store,
			boots,
			outbox,
			journal,
			serverTime,
			nameWatch,
			errors,
			audit,
			methods,
		},
		...{ output, redaction, seal, documents },
		...{ graceOver: graceOver.signal, stopping: stopping.signal, onNameUsedTwice, onShutdown },
		onChange: () => state.changed(),
	});
	const { pauses, held, recovery, control, lanes, schedules, executor } = delivery;
	const { version } = options;
	const about = {
		identity,
		jwt: options.credentials?.jwt,
		version,
		labels,
		startedAt: clock.now(),
		now: () => clock.now(),
		isStopping,
	};
	const describe = () =>
		describeNode({ ...about, serverTime, methods, lanes, executor, outbox, pauses, schedules, documents });
	const state = new StatePublisher({
		...{ node, link, serverTime, describe, beat: identity, beatEveryMs, clock, log },
		onNameUsedTwice: (machine) => {
			nameWatch.otherSeen();
			onNameUsedTwice(machine);
		},
	});
	outbox.onFull(() => pauses.hold(outbox.isFull ? { by: node, reason: outboxFull } : undefined));
	const prune = () => delivery.prune(clock.now());
	const inmsg = config.node.inmsg;
	const path = inmsg === undefined ? join(dataDir, 'inmsg.txt') : resolve(options.cwd, inmsg);
	const socket = socketPathFor(dataDir, options.runtimeDir);
	const children: Child[] = [
		new IntakeSocket({ path: socket, intake: outbox, node, clock, log }),
		store,
		documents,
		boots,
		pauses,
		link,
		outbox,
		errors,
		audit,
		output,
		files,
		...processes,
		control,
		{ name: 'method names', start: async () => methods.checkNames(), stop: async () => undefined },
		nameWatch,
		state,
		held,
		recovery,
		schedules,
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
		schedules.halt();
	};
	const watched = { node, version, dataDir, link, serverTime, outbox, bounds, lanes, store, output };
	const figures = () => figuresOf({ ...watched, processes, counts });
	return { supervisor, graceOver, halt, figures };
}

/** One signature for the statements of a batch; undefined where there is nothing to sign with. */
function sealWith(key: SigningKey | undefined): Seal | undefined {
	return key && { of: (requests) => sealStatements(key, requests), longest: longestSeal };
}

/** A store that is looked at before it is opened. */
function makeStore(
	{ dataDir, storeWalkPath: walkPath, clock, log }: NodeOptions,
	{ onDamage, onLost }: { onDamage: (error: unknown) => void; onLost: (message: string) => void },
): Store {
	const path = join(dataDir, 'store');
	// The notes of held deliveries are made after the first store.
	const wasUsed = async () => (await readdir(dataDir)).some((name) => name.startsWith('held-'));
	const prepare = () => replaceDamaged({ path, walkPath, wasUsed, onLost, clock, log });
	return new Store(path, clock, { prepare, onDamage });
}
