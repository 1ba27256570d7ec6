/**
 * Owns sending a checked message to its targets: ids, enqueue or event, and the receipts.
 * Promises one receipt a target, in order; where some targets fail, the error says which, and the others are sent.
 * A crash in the middle leaves some targets sent: with a chosen id the same call again completes it.
 */

import { isStewardError, messageOf, StewardError } from '../base/errors.ts';
import { firstFew } from '../base/text.ts';
import { type Envelope, envelopeFor } from '../domain/envelope.ts';
import type { Message } from '../domain/message.ts';
import { formatHandle, operatorSender } from '../domain/names.ts';
import { matchesLabels } from '../domain/node-state.ts';
import { eventDeliverWithinMs } from '../domain/policy.ts';
import { refusalOf } from '../domain/standing.ts';
import { type CommandView, type NodeView, queuedView, type Receipt } from '../domain/view.ts';
import { askAll } from '../jetstream/api.ts';
import type { KnownNode } from '../jetstream/nodes.ts';
import { enqueue } from './enqueue.ts';
import { type Known, nothingIsKnown } from './known-nodes.ts';
import { lookUp } from './lookup.ts';
import type { FleetParts } from './parts.ts';

type Finish = (envelope: Envelope) => Envelope;

/** Nodes that are asked about at once, where a message has more, and how many times as many have it under way. */
const askedAtOnce = 3000;
const partsUnderWay = 3;

export type SendOptions = {
	/** Called at first, and when another target has its message, or failed to get it. */
	onProgress?: (done: number, of: number) => void;
};

/**
 * @param finish What is still to be written into the command of each node.
 * @throws StewardError as Fleet.send
 */
export async function sendMessage(
	parts: FleetParts,
	message: Message,
	finish: Finish = (envelope) => envelope,
	{ onProgress }: SendOptions = {},
): Promise<Receipt[]> {
	const targets = await resolveTargets(parts, message);
	const whoIsThere = message.whenAbsent === 'queue' ? undefined : await parts.known.now(targets);
	const wanted = whoIsThere ? applyWhenAbsent(message, targets, whoIsThere) : targets;
	const id = message.id ?? parts.newId();
	let done = 0;
	onProgress?.(done, wanted.length);
	const sendTo = async (node: string, known: Known) => {
		try {
			const sending = { message, id, known: known(node), finish };
			return await (message.kind === 'event' ? sendEvent : sendCommand)(parts, sending, node);
		} finally {
			done += 1;
			onProgress?.(done, wanted.length);
		}
	};
	return parts.positions.during(wanted.length, async () => {
		const ordered = wanted.length > askedAtOnce ? byShard(parts, wanted) : wanted;
		const sent: Promise<PromiseSettledResult<Receipt>[]>[] = [];
		for (let from = 0; from < ordered.length; from += askedAtOnce) {
			await sent.at(-partsUnderWay);
			const some = ordered.slice(from, from + askedAtOnce);
			// While the broker stores those before. Where it is gone, nobody waits for its word once more.
			const mayAsk = from === 0 || parts.connection.reach.isUp;
			const known = whoIsThere ?? (mayAsk ? await parts.known.lately(some) : nothingIsKnown);
			sent.push(Promise.allSettled(some.map((node) => sendTo(node, known))));
		}
		const settled = inOrder(wanted, ordered, (await Promise.all(sent)).flat());
		throwFailures(wanted, id, settled);
		return parts.positions.tell(
			settled.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : [])),
		);
	});
}

/** Those of one shard after each other: its batches are full then, and few are under way at once. */
function byShard({ commands }: FleetParts, nodes: readonly string[]): readonly string[] {
	const ofShards = commands.allShards.map((): string[] => []);
	for (const node of nodes) ofShards[commands.shardOf(node)]?.push(node);
	return ofShards.flat();
}

/** What became of `ordered`, in the order of `nodes`. */
function inOrder<Outcome>(
	nodes: readonly string[],
	ordered: readonly string[],
	outcomes: readonly Outcome[],
): readonly Outcome[] {
	if (nodes === ordered) return outcomes;
	const places = new Map(ordered.map((node, place) => [node, place]));
	return nodes.flatMap((node) => outcomes[places.get(node) ?? -1] ?? []);
}

/** Queues one envelope again under an id of its own, and says where it stands. @throws StewardError as Fleet.send */
export async function sendEnvelope(parts: FleetParts, envelope: Envelope): Promise<Receipt> {
	const known = (await parts.known.lately([envelope.node]))(envelope.node);
	checkStanding(known, envelope);
	const receipt = await queueEnvelope(parts, envelope, known, true);
	const [whole = receipt] = await parts.positions.tell([receipt]);
	return whole;
}

/** One message on its way to one of its targets. */
type Sending = {
	readonly message: Message;
	readonly id: string;
	/** Of the target. */
	readonly known: KnownNode;
	readonly finish: Finish;
};

