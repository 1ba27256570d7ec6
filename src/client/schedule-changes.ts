/**
 * Owns changes of schedules: added, changed, paused, resumed, removed, and who did that when.
 * Promises that each change replaces exactly the version that it was made from, whoever else changes it at that moment, and that a
 * wish which is fulfilled already changes nothing. A crash leaves the old version or the new one; asking again is safe.
 */

import { StewardError } from '../base/errors.ts';
import { contentDigest } from '../base/ids.ts';
import { longestReason } from '../domain/control.ts';
import {
	keptChanges,
	parseSchedule,
	readSchedule,
	type ScheduleChange,
	type ScheduleForm,
	type ScheduleRecord,
} from '../domain/schedule.ts';
import { differences, startsAnew } from '../domain/schedule-change.ts';
import { outcomeView, type ScheduleOutcome } from '../domain/schedule-view.ts';
import { publishFailure } from '../jetstream/publish-answer.ts';
import { Schedules } from '../jetstream/schedules.ts';
import type { FleetParts } from './parts.ts';
import { nothingSigned, readKnown, readStored } from './schedule-reading.ts';

export type AddScheduleOptions = {
	/** One of that name may be there: then it is changed. */
	replace?: boolean;
};
export type ScheduleReason = {
	/** Told to whoever wonders later, 1,000 characters at the most. */
	reason?: string | undefined;
};

export type SignOptions = {
	/** What was read and is meant: where another form is stored by now, nothing is signed. */
	form?: ScheduleForm;
};

/** How often a change is made anew because another one was faster. */
const tries = 10;

/** What a change makes of the record that is there; undefined where it is so already. */
type Next = {
	readonly form: ScheduleRecord['form'];
	readonly since: number;
	readonly change: ScheduleChange['change'];
	readonly fields: readonly string[];
	readonly reason?: string | undefined;
};

/** @throws StewardError as ScheduleBook.add */
export async function addSchedule(
	parts: FleetParts,
	written: ScheduleForm,
	{ replace = false }: AddScheduleOptions,
): Promise<ScheduleOutcome> {
	const { name } = parseSchedule(written);
	const schedules = new Schedules(parts.connection);
	const form = JSON.parse(JSON.stringify(written)) as ScheduleRecord['form'];
	return changing(parts, schedules, name, async (now) => {
		schedules.assertFits(form);
		const { value, revision } = await schedules.read(name);
		const next = addedTo(value, form, now, replace);
		const isUnsigned = value && (await parts.vouching?.problemOf(value)) !== undefined;
		if (!isUnsigned) return { value, revision, next };
		// What was typed here is vouched for here, and nothing that was not.
		return { value, revision, next: next ? { ...next, since: now } : signedAnew(value, now) };
	});
}

/** Its ticks count from now on: what was due while nobody vouched for it was not missed. */
function signedAnew({ form, since, removed }: ScheduleRecord, now: number): Next {
	return { form, since: removed ? since : now, change: 'signed', fields: [] };
}

/** @throws StewardError as ScheduleBook.sign */
export async function signSchedule(
	parts: FleetParts,
	name: string,
	{ form }: SignOptions,
): Promise<ScheduleOutcome> {
	const { vouching } = parts;
	if (!vouching) throw nothingSigned();
	const schedules = new Schedules(parts.connection);
	return changing(parts, schedules, name, async (now) => {
		const { value, revision } = await readStored(schedules, name);
		if (form !== undefined && contentDigest(form) !== contentDigest(value.form)) {
			throw new StewardError('refused', `the schedule ${name} was changed since it was read: read it again`, {
				details: { name, version: value.version },
			});
		}
		const isVouched = (await vouching.problemOf(value)) === undefined;
		return { value, revision, next: isVouched ? undefined : signedAnew(value, now) };
	});
}

function addedTo(
	value: ScheduleRecord | undefined,
	form: ScheduleRecord['form'],
	now: number,
	replace: boolean,
): Next | undefined {
	if (!value || value.removed) return { form, since: now, change: 'added', fields: [] };
	const isPaused = form.paused === undefined && value.form.paused === true;
	const wanted = isPaused ? { ...form, paused: true } : form;
	const [before, after] = [readSchedule(value.form), parseSchedule(wanted)];
	const fields = differences(before, after);
	if (fields.length === 0) return undefined;
	if (!replace) {
		const how =
			'problem' in before
				? `and this program cannot read it (${before.problem})`
				: `with other ${fields.join(', ')}`;
		throw new StewardError(
			'refused',
			`the schedule ${value.name} is there already, ${how}: schedules add --replace changes it`,
			{ details: { name: value.name, version: value.version, fields } },
		);
	}
	const isAnew = startsAnew(before, after, now);
	return { form: wanted, since: isAnew ? now : value.since, change: 'changed', fields };
}

