/**
 * Owns a command pipeline without a node around it: a real store, a real broker behind a link that can be broken, and one
 * method whose check waits where a test says so.
 * Promises that deliveries are what the test makes of them, and that clocks move as it says.
 * Everything is closed and gone at the end.
 */

import { join } from 'node:path';
import { type Clock, systemClock } from '../../src/base/clock.ts';
import { packageRoot } from '../../src/base/package.ts';
import type { ProcessIdentity } from '../../src/base/process.ts';
import type { OnInterrupt } from '../../src/domain/policy.ts';
import { emptyResult } from '../../src/domain/result.ts';
import { streams, subjects } from '../../src/domain/subject.ts';
import type { NodeClaim } from '../../src/domain/wire.ts';
import { closeConnection, Link, openConnection } from '../../src/jetstream/connection.ts';
import type { Delivery } from '../../src/jetstream/pull.ts';
import { applyTopology } from '../../src/jetstream/topology.ts';
import { Pauses } from '../../src/node/control/pauses.ts';
import { ClaimWriter } from '../../src/node/delivery/claim-writer.ts';
import { Claimant } from '../../src/node/delivery/claimant.ts';
import { CommandPipeline } from '../../src/node/delivery/command-pipeline.ts';
import { Executor } from '../../src/node/delivery/executor.ts';
import { Settlement } from '../../src/node/delivery/settlement.ts';
import { ErrorReporter } from '../../src/node/error-reporter.ts';
import { MethodsTable } from '../../src/node/methods-table.ts';
import { Redaction } from '../../src/node/output/redactor.ts';
import type { MethodProcess } from '../../src/node/processes/method.ts';
import { momentOf, ServerTime } from '../../src/node/server-time.ts';
import { Boots } from '../../src/node/store/boots.ts';
import { Cancellations } from '../../src/node/store/cancellations.ts';
import { Journal } from '../../src/node/store/journal.ts';
import { Outbox } from '../../src/node/store/outbox.ts';
import { Store } from '../../src/node/store/store.ts';
import type { Guard } from '../../src/node/trust/guard.ts';
import { recordingLog } from '../support/log.ts';
import { startNats } from '../support/nats.ts';
import { roomy } from '../support/outbox.ts';
import { keptOutput } from '../support/output.ts';
import { startProxy } from '../support/proxy.ts';
import { tempDir } from '../support/temp.ts';

export type Given = {
	readonly seq?: number;
	readonly digest?: string;
	readonly queuedAt?: number;
	readonly deliverWithinMs?: number | null;
	readonly onInterrupt?: OnInterrupt;
	readonly attempts?: number;
};

