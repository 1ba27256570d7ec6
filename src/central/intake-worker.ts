/**
 * Owns the centre's intake: what nodes and raw NATS clients sent is checked and enqueued, or passed on as an event.
 * Promises one command for one message however often it is read, because its id is derived; what is not valid becomes
 * a dead letter that says why. A crash before the ack repeats an enqueue, which is a duplicate.
 */

import type { Clock } from '../base/clock.ts';
import { isStewardError, messageOf, StewardError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { type Enqueued, enqueue } from '../client/enqueue.ts';
import { envelopeFor } from '../domain/envelope.ts';
import { formatHandle, isNodeName } from '../domain/names.ts';
import { laneOfMethod } from '../domain/node-state.ts';
import { goodStanding, refusalOf } from '../domain/standing.ts';
import { streams } from '../domain/subject.ts';
import { nodesOf } from '../domain/target.ts';
import type { Claims } from '../jetstream/claims.ts';
import type { Commands } from '../jetstream/commands.ts';
import type { Link } from '../jetstream/connection.ts';
import type { DeadLetters } from '../jetstream/dead-letters.ts';
import type { Events } from '../jetstream/events.ts';
import { type IntakeMessage, type IntakeProblem, readIntake } from '../jetstream/intake.ts';
import type { LedgerStore } from '../jetstream/ledger-store.ts';
import { isTooLarge } from '../jetstream/publish-answer.ts';
import type { Delivery } from '../jetstream/pull.ts';
import { lifeOf } from '../jetstream/stream-lives.ts';
import { BatchReader } from './batch-reader.ts';
import { denialOfCommand, denialOfEvent } from './early-access.ts';
import type { CentreIndex } from './index.ts';

export const intakeConsumer = '_intake';

export type IntakeWorkerOptions = {
	link: Link;
	index: CentreIndex;
	commands: Commands;
	claims: Claims;
	ledger: LedgerStore;
	events: Events;
	dead: DeadLetters;
	serverNow: () => number;
	clock: Clock;
	/** Told of each message that is read, by its subject. */
	onRead?: (subject: string) => void;
	log: Log;
};

export class IntakeWorker extends BatchReader {
	constructor(options: IntakeWorkerOptions) {
		const { link, clock, log, onRead } = options;
		super({
			link,
			stream: streams.intake,
			consumer: intakeConsumer,
			handle: async (batch) => {
				const info = await streamInfo(options.link, streams.intake);
				await Promise.all(batch.map((delivery) => takeIn(options, delivery, lifeOf(info, delivery.seq))));
			},
			onRead,
			clock,
			log,
		});
	}
}

/** A stream that was made anew begins its sequences again: they are told apart by when it was made. */
async function streamInfo({ connection }: Link, stream: string): Promise<Parameters<typeof lifeOf>[0]> {
	if (!connection) throw new Error('the link is down');
	return connection.jsm.streams.info(stream);
}

async function takeIn(options: IntakeWorkerOptions, delivery: Delivery, stream: string): Promise<void> {
	const read = readIntake(delivery, stream);
	try {
		if ('bad' in read) await bury(options, delivery, read.bad);
		else await pass(options, delivery, read.ok);
		delivery.ack();
	} catch (error) {
		options.log.warn({ subject: delivery.subject, err: messageOf(error) }, 'a message of the intake waits');
		delivery.nak(1000);
	}
}

/** Each target is an enqueue of its own; one that is refused for good is buried, and the others go. */
async function pass(options: IntakeWorkerOptions, delivery: Delivery, intake: IntakeMessage): Promise<void> {
	const { message, id, sender, key } = intake;
	let targets: readonly string[];
	try {
		targets = targetsOf(options, intake);
	} catch (error) {
		if (!isRefusedForGood(error)) throw error;
		const { kind, method } = message;
		return bury(options, delivery, { node: 'unknown', kind, method, id, problem: error.message });
	}
	for (const node of targets) {
		try {
			if (!isNodeName(node)) throw new StewardError('invalid', `toNode: "${node}" is no node's name`);
			const refusal = refusalOf(node, options.index.standings.get(node) ?? goodStanding, message);
			if (message.kind === 'event') {
				const event = { node, sender, method: message.method, id, data: message.data };
				throwIf(denialOfEvent(options.index, event) ?? refusal);
				await options.events.publish(event, key);
			} else {
				const state = options.index.nodes.get(node)?.state;
				const methodLane = state && laneOfMethod(state, message.method);
				const envelope = envelopeFor(message, node, id, sender, methodLane);
				// What the sender may not do is no letter that somebody else may send again when there is room.
				throwIf(denialOfCommand(options.index, envelope) ?? refusal);
				const queued: Enqueued = await enqueue(options, envelope, true);
				const handle = formatHandle({ node, id });
				options.log.info({ handle, sender, method: message.method, duplicate: queued.duplicate }, 'queued');
			}
		} catch (error) {
			if (!isRefusedForGood(error)) throw error;
			const { kind, method } = message;
			const code = error.code === 'denied' ? 'denied' : 'invalid';
			await bury(options, delivery, { node, kind, method, id, problem: error.message }, code);
		}
	}
}

function throwIf(error: StewardError | undefined): void {
	if (error) throw error;
}

/** Trying again would not help: anything else may pass, and the message waits. */
function isRefusedForGood(error: unknown): error is StewardError {
	if (isStewardError(error, 'id-conflict') || isStewardError(error, 'invalid')) return true;
	if (isStewardError(error, 'denied')) return true;
	// Something has its id that this program cannot read: a newer steward's, or nobody's. The letter can be sent again.
	if (isStewardError(error, 'schema-newer')) return true;
	// The letter says why, and can be replayed when that is over.
	return isStewardError(error, 'refused') && (isTooLarge(error.cause) || error.details.node !== undefined);
}

/** @throws StewardError `invalid` when nobody is meant, `no-centre` while it cannot be known who is */
function targetsOf({ index }: IntakeWorkerOptions, { message }: IntakeMessage): readonly string[] {
	const { target, whenAbsent } = message;
	const byLabel = 'where' in target;
	if ((byLabel || whenAbsent !== 'queue') && !index.isComplete) {
		throw new StewardError('no-centre', 'the index is still being built');
	}
	const nodes = nodesOf(target, index.serving);
	if (nodes.length === 0) throw new StewardError('invalid', 'where: no node has these labels');
	const present = nodes.filter((node) => index.presence.get(node)?.gone === false);
	if (whenAbsent === 'reject' && present.length < nodes.length) {
		throw new StewardError('invalid', 'whenAbsent: not all nodes are present, and nothing was sent');
	}
	return whenAbsent === 'skip' ? present : nodes;
}

async function bury(
	options: IntakeWorkerOptions,
	delivery: Delivery,
	bad: IntakeProblem,
	code: 'invalid' | 'denied' = 'invalid',
): Promise<void> {
	const { node, kind, method, id, problem } = bad;
	options.log.warn(
		{ handle: formatHandle({ node, id }), err: problem },
		'refused, and kept as a dead letter',
	);
	await options.dead.write({
		node,
		kind,
		method,
		id,
		sender: delivery.subject.split('.')[3] ?? 'unknown',
		at: options.serverNow(),
		attempts: 0,
		fault: { code, message: problem },
		origin: `intake ${delivery.seq}`,
		holds: 'form',
		message: new TextDecoder().decode(delivery.data),
	});
}
