/**
 * Owns what the broker promised: each message whose PubAck it sent, with its place on its stream, and what it was asked to remove.
 * Promises that nothing counts as removed which nobody asked for, and nothing as promised before its PubAck was on its way.
 * Pure. Streams in memory, and those whose messages expire within seconds (presence, leases), promise nothing.
 */

import { z } from 'zod';
import { headerOf, type Said } from './wire.ts';

/** A stored message that was acknowledged. */
export type Promised = {
	readonly stream: string;
	readonly seq: number;
	readonly subject: string;
	readonly data: Buffer;
	/** The place in the trace where its PubAck went out. */
	readonly place: number;
};

/** A request that removes messages: one by its sequence, or those of a filter below a sequence. */
export type Removal = {
	readonly stream: string;
	readonly place: number;
	covers(message: Promised): boolean;
};

const passing = /^KV_steward-(presence|leases)$/;

const ackSchema = z.object({
	stream: z.string(),
	/** 0 in a refusal. */
	seq: z.number().min(1),
	batch: z.string().optional(),
	count: z.number().optional(),
});
const removalSchema = z.object({
	filter: z.string().optional(),
	seq: z.number().optional(),
	keep: z.number().optional(),
});

export function promisesOf(said: readonly Said[]): { promised: Promised[]; removals: Removal[] } {
	const asked = new Map<string, Said>();
	const batches = new Map<string, Said[]>();
	const promised: Promised[] = [];
	const removals: Removal[] = [];
	for (const message of said) {
		if (message.by === 'client') {
			if (message.reply !== '') asked.set(message.reply, message);
			const batch = headerOf(message, 'Nats-Batch-Id');
			if (batch !== undefined) batches.set(batch, [...(batches.get(batch) ?? []), message]);
			removals.push(...removalsIn(message));
			continue;
		}
		const ack = jsonOf(ackSchema, message.data);
		const question = asked.get(message.subject);
		if (!ack || !question || question.subject.startsWith('$JS.') || passing.test(ack.stream)) continue;
		const messages = ack.batch === undefined ? [question] : (batches.get(ack.batch) ?? []);
		if (messages.length !== (ack.count ?? 1))
			throw new Error(`a batch of ${ack.count}, ${messages.length} seen`);
		for (const [index, { subject, data }] of messages.entries()) {
			const seq = ack.seq - messages.length + 1 + index;
			promised.push({ stream: ack.stream, seq, subject, data, place: message.place });
		}
	}
	return { promised, removals };
}

function removalsIn({ subject, data, place }: Said): Removal[] {
	const [, verb, stream = ''] = /^\$JS\.API\.STREAM\.(PURGE|MSG\.DELETE)\.(.+)$/.exec(subject) ?? [];
	if (verb === undefined) return [];
	const asked = data.length === 0 ? {} : jsonOf(removalSchema, data);
	if (!asked || asked.keep !== undefined)
		throw new Error(`a removal that cannot be read: ${data.toString()}`);
	const { filter = '>', seq } = asked;
	const matches = new RegExp(
		`^${filter.replaceAll('.', '\\.').replaceAll('$', '\\$').replaceAll('*', '[^.]+').replace(/>$/, '.+')}$`,
	);
	const covers =
		verb === 'PURGE'
			? (message: Promised) =>
					matches.test(message.subject) && message.seq < (seq ?? Number.POSITIVE_INFINITY)
			: (message: Promised) => message.seq === seq;
	return [{ stream, place, covers }];
}

function jsonOf<Value>(schema: z.ZodType<Value>, data: Buffer): Value | undefined {
	try {
		const parsed = schema.safeParse(JSON.parse(data.toString()));
		return parsed.success ? parsed.data : undefined;
	} catch {
		return undefined;
	}
}
