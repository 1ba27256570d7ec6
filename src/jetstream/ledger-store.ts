/**
 * Owns the ledger and the results as they are stored: keys, summary headers, compare-and-set, age.
 * Promises that the result is on disk before the ledger says final, and that every write to a final entry carries
 * the rest of its time to live. A crash between the two leaves a result that the next projection writes again.
 */

import { type LedgerEntry, ledgerEntrySchema } from '../domain/ledger.ts';
import { formatHandle, type Handle } from '../domain/names.ts';
import { type Result, resultSchema } from '../domain/result.ts';
import { isFinal } from '../domain/state.ts';
import { buckets } from '../domain/subject.ts';
import { decode } from '../domain/wire.ts';
import { bucketStream, readEntries, readEntry, writeRequest } from './bucket.ts';
import type { Connection } from './connection.ts';
import { Publisher } from './publisher.ts';

/** Kept this long after its end. */
export const ledgerAgeMs = 30 * 86_400_000;

export type LedgerRecord = { readonly entry: LedgerEntry; readonly revision: number };

/** What an index needs of an entry, as headers: a watch of headers alone builds it. */
export type LedgerSummary = Pick<LedgerEntry, 'state' | 'method' | 'lane' | 'queuedAt' | 'seq'> & {
	readonly endedAt: number | null;
	readonly deadlineAt: number | null;
};

const header = {
	state: 'Steward-State',
	method: 'Steward-Method',
	lane: 'Steward-Lane',
	queuedAt: 'Steward-Queued-At',
	endedAt: 'Steward-Ended-At',
	seq: 'Steward-Seq',
	deadlineAt: 'Steward-Deadline-At',
} as const;

function summaryHeaders(entry: LedgerEntry): Record<string, string> {
	return {
		[header.state]: entry.state,
		[header.method]: entry.method,
		[header.lane]: entry.lane,
		[header.queuedAt]: String(entry.queuedAt),
		[header.seq]: String(entry.seq),
		...(entry.endedAt === null ? {} : { [header.endedAt]: String(entry.endedAt) }),
		...(entry.deadlineAt === null ? {} : { [header.deadlineAt]: String(entry.deadlineAt) }),
	};
}

/** Undefined for a marker, or for what steward did not write. */
export function readLedgerSummary(read: (name: string) => string): LedgerSummary | undefined {
	const state = ledgerEntrySchema.shape.state.safeParse(read(header.state));
	const lane = ledgerEntrySchema.shape.lane.safeParse(read(header.lane));
	if (!state.success || !lane.success) return undefined;
	const endedAt = read(header.endedAt);
	const deadlineAt = read(header.deadlineAt);
	return {
		state: state.data,
		lane: lane.data,
		method: read(header.method),
		queuedAt: Number(read(header.queuedAt)),
		seq: Number(read(header.seq)),
		endedAt: endedAt === '' ? null : Number(endedAt),
		deadlineAt: deadlineAt === '' ? null : Number(deadlineAt),
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
		return entry && toRecord(entry);
	}

	/** By handle; what the ledger does not know is left out. */
	async readMany(handles: readonly string[]): Promise<Map<string, LedgerRecord>> {
		const entries = await readEntries(this.#connection, buckets.ledger, handles);
		const records = new Map<string, LedgerRecord>();
		for (const [handle, entry] of entries) {
			const record = toRecord(entry);
			if (record) records.set(handle, record);
		}
		return records;
	}

	/**
	 * Writes the entry over exactly `revision` (0: there is none), its result first.
	 * @throws PublishError; `isWrongSequence` when another was faster: read again and fold again.
	 */
	async write(
		entry: LedgerEntry,
		revision: number,
		result: Result | undefined,
		now: number,
	): Promise<number> {
		const handle = formatHandle(entry);
		const end = isFinal(entry.state) ? (entry.endedAt ?? now) : undefined;
		const ttlMs = end === undefined ? undefined : Math.max(1000, end + ledgerAgeMs - now);
		if (result) {
			await this.#results.publish(writeRequest(buckets.results, handle, JSON.stringify(result), { ttlMs }));
		}
		const written = await this.#ledger.publish(
			writeRequest(buckets.ledger, handle, JSON.stringify(entry), {
				expectRevision: revision,
				ttlMs,
				headers: summaryHeaders(entry),
			}),
		);
		return written.seq;
	}

	async readResult(handle: Handle): Promise<Result | undefined> {
		const entry = await readEntry(this.#connection, buckets.results, formatHandle(handle));
		return entry && !entry.gone ? decode(resultSchema, entry.value) : undefined;
	}
}

function toRecord(entry: { value: Uint8Array; revision: number; gone: boolean }): LedgerRecord | undefined {
	if (entry.gone) return undefined;
	const decoded = decode(ledgerEntrySchema, entry.value);
	if (!decoded) throw new Error('a ledger entry cannot be read: was it written by a newer steward?');
	return { entry: decoded, revision: entry.revision };
}