/** @throws StewardError as ScheduleBook.pause */
export async function setPaused(
	parts: FleetParts,
	name: string,
	paused: boolean,
	{ reason }: ScheduleReason,
): Promise<ScheduleOutcome> {
	const schedules = new Schedules(parts.connection);
	checkReason(reason);
	return changing(parts, schedules, name, async (now) => {
		const { value, revision } = await readKnown(schedules, name);
		await parts.vouching?.assertVouched(value, paused ? 'pausing' : 'resuming');
		// Of one that this program cannot read as well.
		const isSo = (value.form.paused === true) === paused;
		const { paused: _, ...running } = value.form;
		const change = paused ? 'paused' : 'resumed';
		const next = {
			change,
			form: paused ? { ...running, paused } : running,
			fields: ['paused'],
			reason,
		} as const;
		const since = paused ? value.since : now;
		return { value, revision, next: isSo ? undefined : { ...next, since } };
	});
}

/** @throws StewardError as ScheduleBook.remove */
export async function removeSchedule(
	parts: FleetParts,
	name: string,
	{ reason }: ScheduleReason,
): Promise<ScheduleOutcome> {
	const schedules = new Schedules(parts.connection);
	checkReason(reason);
	return changing(parts, schedules, name, async () => {
		const { value, revision } = await readKnown(schedules, name);
		const { form, since } = value;
		return { value, revision, next: { form, since, change: 'removed', fields: [], reason } };
	});
}

/** Writes down that somebody had it run: no new version, since nothing of it is different. @throws as {@link setPaused} */
export async function noteRun(parts: FleetParts, name: string): Promise<void> {
	const schedules = new Schedules(parts.connection);
	await changing(parts, schedules, name, async () => {
		const { value, revision } = await readKnown(schedules, name);
		const { form, since } = value;
		return { value, revision, next: { form, since, change: 'ran', fields: [] } };
	});
}

type Attempt = {
	readonly value: ScheduleRecord | undefined;
	readonly revision: number;
	readonly next: Next | undefined;
};

/** Reads, decides and writes, again where another was faster in between. */
async function changing(
	parts: FleetParts,
	schedules: Schedules,
	name: string,
	decide: (now: number) => Promise<Attempt>,
): Promise<ScheduleOutcome> {
	try {
		for (let attempt = 1; attempt <= tries; attempt++) {
			const now = await parts.readServerNow();
			const { value, revision, next } = await decide(now);
			if (!next) return told(now, value, undefined);
			const record = await vouched(parts, value, recordAfter(name, value, next, { now, by: parts.author }));
			const written = await schedules.write(record, revision);
			// An answer that was lost makes a write its own rival.
			const isOurs = written !== undefined || (await isStored(schedules, record));
			if (isOurs) return told(now, record, next);
		}
	} catch (error) {
		throw publishFailure(error, {
			ambiguous: `no answer from the broker: the schedule ${name} may be changed or not; steward schedules history ${name} tells, and doing it again is safe`,
			unavailable: 'the broker takes no changes at the moment: is it restarting? try again',
			refused: `the schedule ${name} cannot be stored`,
			details: { name },
		});
	}
	throw new StewardError(
		'refused',
		`the schedule ${name} is being changed by others all the time: try again`,
		{
			details: { name },
		},
	);
}

/** What a change leaves as it was is vouched for as well, so that must have been read: typed, or signed by who may. */
async function vouched(
	{ vouching }: FleetParts,
	before: ScheduleRecord | undefined,
	record: ScheduleRecord,
): Promise<ScheduleRecord> {
	if (!vouching) return record;
	await vouching.assertCounts();
	const isWhole = wholeChanges.includes(record.changes.at(-1)?.change ?? 'ran');
	const isVouched = isWhole || (before !== undefined && (await vouching.mayBuildOn(before)));
	return isVouched ? vouching.sign(record) : record;
}

/** Those that leave nothing unread, and the one after which nothing fires. */
const wholeChanges: readonly ScheduleChange['change'][] = ['added', 'changed', 'signed', 'removed'];

async function isStored(schedules: Schedules, record: ScheduleRecord): Promise<boolean> {
	const { value } = await schedules.read(record.name);
	return value !== undefined && contentDigest(value) === contentDigest(record);
}

function recordAfter(
	name: string,
	before: ScheduleRecord | undefined,
	{ form, since, change, fields, reason = '' }: Next,
	{ now, by }: { now: number; by: string },
): ScheduleRecord {
	const version = change === 'ran' ? (before?.version ?? 1) : (before?.version ?? 0) + 1;
	const done = { version, at: now, by, change, fields: [...fields], reason };
	const changes = [...(before?.changes ?? []), done].slice(-keptChanges);
	const removed = change === 'removed' || (change === 'signed' && before?.removed === true);
	return { v: 1, name, version, form, since, changes, removed };
}

function told(now: number, record: ScheduleRecord | undefined, next: Next | undefined): ScheduleOutcome {
	if (!record) throw new Error('there is nothing to tell of');
	const outcome = next && next.change !== 'ran' ? next.change : 'unchanged';
	return outcomeView(outcome, record, readSchedule(record.form), now, {
		fields: next?.fields ?? [],
	});
}

function checkReason(reason = ''): void {
	if (reason.length <= longestReason) return;
	throw new StewardError('invalid', `reason: expected ${longestReason} characters at the most`);
}
