/**
 * Owns sending a command that has ended once more: a new command with its message, its policy, and its lineage.
 * Promises that the old one stays as it ended, and that only what has ended is sent again.
 * A crash leaves it sent or not; each call makes a command of its own.
 */

import { StewardError } from '../base/errors.ts';
import type { Envelope, Lineage } from '../domain/envelope.ts';
import { formatHandle, type Handle, operatorSender } from '../domain/names.ts';
import type { FaultRecord } from '../domain/result.ts';
import { hasEnded } from '../domain/state.ts';
import type { CommandView, Receipt } from '../domain/view.ts';
import { parseEnvelope } from '../jetstream/stored-command.ts';
import { lookUpKnown } from './lookup.ts';
import { assertOriginal } from './original.ts';
import type { FleetParts } from './parts.ts';
import { sendEnvelope } from './send.ts';

/** @throws StewardError `not-found`; `refused` while it has not ended, or where its message is gone; as Fleet.send */
export async function retryCommand(parts: FleetParts, handle: Handle): Promise<Receipt> {
	const view = await lookUpKnown(parts, handle);
	const text = formatHandle(handle);
	if (!hasEnded(view)) {
		throw new StewardError(
			'refused',
			`${text} is ${view.state}: only what has ended is sent again (steward cancel ${text} ends it)`,
		);
	}
	if (view.lane === 'control') {
		throw new StewardError('refused', `${text} asked ${handle.node} to ${view.method}: ask anew instead`);
	}
	assertWasTrusted(view);
	const envelope = await keptMessage(parts, view);
	if (!envelope) {
		throw new StewardError('refused', `the message of ${text} is not kept any more: send it anew`);
	}
	await assertOriginal(parts, handle, envelope);
	return sendEnvelope(parts, anew(parts, envelope, { kind: 'retry', of: text }));
}

/** Faults of what was refused because of who sent it. */
const ofSender: readonly string[] = ['untrusted', 'denied'];

/**
 * What somebody was not trusted with is not sent again by somebody who is: it would be signed by him, unread.
 * @throws StewardError `refused`
 */
export function assertWasTrusted({ fault }: { readonly fault: FaultRecord | null }): void {
	if (!fault || !ofSender.includes(fault.code)) return;
	throw new StewardError(
		'refused',
		`it was refused because of who sent it (${fault.message}): read it, and send it anew if it is what you want`,
	);
}

/**
 * The same message as a new command of its own, to be queued now: the time that it waited for has been. Of a tick it is a run beside
 * the ticks: what came of it is nothing that the tick had.
 */
export function anew(parts: FleetParts, envelope: Envelope, lineage: Lineage, id = parts.newId()): Envelope {
	// Signed is what was sent: who sends it again vouches for it anew.
	const { notBefore: _, signed: __, schedule, ...message } = envelope;
	const ref = schedule && { schedule: { ...schedule, tick: null } };
	return { ...message, ...ref, id, sender: operatorSender, lineage };
}

/** What it was sent as; null where that is not kept. Its end has it once a centre has written that down, before that its stream or its claim. */
export async function keptMessage(
	parts: FleetParts,
	{ node, id, lane, method }: CommandView,
): Promise<Envelope | null> {
	const end = await parts.ledger.readEnd({ node, id });
	if (end?.envelope) return end.envelope;
	const waiting = await parts.commands.find(node, id);
	if (waiting)
		return parseEnvelope(await parts.commands.body({ node, id, lane, method, seq: waiting.facts.seq }));
	const claim = await parts.claims.read({ node, id });
	return claim?.by === 'centre' && typeof claim.envelope === 'string' ? parseEnvelope(claim.envelope) : null;
}
