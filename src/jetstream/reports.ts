/**
 * Owns reading what nodes stated about one command.
 * Promises the last statement only, decoded; the projector reads them all, in order.
 * Reads only.
 */

import { formatHandle, type Handle } from '../domain/names.ts';
import { streams, subjects } from '../domain/subject.ts';
import { decode, type Report, reportSchema } from '../domain/wire.ts';
import type { Connection } from './connection.ts';
import { getLast, getLastOfMany } from './direct-get.ts';

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

	/** As {@link last}, by handle; what nothing was reported of is left out. */
	async lastOfMany(handles: readonly Handle[]): Promise<ReadonlyMap<string, Report>> {
		const wanted = new Map(handles.map((one) => [subjects.report(one.node, one.id), formatHandle(one)]));
		const reports = new Map<string, Report>();
		for (const stored of await getLastOfMany(this.#connection, streams.reports, [...wanted.keys()])) {
			const report = decode(reportSchema, stored.data);
			if (report) reports.set(wanted.get(stored.subject) ?? '', report);
		}
		return reports;
	}
}