/** `trusts`: whom it trusts; whoever comes, where nothing is given. */
export async function pipelineParts(trusts: (store: Store) => Guard = () => async () => ({ allowed: true })) {
	const nats = await startNats();
	const proxy = await startProxy(nats.port);
	const dir = await tempDir();
	const connection = await openConnection({ servers: [nats.url], name: 'test', timeoutMs: 30_000 });
	await applyTopology(connection, { dir: join(packageRoot, 'streams') });
	const log = recordingLog();
	const shift = { wall: 0, monotonic: 0 };
	const clock: Clock = {
		...systemClock,
		now: () => systemClock.now() + shift.wall,
		monotonic: () => systemClock.monotonic() + shift.monotonic,
	};
	const link = new Link({ servers: [proxy.url], name: 'ship1', clock: systemClock, log });
	const store = new Store(join(dir.path, 'store'), systemClock);
	const outbox = new Outbox({ ...roomy, node: 'ship1', store, link, clock: systemClock, log });
	const boots = new Boots(store, 'boot');
	for (const service of [store, boots, link, outbox]) await service.start();
	await link.whenUp(new AbortController().signal);
	const journal = new Journal({ store, outbox, boot: 'boot', machine: 'machine', now: clock.now });
	const errors = new ErrorReporter({ intake: outbox, clock: systemClock, log, newId: () => 'e' });
	const serverTime = new ServerTime(clock);
	const readClock = () => serverTime.read(systemClock.now(), momentOf(clock), momentOf(clock));
	readClock();
	const told = {
		runs: [] as string[],
		checks: 0,
		words: [] as string[],
		back: [] as number[],
		others: [] as string[],
	};
	const hold = { check: Promise.resolve(), problems: [] as string[], onRun: (): void => undefined };
	/** The process group that is there before a run, and the one where it runs then. */
	const leaders: { known?: ProcessIdentity; ofRun?: ProcessIdentity } = {};
	const process: MethodProcess = {
		name: 'test',
		methods: [{ name: 'm', kind: 'command', dataSchema: {}, defaults: {} }],
		start: async () => undefined,
		stop: async () => undefined,
		onFailure: () => undefined,
		check: async () => {
			told.checks += 1;
			await hold.check;
			return hold.problems;
		},
		leaderOf: () => leaders.known,
		run: async (_, { id, attempt, data, recordChild }) => {
			if (leaders.ofRun) await recordChild?.(leaders.ofRun);
			hold.onRun();
			told.runs.push(`${id} ${attempt} ${String(data)}`);
			return { outcome: 'succeeded', result: emptyResult };
		},
	};
	const pauses = new Pauses({ store, now: () => serverTime.now(), clock });
	const cancellations = new Cancellations(store, clock.now);
	const settlement = new Settlement({
		...{ node: 'ship1', journal, cancellations, serverTime, clock: systemClock, log },
		untilLinkUp: async () => true,
	});
	const executor = new Executor({
		...{ journal, settlement, pauses, serverTime, errors, clock: systemClock, log, random: Math.random },
		output: { begin: () => keptOutput() },
		onShutdown: (error) => {
			throw error;
		},
		onChange: () => undefined,
		graceOver: new AbortController().signal,
	});
	const claims = new ClaimWriter({ node: 'ship1', link, clock: systemClock, log });
	const alone = { isAlone: false };
	const claimant = new Claimant({
		identity: { node: 'ship1', machine: 'machine', boot: 'boot', epoch: store.epoch },
		...{ boots, settlement, serverTime, errors, log },
		held: { giveBack: ({ seq }) => told.back.push(seq) },
		isAlone: () => alone.isAlone,
		onNameUsedTwice: (machine) => told.others.push(machine),
		endLeftovers: async () => undefined,
		writeClaim: (id, next, stopping) => claims.write(id, next, stopping),
	});
	const pipeline = new CommandPipeline({
		...{ journal, executor, settlement, cancellations, pauses, serverTime, claimant, errors, clock, log },
		...{ guard: trusts(store), audit: errors },
		redaction: new Redaction(['tok-\\d+']),
		controls: new MethodsTable([], undefined),
		methods: new MethodsTable([process], undefined),
		endLeftovers: async () => undefined,
	});
	link.onDown(() => pipeline.linkLost());
	const stopping = new AbortController();
	const deliver = (id: string, given: Given = {}): Delivery => delivery(id, given, told.words);
	const claimText = async (id: string) =>
		(
			await connection.jsm.direct.getMessage(streams.claims, { last_by_subj: subjects.claim('ship1', id) })
		)?.string();
	return {
		...{ nats, proxy, connection, link, log, store, outbox, journal, serverTime, pipeline },
		...{ told, hold, leaders, alone, shift, readClock, deliver, pauses, cancellations },
		handle: (id: string, given: Given = {}) => pipeline.handle(deliver(id, given), true, stopping.signal),
		/** The claim on the stream, undefined where there is none. */
		claim: async (id: string): Promise<Partial<NodeClaim> | undefined> => {
			const text = await claimText(id);
			return text === undefined ? undefined : JSON.parse(text);
		},
		/** Writes a claim as another process would have, or anything else in its place. */
		putClaim: async (id: string, claim: Partial<NodeClaim>) => {
			const full = {
				v: 1,
				by: 'node',
				epoch: 'other',
				boot: 'other',
				machine: 'other',
				event: 'started',
				at: 5,
			};
			const text = JSON.stringify({ ...full, facts: factsOf({}), ...claim });
			await connection.js.publish(subjects.claim('ship1', id), text);
		},
		[Symbol.asyncDispose]: async () => {
			stopping.abort();
			await outbox.stop();
			await link.stop();
			await store.stop();
			await closeConnection(connection, systemClock);
			await proxy[Symbol.asyncDispose]();
			await nats[Symbol.asyncDispose]();
			await dir[Symbol.asyncDispose]();
		},
	};
}

function factsOf({ seq = 1, digest = 'd', queuedAt = systemClock.now(), deliverWithinMs = null }: Given) {
	return {
		method: 'm',
		lane: 'normal',
		sender: '_operator',
		digest,
		seq,
		queuedAt,
		deliverWithinMs,
	} as const;
}

function delivery(id: string, given: Given, words: string[]): Delivery {
	const { seq, digest, queuedAt, deliverWithinMs } = factsOf(given);
	const headers: Record<string, string> = {
		'Steward-Digest': digest,
		'Steward-Sender': '_operator',
		'Steward-Deliver-Within': deliverWithinMs === null ? 'never' : String(deliverWithinMs),
	};
	const { onInterrupt, attempts } = given;
	const envelope = {
		v: 1,
		id,
		node: 'ship1',
		method: 'm',
		lane: 'normal',
		data: digest,
		sender: '_operator',
	};
	const text = JSON.stringify({ ...envelope, deliverWithinMs, onInterrupt, attempts });
	const say = (word: string) => void words.push(`${word} ${id}`);
	return {
		subject: subjects.command(0, { node: 'ship1', lane: 'normal', method: 'm', id }),
		data: new TextEncoder().encode(text),
		header: (name) => headers[name] ?? '',
		reply: `$JS.ACK.stream.consumer.1.${seq}.1.1.0`,
		...{ seq, deliveries: 1, storedAt: queuedAt },
		ackAck: async () => {
			say('ack');
			return true;
		},
		ack: () => say('ack'),
		nak: () => say('nak'),
		term: () => say('term'),
		working: () => undefined,
	};
}
