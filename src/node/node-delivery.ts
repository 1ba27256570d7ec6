/**
 * Owns putting together what happens to a delivery on this node: claims, journal, runs, endings, cancels.
 * Promises that the pipelines get narrow ports of each other, and nobody else holds them.
 * Made anew with each start; what must survive is in the store.
 */

import { join } from 'node:path';
import type { Clock } from '../base/clock.ts';
import type { ProcessIdentity } from '../base/process.ts';
import type { Lane as LaneName } from '../domain/names.ts';
import type { Link } from '../jetstream/connection.ts';
import type { Seal } from '../jetstream/publisher.ts';
import { decide } from '../supervision/error-kernel.ts';
import { controlMethods, type Woken } from './control/control-methods.ts';
import { Pauses } from './control/pauses.ts';
import { ClaimWriter } from './delivery/claim-writer.ts';
import { Claimant } from './delivery/claimant.ts';
import { CommandPipeline } from './delivery/command-pipeline.ts';
import { EventPipeline } from './delivery/event-pipeline.ts';
import { Executor } from './delivery/executor.ts';
import { HeldDeliveries } from './delivery/held-deliveries.ts';
import { Lanes } from './delivery/lanes.ts';
import { Recovery } from './delivery/recovery.ts';
import { Settlement } from './delivery/settlement.ts';
import type { ErrorReporter } from './error-reporter.ts';
import { MethodsTable } from './methods-table.ts';
import type { NameWatch } from './name-watch.ts';
import type { Identity } from './node-identity.ts';
import { makeLanes } from './node-lanes.ts';
import type { NodeOptions } from './node-options.ts';
import type { Output } from './output/output.ts';
import type { Redaction } from './output/redactor.ts';
import { leftoverGroups } from './processes/leftover-groups.ts';
import type { MethodProcess } from './processes/method.ts';
import { InNodeProcess } from './processes/method-process.ts';
import { endProcessGroup } from './processes/process-group.ts';
import { NodeSchedules } from './schedules/node-schedules.ts';
import type { ServerTime } from './server-time.ts';
import type { Boots } from './store/boots.ts';
import { Cancellations } from './store/cancellations.ts';
import type { Journal } from './store/journal.ts';
import type { Outbox } from './store/outbox.ts';
import { Seen } from './store/seen.ts';
import type { Store } from './store/store.ts';
import { accessCheck, eventAccessCheck } from './trust/access-check.ts';
import type { TrustDocuments } from './trust/documents.ts';
import { makeGuard } from './trust/guard.ts';
import { Spent } from './trust/spent.ts';

/** What a crash left running has this long between SIGTERM and SIGKILL. */
const leftoverGraceMs = 5000;

export type DeliveryParts = {
	readonly options: NodeOptions;
	readonly identity: Identity;
	readonly link: Link;
	readonly store: Store;
	readonly boots: Boots;
	readonly outbox: Outbox;
	readonly journal: Journal;
	readonly serverTime: ServerTime;
	readonly nameWatch: NameWatch;
	readonly errors: ErrorReporter;
	readonly audit: ErrorReporter;
	readonly output: Output;
	readonly redaction: Redaction;
	/** Vouches for claims. */
	readonly seal: Seal | undefined;
	readonly methods: MethodsTable;
	readonly documents: TrustDocuments;
	/** Aborts what still runs when the node's grace has passed. */
	readonly graceOver: AbortSignal;
	/** Aborts when the node takes nothing more. */
	readonly stopping: AbortSignal;
	readonly onNameUsedTwice: (machine: string) => void;
	readonly onShutdown: (error: unknown) => void;
	/** What the node says of itself has changed. */
	readonly onChange: () => void;
};

