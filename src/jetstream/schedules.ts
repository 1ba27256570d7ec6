/**
 * Owns schedules as they are stored: the record of each under its name, and how far the centre has come with it beside that, so that
 * ticks and changes never wait for each other. Promises that a write replaces exactly the revision that was read.
 * A crash in the middle of a write leaves the old revision or the new one.
 */

import { z } from 'zod';
import { StewardError } from '../base/errors.ts';
import { scheduleNamePattern } from '../domain/names.ts';
import { type Progress, progressSchema } from '../domain/progress.ts';
import { type ScheduleRecord, scheduleRecordSchema } from '../domain/schedule.ts';
import { buckets } from '../domain/subject.ts';
import { decode } from '../domain/wire.ts';
import {
	bucketStream,
	bucketSubject,
	deleteRequest,
	type Entry,
	keyOf,
	readEntry,
	writeRequest,
} from './bucket.ts';
import type { Connection } from './connection.ts';
import { follow } from './follow.ts';
import { assertFits } from './limits.ts';
import { isWrongSequence, Publisher } from './publisher.ts';

/** What stands beside the name of a schedule in the key of its progress; no name holds a dot. */
const progressSuffix = '.progress';

/** Of the message that tells a node of a schedule: what stands beside its form. */
const besideFormBytes = 4096;

const storedProgressSchema = progressSchema.extend({ v: z.literal(1) });

/** With the revision that a write has to replace. */
export type Revised<Value> = { readonly value: Value; readonly revision: number };

/** One entry of the bucket, decoded; `value` is undefined where it is gone, or cannot be read by this program. */
export type ScheduleEntry =
	| {
			readonly kind: 'record';
			readonly name: string;
			readonly revision: number;
			readonly gone: boolean;
			readonly value: ScheduleRecord | undefined;
	  }
	| {
			readonly kind: 'progress';
			readonly name: string;
			readonly revision: number;
			readonly value: Progress | undefined;
	  };

/** What a key of the bucket holds; undefined for keys that are none of ours. */
export function readScheduleEntry(
	key: string,
	revision: number,
	data: Uint8Array,
	gone: boolean,
): ScheduleEntry | undefined {
	const isProgress = key.endsWith(progressSuffix);
	const name = isProgress ? key.slice(0, -progressSuffix.length) : key;
	if (!scheduleNamePattern.test(name)) return undefined;
	if (isProgress) {
		return { kind: 'progress', name, revision, value: gone ? undefined : decode(storedProgressSchema, data) };
	}
	return {
		kind: 'record',
		name,
		revision,
		gone,
		value: gone ? undefined : decode(scheduleRecordSchema, data),
	};
}

export class Schedules {
	readonly #connection: Connection;
	readonly #publisher: Publisher;

	constructor(connection: Connection) {
		this.#connection = connection;
		this.#publisher = new Publisher(connection, { stream: bucketStream(buckets.schedules), mayLookUp: true });
	}

	/** `value` is undefined where there is none; `revision` is what a write has to replace. @throws StewardError `schema-newer` */
	async read(name: string): Promise<Revised<ScheduleRecord | undefined>> {
		const entry = await readEntry(this.#connection, buckets.schedules, name);
		return { value: entry && this.#decoded(name, entry), revision: entry?.revision ?? 0 };
	}

	/** All records, tombstones included, in the order of their names. */
	async readAll(): Promise<readonly ScheduleRecord[]> {
		const records = new Map<string, ScheduleRecord>();
		const following = await follow(
			this.#connection,
			{
				stream: bucketStream(buckets.schedules),
				filter: [bucketSubject(buckets.schedules, '*')],
				from: 'last',
			},
			({ subject, seq, data, header }) => {
				const entry = readScheduleEntry(
					keyOf(buckets.schedules, subject),
					seq,
					data,
					header('KV-Operation') !== '',
				);
				if (entry?.kind === 'record' && entry.value) records.set(entry.name, entry.value);
			},
		);
		await following.caughtUp;
		await following.stop();
		return [...records.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
	}

	/** How far the centre has come with one; as {@link read}. */
	async readProgress(name: string): Promise<Revised<Progress | undefined>> {
		const entry = await readEntry(this.#connection, buckets.schedules, name + progressSuffix);
		const read = entry && readScheduleEntry(entry.key, entry.revision, entry.value, entry.gone);
		const value = read?.kind === 'progress' ? read.value : undefined;
		return { value, revision: entry?.revision ?? 0 };
	}

	/** Whether its nodes can be told of it in one message, as it is written. @throws PublishError 10054 */
	assertFits(form: ScheduleRecord['form']): void {
		assertFits(this.#connection, JSON.stringify(form), besideFormBytes);
	}

	/** The new revision, or undefined where another was faster. @throws PublishError */
	async write(record: ScheduleRecord, revision: number): Promise<number | undefined> {
		return this.#write(record.name, record, revision);
	}

	/** As {@link write}: how far the centre has come. */
	async writeProgress(name: string, progress: Progress, revision: number): Promise<number | undefined> {
		return this.#write(name + progressSuffix, { v: 1, ...progress }, revision);
	}

	/** Nobody can have it any more: its tombstone goes as well. False where another was faster. */
	async forget(name: string, revision: number): Promise<boolean> {
		try {
			await this.#publisher.publish(deleteRequest(buckets.schedules, name, revision));
			await this.#publisher.publish(deleteRequest(buckets.schedules, name + progressSuffix));
			return true;
		} catch (error) {
			if (isWrongSequence(error)) return false;
			throw error;
		}
	}

	async #write(key: string, value: unknown, revision: number): Promise<number | undefined> {
		try {
			const request = writeRequest(buckets.schedules, key, JSON.stringify(value), {
				expectRevision: revision,
			});
			return (await this.#publisher.publish(request)).seq;
		} catch (error) {
			if (isWrongSequence(error)) return undefined;
			throw error;
		}
	}

	#decoded(name: string, entry: Entry): ScheduleRecord | undefined {
		const read = readScheduleEntry(entry.key, entry.revision, entry.value, entry.gone);
		if (read?.kind === 'record' && (read.value || entry.gone)) return read.value;
		throw unreadableSchedule(name);
	}
}

/** It is there, and nobody can say here what it is. */
export function unreadableSchedule(name: string): StewardError {
	return new StewardError(
		'schema-newer',
		`the schedule ${name} cannot be read: it was written by a newer steward; install that`,
		{ details: { name } },
	);
}
