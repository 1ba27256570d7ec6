/**
 * Owns the form of a command on its stream: its headers, and how they and its body are read.
 * Promises that what steward did not write is undefined, never half a command. Pure.
 */

import { parseAccepted } from '../domain/delay.ts';
import {
	type Envelope,
	envelopeDigest,
	envelopeSchema,
	type Lineage,
	lineageSchema,
} from '../domain/envelope.ts';
import { commandLanes, isLane, type Lane } from '../domain/names.ts';
import { formatScheduleRef, parseScheduleRef } from '../domain/schedule-ref.ts';
import { type CommandAddress, parseCommandSubject, subjects } from '../domain/subject.ts';
import { type CommandFacts, decode } from '../domain/wire.ts';

/** Headers of a stored command: what the centre must know without reading the body. */
export const commandHeader = {
	digest: 'Steward-Digest',
	sender: 'Steward-Sender',
	deliverWithin: 'Steward-Deliver-Within',
	runFor: 'Steward-Run-For',
	patience: 'Steward-Patience',
	/** `<kind> <handle>` of the command that it was made from. */
	lineage: 'Steward-Lineage',
	/** Which tick of which schedule it is. */
	schedule: 'Steward-Schedule',
	/** Its time, where it has one; of one that waits for it also its lane, which its subject does not say. */
	notBefore: 'Steward-Not-Before',
	lane: 'Steward-Lane',
	/** Made anew for each send: tells "mine, whose answer was lost" from "another's with the same id". */
	nonce: 'Steward-Nonce',
} as const;

/** The message as which a command was accepted before its time. */
export const acceptedHeader = 'Steward-Accepted';
/** What a command keeps when it is queued: all that was said of it but the lane, which its subject says then. */
export const keptHeaders: readonly string[] = Object.values(commandHeader).filter(
	(name) => name !== commandHeader.lane,
);

/** A command as it waits on its stream. */
export type StoredCommand = CommandAddress & {
	readonly shard: number;
	readonly facts: CommandFacts;
	readonly nonce: string;
};

type StoredMessage = {
	readonly subject: string;
	readonly header: (name: string) => string;
	readonly seq: number;
	readonly storedAt: number;
};

/** Reads subject and headers of a stored command; undefined for what steward did not write. */
export function readStoredCommand(message: StoredMessage): StoredCommand | undefined {
	const address = parseCommandSubject(message.subject);
	const said = (name: string) => millisecondsOf(message.header(name));
	const [deliverWithinMs, runForMs, patienceMs, notBefore] = [
		message.header(commandHeader.deliverWithin) === 'never' ? null : said(commandHeader.deliverWithin),
		said(commandHeader.runFor),
		said(commandHeader.patience),
		said(commandHeader.notBefore),
	];
	if (!address || deliverWithinMs === undefined) return undefined;
	if ([deliverWithinMs, runForMs, patienceMs, notBefore].some(Number.isNaN)) return undefined;
	const waits = !isLane(address.lane);
	const lane = isLane(address.lane) ? address.lane : laneOf(message.header(commandHeader.lane));
	if (!lane || (waits && notBefore === undefined)) return undefined;
	const accepted = waits
		? { at: message.storedAt, seq: message.seq }
		: parseAccepted(message.header(acceptedHeader));
	const lineage = readLineage(message.header(commandHeader.lineage));
	const schedule = parseScheduleRef(message.header(commandHeader.schedule));
	const { shard, node, method, id } = address;
	const facts: CommandFacts = {
		method,
		lane,
		sender: message.header(commandHeader.sender),
		digest: message.header(commandHeader.digest),
		seq: message.seq,
		queuedAt: message.storedAt,
		deliverWithinMs,
	};
	// One by one: an object that is put together of others takes longer than all headers.
	if (runForMs !== undefined) facts.runForMs = runForMs;
	if (patienceMs !== undefined) facts.patienceMs = patienceMs;
	if (lineage) facts.lineage = lineage;
	if (schedule) facts.schedule = schedule;
	if (notBefore !== undefined) facts.notBefore = notBefore;
	if (accepted) facts.accepted = accepted;
	return { shard, node, lane, method, id, facts, nonce: message.header(commandHeader.nonce) };
}

function readLineage(text: string): Lineage | undefined {
	if (text === '') return undefined;
	const [kind, of] = text.split(' ');
	return lineageSchema.safeParse({ kind, of }).data;
}

/** A lane that a sender may pick: no other command waits for its time. */
function laneOf(text: string): Lane | undefined {
	return commandLanes.find((lane) => lane === text);
}

/** What is known of a command without its body. */
export function headersFor(envelope: Envelope, digest: string): Record<string, string> {
	const { sender, deliverWithinMs, runForMs, patienceMs, lineage, schedule, notBefore } = envelope;
	const fields: Record<string, string> = {
		[commandHeader.digest]: digest,
		[commandHeader.sender]: sender,
		[commandHeader.deliverWithin]: deliverWithinMs === null ? 'never' : String(deliverWithinMs),
	};
	if (runForMs !== undefined) fields[commandHeader.runFor] = String(runForMs);
	if (patienceMs !== undefined) fields[commandHeader.patience] = String(patienceMs);
	if (lineage) fields[commandHeader.lineage] = `${lineage.kind} ${lineage.of}`;
	if (schedule) fields[commandHeader.schedule] = formatScheduleRef(schedule);
	if (notBefore !== undefined) fields[commandHeader.notBefore] = String(notBefore);
	return fields;
}

/** A command that was never stored, because its node made it itself, as {@link readStoredCommand} reads it. */
export function localMessage(envelope: Envelope, firedAt: number): StoredMessage & { data: Uint8Array } {
	const headers = headersFor(envelope, envelopeDigest(envelope));
	return {
		// Its shard is nobody's question: no stream has it.
		subject: subjects.command(0, envelope),
		data: new TextEncoder().encode(JSON.stringify(envelope)),
		header: (name) => headers[name] ?? '',
		seq: 0,
		storedAt: firedAt,
	};
}

/** Undefined where nothing is said; not a number for what steward does not write. */
function millisecondsOf(text: string): number | undefined {
	if (text === '') return undefined;
	const ms = Number(text);
	return ms >= 0 && ms < Number.POSITIVE_INFINITY ? ms : Number.NaN;
}

/** A stored body as it was sent; null for what is gone, or no envelope. */
export function parseEnvelope(body: string | null): Envelope | null {
	return (body !== null && decode(envelopeSchema, body)) || null;
}

/** Undefined when the body is no envelope, or is one for another address. */
export function readEnvelope(command: CommandAddress, data: Uint8Array): Envelope | undefined {
	const envelope = decode(envelopeSchema, data);
	if (!envelope || envelope.node !== command.node || envelope.id !== command.id) return undefined;
	return envelope.method === command.method && envelope.lane === command.lane ? envelope : undefined;
}
