/**
 * Owns reading one schedule from its own record, without a centre: its form, its next ticks, its history.
 * Promises that a name which is not there is told with the one that was probably meant.
 * Reads only.
 */

import { StewardError } from '../base/errors.ts';
import { scheduleNamePattern, scheduleNameRule } from '../domain/names.ts';
import { parseSchedule, type ScheduleForm, type ScheduleRecord } from '../domain/schedule.ts';
import {
	changeView,
	type ScheduleChangeView,
	type ScheduleTickView,
	ticksAfter,
} from '../domain/schedule-view.ts';
import { closest } from '../domain/validation.ts';
import { type Revised, Schedules } from '../jetstream/schedules.ts';
import type { FleetParts } from './parts.ts';

const mostTicks = 1000;

/** @throws StewardError `not-found`, `no-broker` */
export async function formOf({ connection }: FleetParts, name: string): Promise<ScheduleForm> {
	return (await readKnown(new Schedules(connection), name)).value.form as ScheduleForm;
}

/** @throws StewardError `not-found`, `usage`, `no-broker` */
export async function nextOf(
	{ connection, serverNow }: FleetParts,
	name: string,
	count: number,
): Promise<ScheduleTickView[]> {
	if (!Number.isInteger(count) || count < 1 || count > mostTicks)
		throw new StewardError('usage', `expected 1 to ${mostTicks} ticks, got ${count}`);
	const { value } = await readKnown(new Schedules(connection), name);
	return ticksAfter(value, parseSchedule(value.form), serverNow(), count);
}

/** @throws StewardError `not-found`, `no-broker` */
export async function historyOf({ connection }: FleetParts, name: string): Promise<ScheduleChangeView[]> {
	const { value } = await readStored(new Schedules(connection), name);
	return value.changes.map((change) => changeView(value, change)).reverse();
}

/** A schedule for which nobody vouches, and why that is so. */
export type UnsignedSchedule = Pick<ScheduleRecord, 'name' | 'version' | 'removed'> & {
	readonly form: ScheduleForm;
	readonly by: string;
	readonly problem: string;
};

/** @throws StewardError `usage`, `no-broker` */
export async function unsignedOf({ connection, vouching }: FleetParts): Promise<UnsignedSchedule[]> {
	if (!vouching) throw nothingSigned();
	const unsigned: UnsignedSchedule[] = [];
	for (const record of await new Schedules(connection).readAll()) {
		const problem = await vouching.problemOf(record);
		const { name, version, removed, changes } = record;
		const form = record.form as ScheduleForm;
		const by = changes.at(-1)?.by ?? '';
		if (problem !== undefined) unsigned.push({ name, version, removed, form, by, problem });
	}
	return unsigned;
}

export function nothingSigned(): StewardError {
	return new StewardError('usage', 'nothing is signed without credentials: name them with --credentials');
}

/** One that is there. @throws StewardError `not-found` */
export async function readKnown(schedules: Schedules, name: string): Promise<Revised<ScheduleRecord>> {
	const read = await readStored(schedules, name);
	if (!read.value.removed) return read;
	throw new StewardError(
		'not-found',
		`the schedule ${name} was removed: steward schedules history ${name} says by whom; adding it again is all it takes`,
		{ details: { name } },
	);
}

/** Also one that was removed. @throws StewardError `not-found` */
export async function readStored(schedules: Schedules, name: string): Promise<Revised<ScheduleRecord>> {
	// The key would be another one, or none at all.
	const isName = scheduleNamePattern.test(name);
	const { value, revision } = isName ? await schedules.read(name) : { value: undefined, revision: 0 };
	if (value) return { value, revision };
	const known = (await schedules.readAll()).filter(({ removed }) => !removed).map((record) => record.name);
	const meant = closest(name, known);
	const guess = meant === undefined ? '' : `; did you mean "${meant}"?`;
	const rule = isName ? '' : ` (expected ${scheduleNameRule})`;
	throw new StewardError(
		'not-found',
		`there is no schedule "${name}"${rule}${guess} (steward schedules ls shows them)`,
		{ details: { name, ...(meant === undefined ? {} : { meant }) } },
	);
}