/** @throws StewardError `refused` where the node is out of service, or its queue is full */
function checkStanding(
	known: KnownNode,
	{ node, kind = 'command', lane }: { node: string; kind?: 'command' | 'event'; lane?: string },
): void {
	const refusal = refusalOf(node, known.standing(), { kind, ...(lane && { lane }) });
	if (refusal) throw refusal;
}

async function resolveTargets(parts: FleetParts, message: Message): Promise<readonly string[]> {
	if ('nodes' in message.target) return message.target.nodes;
	const { where } = message.target;
	const nodes = await askAll<NodeView>(parts.connection, 'nodes', {});
	const matching = nodes
		.filter(({ labels, decommissioned }) => decommissioned === null && matchesLabels(where, labels))
		.map(({ node }) => node);
	if (matching.length > 0) return matching;
	const text = Object.entries(where).map(([key, value]) => `${key}=${value}`);
	throw new StewardError(
		'refused',
		`where: no node has the labels ${text.join(', ')} (steward nodes ls shows them)`,
	);
}

function applyWhenAbsent(
	{ whenAbsent }: Message,
	targets: readonly string[],
	known: Known,
): readonly string[] {
	const isPresent = (node: string) => known(node).presence.status === 'present';
	const present = targets.filter(isPresent);
	if (whenAbsent === 'skip' || present.length === targets.length) return present;
	const absent = targets.filter((node) => !isPresent(node));
	throw new StewardError(
		'refused',
		`not present: ${firstFew(absent)}; nothing was sent (whenAbsent is reject)`,
		{
			details: { absent },
		},
	);
}

function sendCommand(
	parts: FleetParts,
	{ message, id, known, finish }: Sending,
	node: string,
): Promise<Receipt> {
	checkStanding(known, { node });
	const methodLane =
		message.policy.lane === undefined ? parts.methodLanes.of(node, message.method, known.record) : undefined;
	const envelope = finish(envelopeFor(message, node, id, operatorSender, methodLane));
	return queueEnvelope(parts, envelope, known, message.id !== undefined);
}

async function queueEnvelope(
	parts: FleetParts,
	envelope: Envelope,
	{ presence }: KnownNode,
	chosen: boolean,
): Promise<Receipt> {
	const queued = await enqueue(parts, envelope, chosen);
	const { duplicate, seq, scheduled, queuedAt = parts.serverNow() } = queued;
	const current = duplicate ? await lookUp(parts, envelope) : undefined;
	if (current) return receiptOf(current, { duplicate, seq, presence });
	const { node, id, method, lane, sender, notBefore, lineage, schedule, deliverWithinMs } = envelope;
	const deadlineAt = deliverWithinMs === null || scheduled ? null : queuedAt + deliverWithinMs;
	const view = queuedView({
		node,
		id,
		method,
		lane,
		sender,
		notBefore,
		lineage,
		schedule,
		deadlineAt,
		queuedAt: scheduled ? null : queuedAt,
		scheduledAt: scheduled ? queuedAt : null,
	});
	return receiptOf(view, { duplicate, seq, presence });
}

async function sendEvent(
	parts: FleetParts,
	{ message: { method, data }, id, known }: Sending,
	node: string,
): Promise<Receipt> {
	checkStanding(known, { node, kind: 'event' });
	const seq = await parts.events.publish({ node, sender: operatorSender, method, id, data });
	const queuedAt = parts.serverNow();
	const view = queuedView({
		node,
		id,
		kind: 'event',
		method,
		lane: 'events',
		sender: operatorSender,
		queuedAt,
		deadlineAt: queuedAt + eventDeliverWithinMs,
	});
	return receiptOf(view, { duplicate: false, seq, presence: known.presence });
}

/** Made of the view itself, and field by field: to copy or to spread so many takes longer than all else that is done for a command here. */
function receiptOf(view: CommandView, told: Pick<Receipt, 'duplicate' | 'seq' | 'presence'>): Receipt {
	const { duplicate, seq, presence } = told;
	return Object.assign(view, { duplicate, seq, presence, position: null, via: 'broker' as const });
}

function throwFailures(
	targets: readonly string[],
	id: string,
	settled: readonly PromiseSettledResult<Receipt>[],
): void {
	const failures = settled.flatMap((outcome, index) =>
		outcome.status === 'rejected' ? [{ node: targets[index] ?? '', error: outcome.reason as unknown }] : [],
	);
	const [first] = failures;
	if (!first) return;
	if (settled.length === 1) throw first.error;
	const sent = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value.handle] : []));
	const failed = failures.map(({ node, error }) => `${node} (${messageOf(error)})`);
	throw new StewardError(
		isStewardError(first.error) ? first.error.code : 'ambiguous',
		`${sent.length} of ${settled.length} sent; failed: ${firstFew(failed, '; ')}; ` +
			`sending again with the id ${id} is safe`,
		{
			cause: first.error,
			details: { id, sent, failed: failures.map(({ node }) => formatHandle({ node, id })) },
		},
	);
}
