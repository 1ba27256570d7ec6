/**
 * Owns sending the message of a dead letter once more: a command as a new command with its policy and its lineage, an event
 * with its data. Promises that the id of what is sent is a function of the letter, so that a crash between the sending and
 * the mark repeats nothing, and that a letter whose message cannot be sent stays as it is, with a reason.
 */

import { StewardError, unreachable } from '../base/errors.ts';
import { derivedId } from '../base/ids.ts';
import type { DeadLetter, DeadOutcome } from '../domain/dead-letter.ts';
import { type Envelope, envelopeFor, type Lineage } from '../domain/envelope.ts';
import { formatHandle, operatorSender } from '../domain/names.ts';
import type { StoredLetter } from '../jetstream/dead-letters.ts';
import { parseForm } from '../jetstream/intake.ts';
import { parseEnvelope } from '../jetstream/stored-command.ts';
import { enqueue } from './enqueue.ts';
import { assertOriginal } from './original.ts';
import type { FleetParts } from './parts.ts';
import { anew, assertWasTrusted } from './retry.ts';

/** What would be sent. */
type Anew =
	| { readonly kind: 'command'; readonly envelope: Envelope }
	| { readonly kind: 'event'; readonly method: string; readonly data: unknown };

/** What became of a letter, without who it was. */
type Answer = Pick<DeadOutcome, 'outcome' | 'as' | 'why'>;

/**
 * @param stream Which stream of letters it is on ({@link DeadLetters.identity}).
 * @throws StewardError `refused`, `invalid` where the message cannot be sent; `no-broker`, `ambiguous`
 */
export async function replayLetter(
	parts: FleetParts,
	stored: StoredLetter,
	{ stream, dryRun }: { stream: string; dryRun: boolean },
): Promise<Answer> {
	const { letter, seq } = stored;
	if (letter.replayed) return duplicateOf(letter.replayed.as, letter.replayed.by);
	assertWasTrusted(letter);
	const { node } = letter;
	const id = derivedId('replay', stream, letter.kind, letter.method, formatHandle(letter), seq);
	const message = await messageOf(parts, letter, id);
	const as = formatHandle({ node, id });
	if (dryRun) return { outcome: 'possible', as: null, why: null };
	if (message.kind === 'command') await enqueue(parts, message.envelope, true);
	else {
		const { method, data } = message;
		// Not of this connection's outbox: sent again after a crash, it is dropped by its receiver as a repeat.
		const key = { epoch: `replay ${stream}`, n: seq };
		await parts.events.publish({ node, sender: operatorSender, method, id, data }, key);
	}
	await parts.dead.markReplayed(stored, { as, at: parts.serverNow(), by: parts.author });
	return { outcome: 'replayed', as, why: null };
}

function duplicateOf(as: string, by: string): Answer {
	return { outcome: 'duplicate', as, why: `it was replayed before, as ${as} by ${by}` };
}

/** @throws StewardError `refused`, `invalid` */
async function messageOf(parts: FleetParts, letter: DeadLetter, id: string): Promise<Anew> {
	const { node, method, kept, characters, message, holds } = letter;
	if (kept === 'beginning') {
		throw new StewardError(
			'refused',
			`the message had ${characters} characters, and only its beginning is kept: send it anew, its data elsewhere`,
		);
	}
	if (message === null) throw new StewardError('refused', 'its message is not kept: send it anew');
	if (holds === 'statement') {
		throw new StewardError('refused', 'it is what a node stated, and nothing that was sent to a node');
	}
	if (node === 'unknown' || method === 'unknown') {
		throw new StewardError(
			'refused',
			'it is not known which node and method it was for: read it (steward dead show), and send it anew',
		);
	}
	switch (holds) {
		case 'envelope':
			return storedCommand(parts, letter, message, id);
		case 'data':
			return { kind: 'event', method, data: parseData(message) };
		case 'form':
			return formOf(parts, letter, message, id);
		default:
			return unreachable(holds);
	}
}

/** A command that is no envelope was put onto the stream by somebody else: it may be one in the JSON form. */
async function storedCommand(parts: FleetParts, letter: DeadLetter, text: string, id: string): Promise<Anew> {
	const envelope = parseEnvelope(text);
	if (!envelope) return formOf(parts, letter, text, id);
	if (envelope.node !== letter.node || envelope.method !== letter.method) {
		throw new StewardError('refused', `the message says that it is ${envelope.method} for ${envelope.node}`);
	}
	if (envelope.lane === 'control') {
		throw new StewardError('refused', `it asked ${letter.node} to ${envelope.method}: ask anew instead`);
	}
	await assertOriginal(parts, letter, envelope);
	return { kind: 'command', envelope: anew(parts, envelope, lineageOf(letter), id) };
}

function formOf(parts: FleetParts, letter: DeadLetter, text: string, id: string): Anew {
	const { node, method } = letter;
	const message = parseForm(text, letter);
	if (message.kind === 'event') return { kind: 'event', method, data: message.data };
	const envelope = envelopeFor(message, node, id, operatorSender);
	return { kind: 'command', envelope: anew(parts, envelope, lineageOf(letter), id) };
}

function lineageOf(letter: DeadLetter): Lineage {
	return { kind: 'replay', of: formatHandle(letter) };
}

function parseData(text: string): unknown {
	try {
		return JSON.parse(text);
	} catch (error) {
		throw new StewardError('refused', 'its data is no JSON: send it anew', { cause: error });
	}
}
