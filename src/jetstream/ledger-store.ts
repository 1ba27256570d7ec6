/**
 * Owns the ledger and the results as they are stored: keys, summary headers, compare-and-set, age.
 * Promises that the result is on disk before the ledger says final, and that every write to a final entry carries
 * the rest of its time to live. A crash between the two leaves a result that the next projection writes again.
 */

import { z } from 'zod';
import { StewardError } from '../base/errors.ts';
import { type Envelope, envelopeSchema } from '../domain/envelope.ts';
import { type LedgerEntry, ledgerEntrySchema, lostAt } from '../domain/ledger.ts';
import { formatHandle, type Handle, isLane } from '../domain/names.ts';
import { boundedEnd, boundedEntry } from '../domain/report-bounds.ts';
import { type Result, resultSchema } from '../domain/result.ts';
import { isCommandState, isFinal } from '../domain/state.ts';
import { buckets } from '../domain/subject.ts';
import { decode, ledgerAgeMs } from '../domain/wire.ts';
import { bucketStream, type Entry, readEntries, readEntry, writeRequest } from './bucket.ts';
import type { Connection } from './connection.ts';
import { maxPayloadOf } from './limits.ts';
import { Publisher } from './publisher.ts';

export type LedgerRecord = { readonly entry: LedgerEntry; readonly revision: number };

/** What an index needs of an entry, as headers: a watch of headers alone builds it. */
export type LedgerSummary = Pick<LedgerEntry, 'state' | 'method' | 'lane' | 'queuedAt' | 'seq'> & {
	/** Of the first attempt. */
	readonly startedAt: number | null;
	/** Starts so far. */
	readonly starts: number;
	/** Name of the schedule that it comes from. */
	readonly schedule: string | null;
	readonly endedAt: number | null;
	readonly deadlineAt: number | null;
	/** When the ledger called it final. */
	readonly settledAt: number | null;
	/** When silence makes it lost. */
	readonly lostAt: number | null;
};

/** What the results bucket holds of a command that has ended: how it went, and what it was, so that it can be sent again. */
const endSchema = z.object({
	v: z.literal(1),
	result: resultSchema.nullable(),
	envelope: envelopeSchema.nullable(),
});
export type CommandEnd = { readonly result: Result | null; readonly envelope: Envelope | null };

/** Results read in one request: each may have half a megabyte, and the link be thin. */
const endsAtOnce = 32;

/** For the headers of an entry: the summary, its expectation, its time to live. */
const headerBytes = 2048;

const header = {
	state: 'Steward-State',
	method: 'Steward-Method',
	lane: 'Steward-Lane',
	queuedAt: 'Steward-Queued-At',
	startedAt: 'Steward-Started-At',
	starts: 'Steward-Starts',
	endedAt: 'Steward-Ended-At',
	seq: 'Steward-Seq',
	deadlineAt: 'Steward-Deadline-At',
	settledAt: 'Steward-Settled-At',
	lostAt: 'Steward-Lost-At',
	schedule: 'Steward-Schedule',
} as const;

function summaryHeaders(entry: LedgerEntry): Record<string, string> {
	const lost = lostAt(entry);
	const starts = entry.attempts.at(-1)?.attempt ?? 0;
	const fields: Record<string, string> = {
		[header.state]: entry.state,
		[header.method]: entry.method,
		[header.lane]: entry.lane,
		[header.queuedAt]: String(entry.queuedAt),
		[header.seq]: String(entry.seq),
	};
	// One by one: an object that is put together of others takes several times as long.
	if (entry.startedAt !== null) fields[header.startedAt] = String(entry.startedAt);
	if (starts > 0) fields[header.starts] = String(starts);
	if (entry.endedAt !== null) fields[header.endedAt] = String(entry.endedAt);
	if (entry.deadlineAt !== null) fields[header.deadlineAt] = String(entry.deadlineAt);
	if (entry.settledAt !== null) fields[header.settledAt] = String(entry.settledAt);
	if (lost !== null) fields[header.lostAt] = String(lost);
	if (entry.schedule) fields[header.schedule] = entry.schedule.name;
	return fields;
}

/** Undefined for a marker, or for what steward did not write. */
export function readLedgerSummary(read: (name: string) => string): LedgerSummary | undefined {
	const [state, lane] = [read(header.state), read(header.lane)];
	if (!isCommandState(state) || !isLane(lane)) return undefined;
	const timeOrNull = (name: string) => {
		const text = read(name);
		return text === '' ? null : Number(text);
	};
	return {
		state,
		lane,
		method: read(header.method),
		queuedAt: Number(read(header.queuedAt)),
		seq: Number(read(header.seq)),
		startedAt: timeOrNull(header.startedAt),
		starts: Number(read(header.starts)),
		endedAt: timeOrNull(header.endedAt),
		deadlineAt: timeOrNull(header.deadlineAt),
		settledAt: timeOrNull(header.settledAt),
		lostAt: timeOrNull(header.lostAt),
		schedule: read(header.schedule) || null,
	};
}

