/**
 * Owns sending a checked message to its targets: ids, enqueue or event, and the receipts.
 * Promises one receipt a target, in order; where some targets fail, the error says which, and the others are sent.
 * A crash in the middle leaves some targets sent: with a chosen id the same call again completes it.
 */

import { isStewardError, messageOf, StewardError } from '../base/errors.ts';
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
import type { Known } from './known-nodes.ts';
import { lookUp } from './lookup.ts';
import type { FleetParts } from './parts.ts';

type Finish = (envelope: Envelope) => Envelope;

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
	const mayWait = message.whenAbsent === 'queue';
	const known = await (mayWait ? parts.known.lately(targets) : parts.known.now(targets));
	const wanted = mayWait ? targets : applyWhenAbsent(message, targets, known);
	const sending = { message, id: message.id ?? parts.newId(), known, finish };
	let done = 0;
	onProgress?.(done, wanted.length);
	return parts.positions.during(wanted.length, async () => {
		const settled = await Promise.allSettled(
			wanted.map(async (node) => {
				try {
					return await (message.kind === 'event'
						? sendEvent(parts, sending, node)
						: sendCommand(parts, sending, node));
				} finally {
					done += 1;
					onProgress?.(done, wanted.length);
				}
			}),
		);
		throwFailures(wanted, sending.id, settled);
		return parts.positions.tell(
			settled.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : [])),
		);
	});
}

/** Queues one envelope again under an id of its own, and says where it stands. @throws StewardError as Fleet.send */
export async function sendEnvelope(parts: FleetParts, envelope: Envelope): Promise<Receipt> {
	const known = (await parts.known.lately([envelope.node]))(envelope.node);
	checkStanding(known, envelope);
	const receipt = await queueEnvelope(parts, envelope, known, true);
	const [whole = receipt] = await parts.positions.tell([receipt]);
	return whole;
}

/** One message on its way to its targets. */
type Sending = {
	readonly message: Message;
	readonly id: string;
	readonly known: Known;
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
	const absent = targets.filter((node) => known(node).presence.status !== 'present');
	if (whenAbsent === 'skip') return targets.filter((node) => !absent.includes(node));
	if (absent.length === 0) return targets;
	throw new StewardError(
		'refused',
		`not present: ${absent.join(', ')}; nothing was sent (whenAbsent is reject)`,
		{
			details: { absent },
		},
	);
}

async function sendCommand(
	parts: FleetParts,
	{ message, id, finish, ...sending }: Sending,
	node: string,
): Promise<Receipt> {
	const known = sending.known(node);
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
		...{ node, id, method, lane, sender, notBefore, lineage, schedule, deadlineAt },
		...(scheduled ? { queuedAt: null, scheduledAt: queuedAt } : { queuedAt }),
	});
	return receiptOf(view, { duplicate, seq, presence });
}

async function sendEvent(
	parts: FleetParts,
	{ message: { method, data }, id, ...sending }: Sending,
	node: string,
): Promise<Receipt> {
	const known = sending.known(node);
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

/** Made of the view itself: a copy of so many fields takes longer than all else that is done for a command here. */
function receiptOf(view: CommandView, told: Pick<Receipt, 'duplicate' | 'seq' | 'presence'>): Receipt {
	return Object.assign(view, told, { position: null, via: 'broker' as const });
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
	throw new StewardError(
		isStewardError(first.error) ? first.error.code : 'ambiguous',
		`${sent.length} of ${settled.length} sent; failed: ${failures.map(({ node, error }) => `${node} (${messageOf(error)})`).join('; ')}; ` +
			`sending again with the id ${id} is safe`,
		{
			cause: first.error,
			details: { id, sent, failed: failures.map(({ node }) => formatHandle({ node, id })) },
		},
	);
}
