/**
 * Owns asking a node over its control lane: one command there for each wish, queued like any other.
 * Promises that a wish waits for an absent node, takes effect once, and that its outcome can be looked up by its handle.
 * A crash before the answer leaves it asked or not; asking again does no harm.
 */

import type { z } from 'zod';
import { StewardError } from '../base/errors.ts';
import type { Control, ControlName } from '../domain/control.ts';
import type { Envelope } from '../domain/envelope.ts';
import { operatorSender } from '../domain/names.ts';
import { describeProblems } from '../domain/validation.ts';
import { type Enqueued, enqueue } from './enqueue.ts';
import type { FleetParts } from './parts.ts';

export type ControlOptions = {
	/** One's own id, so that the same wish is there once. */
	readonly id?: string;
	/** Longest wait for the node, milliseconds; null is never too late. */
	readonly deliverWithinMs: number | null;
};

/** @throws StewardError as Fleet.send */
export async function sendControl<Name extends ControlName>(
	parts: FleetParts,
	node: string,
	name: Name,
	data: Omit<Control<Name>, 'by'>,
	options: ControlOptions,
): Promise<Enqueued & { readonly id: string }> {
	const envelope = controlEnvelope(parts, node, name, data, options);
	return { ...(await enqueue(parts, envelope, options.id !== undefined)), id: envelope.id };
}

/**
 * What the node would refuse a month later is told at once.
 * @param found Problems that are known already.
 * @throws StewardError `invalid`
 */
export function checkWish(
	name: ControlName,
	schema: z.ZodType,
	data: unknown,
	found: readonly string[] = [],
): void {
	const { error } = schema.safeParse(data);
	const problems = [...found, ...(error ? describeProblems(error, data, []) : [])];
	if (problems.length === 0) return;
	throw new StewardError('invalid', `${name}: ${problems.join('; ')}`, { details: { problems } });
}

export function controlEnvelope<Name extends ControlName>(
	parts: FleetParts,
	node: string,
	name: Name,
	data: Omit<Control<Name>, 'by'>,
	{ id, deliverWithinMs }: ControlOptions,
): Envelope {
	return {
		v: 1,
		id: id ?? parts.newId(),
		node,
		method: name,
		lane: 'control',
		data: { ...data, by: parts.author },
		sender: operatorSender,
		deliverWithinMs,
	};
}
