/**
 * Owns dead letters: messages taken out of their lane, with their evidence, and what is done with them afterwards.
 * Promises one for each message, however often it is written, and that removing or marking one never touches another which
 * took its place. Written before the message leaves its stream, so a crash in between leaves both; a crash while one is
 * marked leaves the older copy beside the newer, which alone counts.
 */

import { type Clock, systemClock } from '../base/clock.ts';
import { StewardError } from '../base/errors.ts';
import { derivedId } from '../base/ids.ts';
import { cutText } from '../base/text.ts';
import {
	type DeadLetter,
	deadLetterSchema,
	type LetterFilter,
	type LetterSummary,
	letterSummarySchema,
	matchesLetter,
	type Replayed,
	summaryOf,
} from '../domain/dead-letter.ts';
import { type Handle, idPattern, isNodeName, methodNamePattern } from '../domain/names.ts';
import { parseDeadSubject, streams, subjects } from '../domain/subject.ts';
import { decode } from '../domain/wire.ts';
import type { Connection } from './connection.ts';
import { getAt, getLast, getLastOfMany, type Stored } from './direct-get.ts';
import { noAnswer } from './errors.ts';
import { follow } from './follow.ts';
import { maxPayloadOf } from './limits.ts';
import { expectedSeqHeader, isWrongSequence, Publisher } from './publisher.ts';

/** Of a message that does not fit beside its evidence, this much is kept. A quote of text takes up to six bytes a character. */
const keptCharacters = 128 * 1024;
/** Of words of others, characters. */
const longestWord = 200;
const longestFault = 8 * 1024;
const longestOrigin = 512;
/** For headers, the summary among them, and for the mark of a replay. */
const roomBytes = 8 * 1024;
/** A list that hears nothing for so long gives up. */
const silentMs = 15_000;

const summaryHeader = 'Steward-Letter';

/** What the token of a subject is where the real name is none. */
const unknownName = 'unknown';

export type NewDeadLetter = Pick<
	DeadLetter,
	'node' | 'kind' | 'method' | 'id' | 'sender' | 'at' | 'attempts' | 'fault' | 'message'
> &
	Partial<Pick<DeadLetter, 'lineage' | 'origin' | 'holds'>>;

/** One letter with its place on the stream. */
export type StoredLetter = { readonly seq: number; readonly letter: DeadLetter };

/** The set of letters at one moment: each one that is written raises `lastSeq`, each that goes, by hand or by age, `removed`. */
export type LetterStanding = {
	/** Of their stream. */
	readonly created: string;
	readonly lastSeq: number;
	readonly removed: number;
	readonly letters: number;
};

/** Where an event is on its stream: tells it from another of the same id. */
export function eventOrigin(seq: number): string {
	return `event ${seq}`;
}

/** As {@link eventOrigin}, of a command: its id may be given anew once the ledger has forgotten it. */
export function commandOrigin(seq: number): string {
	return `command ${seq}`;
}

export class DeadLetters {
	readonly #connection: Connection;
	readonly #publisher: Publisher;
	readonly #clock: Clock;

	constructor(connection: Connection, clock: Clock = systemClock) {
		this.#connection = connection;
		this.#publisher = new Publisher(connection, { stream: streams.dead, mayLookUp: true });
		this.#clock = clock;
	}