export class LedgerStore {
	readonly #connection: Connection;
	readonly #ledger: Publisher;
	readonly #results: Publisher;

	constructor(connection: Connection) {
		this.#connection = connection;
		this.#ledger = new Publisher(connection, { stream: bucketStream(buckets.ledger), mayLookUp: true });
		this.#results = new Publisher(connection, { stream: bucketStream(buckets.results), mayLookUp: true });
	}

	async read(handle: Handle): Promise<LedgerRecord | undefined> {
		const entry = await readEntry(this.#connection, buckets.ledger, formatHandle(handle));
		const record = entry && toRecord(entry);
		if (entry && !entry.gone && !record) throw unreadableEntry(formatHandle(handle));
		return record;
	}

	/** By handle; what the ledger does not know is left out. One that cannot be read does not hide the others. */
	async readMany(handles: readonly string[]): Promise<Map<string, LedgerRecord | 'unreadable'>> {
		const entries = await readEntries(this.#connection, buckets.ledger, handles);
		const records = new Map<string, LedgerRecord | 'unreadable'>();
		for (const [handle, entry] of entries) {
			const record = toRecord(entry);
			if (record) records.set(handle, record);
			else if (!entry.gone) records.set(handle, 'unreadable');
		}
		return records;
	}

	/** Bytes of the largest value. */
	get #largest(): number {
		return maxPayloadOf(this.#connection) - headerBytes;
	}

	/**
	 * Writes the entry (its age counts from the first final one) over exactly `revision` (0: there is none), its end first.
	 * @throws PublishError; `isWrongSequence` when another was faster: read again and fold again.
	 */
	async write(
		folded: LedgerEntry,
		revision: number,
		end: CommandEnd | undefined,
		now: number,
	): Promise<number> {
		const handle = formatHandle(folded);
		const entry = isFinal(folded.state) ? { ...folded, settledAt: folded.settledAt ?? now } : folded;
		const isGivenUp = entry.state === 'lost' && end?.result === null;
		const ttlMs = entry.settledAt === null ? undefined : Math.max(1000, entry.settledAt + ledgerAgeMs - now);
		if (end) {
			const text = boundedEnd({ v: 1, ...end }, this.#largest);
			// Who gives a command up must not write over what its node has said meanwhile.
			const expected = isGivenUp ? { expectRevision: 0 } : {};
			await this.#results.publish(writeRequest(buckets.results, handle, text, { ttlMs, ...expected }));
		}
		const written = await this.#ledger.publish(
			writeRequest(buckets.ledger, handle, boundedEntry(entry, this.#largest), {
				expectRevision: revision,
				ttlMs,
				headers: summaryHeaders(entry),
			}),
		);
		return written.seq;
	}

	/** Undefined while it has not ended, or where that was too long ago. */
	async readEnd(handle: Handle): Promise<CommandEnd | undefined> {
		const entry = await readEntry(this.#connection, buckets.results, formatHandle(handle));
		return entry && toEnd(entry);
	}

	/** As {@link readEnd}, by handle; those without one are left out. */
	async readEnds(handles: readonly string[]): Promise<ReadonlyMap<string, CommandEnd>> {
		const ends = new Map<string, CommandEnd>();
		for (let from = 0; from < handles.length; from += endsAtOnce) {
			const some = handles.slice(from, from + endsAtOnce);
			for (const [handle, entry] of await readEntries(this.#connection, buckets.results, some)) {
				const end = toEnd(entry);
				if (end) ends.set(handle, end);
			}
		}
		return ends;
	}
}

function toEnd({ value, gone }: Entry): CommandEnd | undefined {
	const end = gone ? undefined : decode(endSchema, value);
	return end && { result: end.result, envelope: end.envelope };
}

function toRecord(entry: { value: Uint8Array; revision: number; gone: boolean }): LedgerRecord | undefined {
	const decoded = entry.gone ? undefined : decode(ledgerEntrySchema, entry.value);
	return decoded && { entry: decoded, revision: entry.revision };
}

/** What the ledger says of a command cannot be read. */
export function unreadableEntry(handle: string): StewardError {
	return new StewardError(
		'schema-newer',
		`the ledger's entry of ${handle} cannot be read: it was written by a newer steward; install that`,
		{ details: { handle } },
	);
}
