/**
 * Owns reading what nodes stated about one command.
 * Promises the last statement only, decoded; the projector reads them all, in order.
 * Reads only.
 */

import type { Handle } from '../domain/names.ts';
import { streams, subjects } from '../domain/subject.ts';
import { decode, type Report, reportSchema } from '../domain/wire.ts';
import type { Connection } from './connection.ts';
import { getLast } from './direct-get.ts';

export class Reports {
	readonly #connection: Connection;

	constructor(connection: Connection) {
		this.#connection = connection;
	}

	/** Undefined when there is none, or the centre has written it down and removed it. */
	async last(handle: Handle): Promise<Report | undefined> {
		const stored = await getLast(this.#connection, streams.reports, subjects.report(handle.node, handle.id));
		return stored && decode(reportSchema, stored.data);
	}
}