	/** Where a letter of another message has the same address, it gets an id of its own. @throws PublishError */
	async write(written: NewDeadLetter): Promise<void> {
		const letter = this.#complete(written);
		if (await this.#writeUnder(letter)) return;
		await this.#writeUnder({ ...letter, id: ownIdOf(letter) });
	}

	/** False where another message's letter is there. */
	async #writeUnder(letter: DeadLetter): Promise<boolean> {
		const { node, kind, method, id, origin } = letter;
		const subject = subjects.dead(node, kind, method, id);
		try {
			await this.#publish(subject, letter, 0);
			return true;
		} catch (error) {
			if (!isWrongSequence(error)) throw error;
		}
		const there = await getLast(this.#connection, streams.dead, subject);
		return there !== undefined && readSummary(there)?.origin === origin;
	}

	/** As it is stored: names that a subject can hold, and a message that fits. */
	#complete(written: NewDeadLetter): DeadLetter {
		const { node, kind, method, id, message, sender, fault, lineage = null, origin = '' } = written;
		const letter: DeadLetter = {
			v: 1,
			holds: kind === 'command' ? 'envelope' : 'data',
			...written,
			node: isNodeName(node) ? node : unknownName,
			method: methodNamePattern.test(method) ? method : unknownName,
			id: idPattern.test(id) ? id : derivedId(id),
			// What is told by others may have any length, and all of this has to fit a header.
			sender: cutText(sender, longestWord),
			fault: { code: cutText(fault.code, longestWord), message: cutText(fault.message, longestFault) },
			lineage: lineage && { ...lineage, of: cutText(lineage.of, longestWord) },
			origin: origin.length > longestOrigin ? derivedId(origin) : origin,
			kept: message === null ? 'none' : 'whole',
			characters: message?.length ?? null,
			replayed: null,
		};
		const limit = maxPayloadOf(this.#connection) - roomBytes;
		if (message === null || Buffer.byteLength(JSON.stringify(letter)) <= limit) return letter;
		return { ...letter, message: message.slice(0, keptCharacters), kept: 'beginning' };
	}

	async #publish(subject: string, letter: DeadLetter, expectedSeq: number): Promise<void> {
		await this.#publisher.publish({
			subject,
			data: JSON.stringify(letter),
			headers: {
				[expectedSeqHeader]: String(expectedSeq),
				[summaryHeader]: JSON.stringify(summaryOf(letter)),
			},
		});
	}

	/**
	 * Goes through what matches, the oldest first, by headers alone: nothing is kept.
	 * @throws StewardError `no-broker`
	 */
	async scan(filter: LetterFilter, onLetter: (summary: LetterSummary, seq: number) => void): Promise<void> {
		let heard = 0;
		const following = await follow(
			this.#connection,
			{
				stream: streams.dead,
				filter: [subjects.deadWhere(definedOf(filter))],
				from: 'last',
				headersOnly: true,
				clock: this.#clock,
			},
			(message) => {
				heard += 1;
				const summary = readSummary(message);
				if (summary && matchesLetter(filter, summary)) onLetter(summary, message.seq);
			},
		);
		try {
			await this.#untilDone(following.caughtUp, () => heard);
		} finally {
			await following.stop();
		}
	}

	async #untilDone(done: Promise<void>, heard: () => number): Promise<void> {
		const over = new AbortController();
		const whenDone = done.then(() => true);
		try {
			for (let before = -1; heard() > before; ) {
				before = heard();
				const silence = this.#clock.sleep(silentMs, over.signal).then(() => false);
				if (await Promise.race([whenDone, silence])) return;
			}
		} finally {
			over.abort();
		}
		throw new StewardError('no-broker', 'the broker went silent while the dead letters were read: try again');
	}

	/** The letters under one handle: of a command and an event, or of several methods, there may be more than one. */
	async find({ node, id }: Handle): Promise<readonly StoredLetter[]> {
		const stored = await getLastOfMany(this.#connection, streams.dead, [subjects.deadWhere({ node, id })]);
		return stored.flatMap((message) => readLetter(message) ?? []).sort((a, b) => a.seq - b.seq);
	}

	/** Undefined when it was removed, or took another place when it was marked. */
	async at(seq: number): Promise<StoredLetter | undefined> {
		const stored = await getAt(this.#connection, streams.dead, seq);
		return stored && readLetter(stored);
	}

	/** Removes exactly this one; false when it was gone. */
	async remove({ seq, letter }: StoredLetter): Promise<boolean> {
		return this.#purgeUpTo(letter, seq);
	}

	/** Keeps with the letter what it was sent again as. False when it was removed or marked in the meantime. */
	async markReplayed({ seq, letter }: StoredLetter, replayed: Replayed): Promise<boolean> {
		const { node, kind, method, id } = letter;
		try {
			await this.#publish(subjects.dead(node, kind, method, id), { ...letter, replayed }, seq);
		} catch (error) {
			if (isWrongSequence(error)) return false;
			throw error;
		}
		await this.#purgeUpTo(letter, seq);
		return true;
	}

	/** Older copies, which a crash left, go with it. */
	async #purgeUpTo({ node, kind, method, id }: DeadLetter, seq: number): Promise<boolean> {
		const filter = subjects.dead(node, kind, method, id);
		const { jsm } = this.#connection;
		const { purged } = await answered(jsm.streams.purge(streams.dead, { filter, seq: seq + 1 }));
		return purged > 0;
	}

	/** Whether this very event became a letter before its node took it. */
	async holdsEvent(event: { node: string; method: string; id: string; seq: number }): Promise<boolean> {
		const origin = eventOrigin(event.seq);
		const asked = [event.id, ownIdOf({ id: event.id, origin })].map((id) =>
			subjects.dead(event.node, 'event', event.method, id),
		);
		const stored = await getLastOfMany(this.#connection, streams.dead, asked);
		return stored.some((message) => readSummary(message)?.origin === origin);
	}

	/** How many there are; one that a crash left twice counts once. */
	async count(): Promise<number> {
		return (await this.standing()).letters;
	}

	/** Another one after each change of what there is. @throws StewardError `no-broker` */
	async standing(): Promise<LetterStanding> {
		const { created, state } = await answered(this.#connection.jsm.streams.info(streams.dead));
		const { last_seq: lastSeq, messages, num_subjects: letters = 0 } = state;
		return { created, lastSeq, removed: lastSeq - messages, letters };
	}

	/** Tells this stream of letters from one that was there before it, and began at 1 as well. */
	async identity(): Promise<string> {
		return (await this.standing()).created;
	}
}

/** @throws StewardError `no-broker` */
async function answered<T>(asking: Promise<T>): Promise<T> {
	try {
		return await asking;
	} catch (error) {
		throw noAnswer(streams.dead, error);
	}
}

function ownIdOf({ id, origin }: Pick<DeadLetter, 'id' | 'origin'>): string {
	return derivedId(id, origin);
}

function definedOf({
	node,
	kind,
	method,
}: LetterFilter): Partial<Record<'node' | 'kind' | 'method', string>> {
	return { ...(node && { node }), ...(kind && { kind }), ...(method && { method }) };
}

type Read = Pick<Stored, 'subject' | 'header' | 'storedAt'>;

/** Undefined for what is no letter at all; what another version wrote is told by its address. */
function readSummary({ subject, header, storedAt }: Read): LetterSummary | undefined {
	const address = parseDeadSubject(subject);
	if (!address) return undefined;
	const summary = decode(letterSummarySchema, header(summaryHeader));
	return summary ? { ...summary, ...address } : unreadable(address, storedAt);
}

function readLetter(stored: Stored): StoredLetter | undefined {
	const address = parseDeadSubject(stored.subject);
	if (!address) return undefined;
	const letter = decode(deadLetterSchema, stored.data);
	const read: DeadLetter = letter
		? { ...letter, ...address }
		: { ...unreadable(address, stored.storedAt), message: null };
	return { seq: stored.seq, letter: read };
}

function unreadable(
	address: Pick<LetterSummary, 'node' | 'kind' | 'method' | 'id'>,
	at: number,
): LetterSummary {
	return {
		v: 1,
		...address,
		sender: unknownName,
		at,
		attempts: 0,
		fault: { code: 'unreadable', message: 'this letter was written by another version of steward' },
		lineage: null,
		origin: '',
		holds: 'statement',
		kept: 'none',
		characters: null,
		replayed: null,
	};
}
