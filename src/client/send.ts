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
import { goodStanding, refusalOf } from '../domain/standing.ts';
import { type CommandView, type NodeView, queuedView, type Receipt } from '../domain/view.ts';
import { askAll } from '../jetstream/api.ts';
import type { KnownNode } from '../jetstream/nodes.ts';
import { enqueue } from './enqueue.ts';
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
	const asking = askAbout(parts, message, targets);
	const wanted = message.whenAbsent === 'queue' ? targets : applyWhenAbsent(message, targets, await asking);
	const id = message.id ?? parts.newId();
	let done = 0;
	onProgress?.(done, wanted.length);
	return parts.positions.during(wanted.length, async () => {
		const settled = await Promise.allSettled(
			wanted.map(async (node) => {
				try {
					return await (message.kind === 'event'
						? sendEvent(parts, message, node, id, asking)
						: sendCommand(parts, message, node, id, asking, finish));
				} finally {
					done += 1;
					onProgress?.(done, wanted.length);
				}
			}),
		);
		throwFailures(wanted, id, settled);
		const receipts = settled.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
		return completed(parts, receipts, await asking);
	});
}

/** Queues one envelope again under an id of its own, and says where it stands. @throws StewardError as Fleet.send */
export async function sendEnvelope(parts: FleetParts, envelope: Envelope): Promise<Receipt> {
	const asking = askAbout(parts, { whenAbsent: 'queue' }, [envelope.node]);
	await checkStanding(asking, envelope);
	const receipt = await queueEnvelope(parts, envelope, true);
	const [whole = receipt] = await completed(parts, [receipt], await asking);
	return whole;
}

/** With presence, and the place in the queue. */
function completed(
	{ positions }: FleetParts,
	receipts: readonly Receipt[],
	known: Known,
): Promise<Receipt[]> {
	return Promise.all(
		receipts.map(async (receipt) => {
			const { presence } = known(receipt.node);
			return { ...receipt, presence, position: await positions.of(receipt) };
		}),
	);
}

type Known = (node: string) => KnownNode;
const nothingKnown: KnownNode = {
	presence: { status: 'unknown', since: null },
	record: () => undefined,
	standing: () => goodStanding,
};

/** @throws StewardError `refused` where the node is out of service, or its queue is full */
async function checkStanding(
	asking: Promise<Known>,
	{ node, kind = 'command', lane }: { node: string; kind?: 'command' | 'event'; lane?: string },
): Promise<void> {
	const refusal = refusalOf(node, (await asking)(node).standing(), { kind, ...(lane && { lane }) });
	if (refusal) throw refusal;
}

/** A command that may wait for its node is sent whether or not anybody can say who is there. */
async function askAbout(
	parts: FleetParts,
	{ whenAbsent }: Pick<Message, 'whenAbsent'>,
	targets: readonly string[],
): Promise<Known> {
	try {
		const known = await parts.nodes.knownOf(targets);
		return (node) => known.get(node) ?? nothingKnown;
	} catch (error) {
		if (whenAbsent !== 'queue') throw error;
		return () => nothingKnown;
	}
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
	message: Message,
	node: string,
	id: string,
	asking: Promise<Known>,
	finish: Finish,
): Promise<Receipt> {
	const methodLane =
		message.policy.lane === undefined
			? await parts.methodLanes.of(node, message.method, async () => (await asking)(node).record())
			: undefined;
	await checkStanding(asking, { node, kind: 'command' });
	const envelope = finish(envelopeFor(message, node, id, operatorSender, methodLane));
	return queueEnvelope(parts, envelope, message.id !== undefined);
}

async function queueEnvelope(parts: FleetParts, envelope: Envelope, chosen: boolean): Promise<Receipt> {
	const queued = await enqueue(parts, envelope, chosen);
	const storedAt = queued.queuedAt ?? parts.serverNow();
	const { duplicate, seq, scheduled } = queued;
	const current = duplicate ? await lookUp(parts, envelope) : undefined;
	if (current) return receiptOf(current, duplicate, seq);
	const { deliverWithinMs } = envelope;
	const times = scheduled
		? { queuedAt: null, scheduledAt: storedAt, deadlineAt: null }
		: { queuedAt: storedAt, deadlineAt: deliverWithinMs === null ? null : storedAt + deliverWithinMs };
	return receiptOf(queuedView({ ...envelope, ...times }), duplicate, seq);
}

async function sendEvent(
	parts: FleetParts,
	message: Message,
	node: string,
	id: string,
	asking: Promise<Known>,
): Promise<Receipt> {
	const { method, data } = message;
	await checkStanding(asking, { node, kind: 'event' });
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
	return receiptOf(view, false, seq);
}

function receiptOf(view: CommandView, duplicate: boolean, seq: number): Receipt {
	return {
		...view,
		duplicate,
		seq,
		presence: { status: 'unknown', since: null },
		position: null,
		via: 'broker',
	};
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