export function buildDelivery(parts: DeliveryParts) {
	const { options, link, store, journal, serverTime, errors, methods, graceOver, stopping } = parts;
	const { onChange, onShutdown } = parts;
	const { name: node, dataDir, clock, log, random } = options;
	const pauses = new Pauses({ store, now: () => serverTime.now(), clock });
	const cancellations = new Cancellations(store, () => clock.now());
	const held = new HeldDeliveries({ path: join(dataDir, `held-${parts.identity.machine}`), link, log });
	const untilLinkUp = async () => (await link.whenUp(stopping)) !== undefined;
	const settlement = new Settlement({ node, journal, cancellations, serverTime, untilLinkUp, clock, log });
	const executor = new Executor({
		...{
			journal,
			settlement,
			pauses,
			output: parts.output,
			serverTime,
			errors,
			onShutdown,
			onChange,
			graceOver,
			clock,
			log,
			random,
		},
	});
	const spent = new Spent(store);
	const { documents } = parts;
	const own = { node, labels: options.config.node.labels, documents };
	const { trust = () => documents.trust(), access = accessCheck(own) } = options;
	const claims = new ClaimWriter({ node, link, seal: parts.seal, clock, log });
	const claimant = new Claimant({
		...{ identity: parts.identity, boots: parts.boots, settlement, held, serverTime, errors, log },
		onNameUsedTwice: parts.onNameUsedTwice,
		endLeftovers: (id) => endLeftovers(options, id, null),
		isAlone: () => parts.nameWatch.isAlone,
		writeClaim: (id, next, signal) => claims.write(id, next, signal),
	});
	const lanes = new Lanes({ node, link, onBegin: () => schedules.wake(), clock, log });
	const control = new InNodeProcess({
		...{ name: 'control methods', node, dataDir, log },
		definitions: controlMethods({
			pauses,
			lanes: () => lanes.states().map(({ lane }) => lane),
			callOff: (id, queuedAt, closed) =>
				commands.callOff(id, queuedAt, closed).finally(() => schedules.wake()),
			schedules: {
				put: (wish) => schedules.put(wish),
				remove: (wish) => schedules.remove(wish),
			},
			documents,
			wake: (method) => wakeProcess(methods, method, clock),
			whyUnknown: (method) => whyUnknown(methods, method),
			running: () => executor.running().flatMap(({ id, lane }) => (lane === 'control' ? [] : [id])),
		}),
	});
	const commands: CommandPipeline = new CommandPipeline({
		...{
			journal,
			methods,
			executor,
			settlement,
			cancellations,
			pauses,
			serverTime,
			claimant,
			guard: makeGuard({ node, trust, access, spent }),
			audit: parts.audit,
			redaction: parts.redaction,
			errors,
			clock,
			log,
		},
		controls: new MethodsTable([control], undefined),
		endLeftovers: (id, child) => endLeftovers(options, id, child),
	});
	const capacityOf = (lane: LaneName) => options.config.node.lanes[lane];
	const schedules: NodeSchedules = new NodeSchedules({
		...{ node, store, journal, cancellations, pauses, errors, onChange, onShutdown, clock, log },
		capacityOf,
		laneOfMethod: (method) => {
			const lane = methods.find(method, 'command')?.description.defaults.lane;
			return lane !== undefined && capacityOf(lane) !== undefined ? lane : undefined;
		},
		handle: (delivery, holdsSlot, signal) => commands.handle(delivery, holdsSlot, signal),
		recallWish: (id) => commands.recallWish(id),
		now: () => serverTime.now(),
		isTimeSure: () => serverTime.isKnown,
		// After a connect a change or a pause that waited counts before anything else begins.
		isHeldUp: () => link.connection !== undefined && !lanes.haveBegun,
	});
	const recovery = new Recovery({
		...{ journal, settlement, serverTime, onShutdown, clock, log },
		isAtWork: (id) => commands.isAtWork(id),
		endLeftovers: (id, child) => endLeftovers(options, id, child),
	});
	const seen = new Seen(store);
	const { outbox, redaction } = parts;
	const events = new EventPipeline({
		access: eventAccessCheck(own),
		...{
			methods,
			pauses,
			seen,
			store,
			outbox,
			errors,
			redaction,
			audit: parts.audit,
			onShutdown,
			graceOver,
			clock,
			log,
			random,
		},
	});
	lanes.add(
		makeLanes({
			...{ options, link, lanes, commands, events, pauses, held },
			onStatus: onChange,
			onShutdown,
		}),
	);
	pauses.onChange(() => {
		lanes.poke();
		schedules.wake();
		onChange();
	});
	pauses.onProbe(() => lanes.poke());
	link.onUp(() => {
		commands.renewLeases();
		events.renewLeases();
	});
	link.onDown(() => {
		commands.linkLost();
		schedules.wake();
	});
	return {
		pauses,
		held,
		recovery,
		control,
		lanes,
		schedules,
		executor,
		prune: async (now: number) => ({
			journal: await journal.prune(now),
			seen: await seen.prune(now),
			cancels: await cancellations.prune(now),
			spent: await spent.prune({ server: serverTime.now(), own: now }),
		}),
		/** A process broke down too often: the error kernel says what becomes of its methods. */
		onExhausted: (process: MethodProcess, error: Error) => {
			const kind = 'intensityExceeded';
			errors.report({ kind, where: process.name, message: error.message });
			const { verdict } = decide({ kind, attempt: 0, attempts: 0, backoff: noBackoff }, random);
			if (verdict !== 'stop') return onShutdown(error);
			const names = process.methods.map((method) => method.name);
			pauses.breakDown(names, { by: node, reason: redaction.text(error.message) });
		},
	};
}

/** A verdict that starts nothing again needs none. */
const noBackoff = { kind: 'fixed', initialMs: 0, capMs: 0, jitter: 0 } as const;

/** A module that takes longer to load is waited for by its commands: others may want the control lane. */
const wakeWithinMs = 5000;

/** Starts the process of a method again, if it rests; undefined for a method that is not there. */
async function wakeProcess(methods: MethodsTable, method: string, clock: Clock): Promise<Woken | undefined> {
	const process = processOf(methods, method);
	if (!process) return undefined;
	const names = process.methods.map(({ name }) => name);
	if (!process.isPaused) return { methods: names, isUp: true };
	const over = new AbortController();
	const slow = clock.sleep(wakeWithinMs, over.signal).then(() => true);
	const woken = Promise.resolve(process.wake?.()).then(() => process.isPaused !== true);
	const isUp = await Promise.race([woken, slow]);
	over.abort();
	return { methods: names, isUp };
}

function processOf(methods: MethodsTable, method: string): MethodProcess | undefined {
	return methods.find(method, 'command')?.process ?? methods.find(method, 'event')?.process;
}

function whyUnknown(methods: MethodsTable, method: string): string | undefined {
	return processOf(methods, method) ? undefined : methods.whyUnknown(method, 'command');
}

async function endLeftovers(
	{ dataDir, clock }: NodeOptions,
	id: string,
	child: ProcessIdentity | null,
): Promise<void> {
	for (const leader of child ? [child] : leftoverGroups(dataDir, id)) {
		await endProcessGroup(leader, { clock, graceMs: leftoverGraceMs });
	}
}
