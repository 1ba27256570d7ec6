/**
 * Owns messages on their way to the centre's intake: what a node's outbox sends, and what any NATS client published.
 * Promises that both decode into one checked message with an id that is the same on every repeat.
 * Pure; the intake stream keeps them until the centre has enqueued them.
 */

import { z } from 'zod';
import { isStewardError, messageOf, StewardError } from '../base/errors.ts';
import { derivedId } from '../base/ids.ts';
import { type Message, parseMessage } from '../domain/message.ts';
import { commandLanes, isNodeName, type Kind, kinds, methodNamePattern, rawSender } from '../domain/names.ts';
import { runPolicySchema, whenAbsentPolicies } from '../domain/policy.ts';
import { parseIntakeSubject, subjects } from '../domain/subject.ts';
import { decode, type OutboxKey } from '../domain/wire.ts';
import { keyHeaders, readKey } from './events.ts';
import type { PublishRequest } from './publisher.ts';

/** The node token of a message whose targets are labels. */
const labelledTarget = '_where';

/** A checked message as one node hands it to the centre. Times are milliseconds. */
const sentSchema = z.object({
	v: z.literal(1),
	target: z.union([
		z.object({ nodes: z.array(z.string()) }),
		z.object({ where: z.record(z.string(), z.string()) }),
	]),
	kind: z.enum(kinds),
	method: z.string().regex(methodNamePattern),
	data: z.unknown(),
	notBefore: z.number().optional(),
	whenAbsent: z.enum(whenAbsentPolicies),
	policy: z.object({
		lane: z.enum(commandLanes).optional(),
		deliverWithinMs: z.number().min(0).nullable(),
		...runPolicySchema.shape,
	}),
});

/** The message of a node's outbox, for one node or (undefined) for labels. */
export function intakeRequest(
	message: Message,
	node: string | undefined,
	sender: string,
	id: string,
	key: OutboxKey,
): PublishRequest {
	const { kind, method, data, notBefore, whenAbsent, policy } = message;
	const target = node === undefined ? message.target : { nodes: [node] };
	return {
		subject: subjects.intake(node ?? labelledTarget, sender, kind, method),
		data: JSON.stringify({ v: 1, target, kind, method, data, notBefore, whenAbsent, policy }),
		headers: keyHeaders(id, key),
	};
}

export type IntakeMessage = {
	readonly sender: string;
	readonly message: Message;
	readonly id: string;
	/** What tells a repeat from a new one, also for events that are passed on. */
	readonly key: OutboxKey;
};

export type IntakeProblem = {
	readonly node: string;
	readonly kind: 'command' | 'event';
	readonly method: string;
	readonly id: string;
	readonly problem: string;
};

/** One message of the intake stream, or what is wrong with it. `stream`: which stream of this name, by when it was made. */
export function readIntake(
	stored: {
		subject: string;
		data: Uint8Array;
		header: (name: string) => string;
		seq: number;
	},
	stream: string,
): { ok: IntakeMessage } | { bad: IntakeProblem } {
	const address = parseIntakeSubject(stored.subject);
	const fallbackId = derivedId('intake', stream, stored.seq);
	const sender = address?.sender ?? rawSender;
	const where = {
		node: address?.node ?? 'unknown',
		kind: address?.kind === 'event' ? ('event' as const) : ('command' as const),
		method: address?.method ?? 'unknown',
		id: fallbackId,
	};
	if (!address) return { bad: { ...where, problem: 'the subject is none of the intake' } };
	const keyed = readKey(stored.header);
	if (sender !== rawSender && keyed) {
		const sent = decode(sentSchema, stored.data);
		if (!sent) return { bad: { ...where, problem: 'the body is no message of a node' } };
		if (!isNodeName(sender)) return { bad: { ...where, problem: 'the sender is no node' } };
		const isLabelled = 'where' in sent.target && where.node === labelledTarget;
		const contradiction = contradictionOf(sent, where, isLabelled);
		if (contradiction) return { bad: { ...where, problem: contradiction } };
		return { ok: { sender, message: { ...sent, policy: sent.policy }, id: keyed.id, key: keyed.key } };
	}
	try {
		const text = new TextDecoder('utf-8', { fatal: true }).decode(stored.data);
		const form: unknown = JSON.parse(text);
		const message = parseMessage(form, { toNode: where.node, kind: where.kind, method: where.method });
		const contradiction = contradictionOf(message, where);
		if (contradiction) return { bad: { ...where, problem: contradiction } };
		const id = message.id ?? fallbackId;
		return { ok: { sender: rawSender, message, id, key: { epoch: `intake ${stream}`, n: stored.seq } } };
	} catch (error) {
		const problem = isStewardError(error) ? error.message : `the body is no JSON: ${messageOf(error)}`;
		return { bad: { ...where, problem } };
	}
}

/**
 * The message of a dead letter of the intake, checked again: as a node sent it, or in its JSON form.
 * @throws StewardError `invalid`
 */
export function parseForm(text: string, where: { node: string; kind: Kind; method: string }): Message {
	const sent = decode(sentSchema, text);
	let message: Message;
	if (sent) message = { ...sent, policy: sent.policy };
	else {
		let form: unknown;
		try {
			form = JSON.parse(text);
		} catch (error) {
			throw new StewardError('invalid', `the message is no JSON: ${messageOf(error)}`, { cause: error });
		}
		message = parseMessage(form, { toNode: where.node, kind: where.kind, method: where.method });
	}
	const contradiction = contradictionOf(message, where);
	if (contradiction) throw new StewardError('invalid', contradiction);
	return message;
}

/** What a client may publish to is decided by subject, so the body may not say otherwise. */
function contradictionOf(
	{ target, kind, method }: Pick<Message, 'target' | 'kind' | 'method'>,
	subject: { node: string; kind: string; method: string },
	isLabelled = false,
): string | undefined {
	const nodes = 'nodes' in target ? target.nodes : [];
	if (!isLabelled && (nodes.length !== 1 || nodes[0] !== subject.node)) {
		return `toNode: the subject says ${subject.node}; publish to the subject of each node instead`;
	}
	if (kind !== subject.kind) return `kind: the subject says ${subject.kind}, the message ${kind}`;
	return method === subject.method
		? undefined
		: `method: the subject says ${subject.method}, the message ${method}`;
}
