/**
 * Owns schedules: their JSON form, as people and programs write it, and what it means once it is checked; and how one is
 * stored, with who changed it and when.
 * Promises that every problem of a form is listed at once, and that what a schedule sends is checked as any other message.
 * Pure.
 */

import { z } from 'zod';
import { formatDuration } from '../base/duration.ts';
import { isStewardError, messageOf, StewardError } from '../base/errors.ts';
import { type Cron, parseCron } from './cron.ts';
import { durationMs, type Message, parseMessage } from './message.ts';
import { scheduleNamePattern, scheduleNameRule } from './names.ts';
import { type Target, targetFields, targetOf, targetProblems } from './target.ts';
import { isTemplate, templateProblems } from './template.ts';
import { publicKeySchema } from './trust.ts';
import { describeProblems, isRecord } from './validation.ts';
import { isTimeZone, parseTime, timeRule, timeZoneRule, Zone } from './zone.ts';

export const placements = ['centre', 'node'] as const;
type Placement = (typeof placements)[number];
export const overlapPolicies = ['allow', 'skip', 'replace'] as const;
export type Overlap = (typeof overlapPolicies)[number];

/** What becomes of ticks that could not fire in time: none fires, the last one does, or the last of them do. */
export type Missed =
	| { readonly policy: 'skip' | 'once' }
	| { readonly policy: 'all'; readonly max: number; readonly notOlderThanMs: number };

/** Of `all`, where nothing is said. */
const missedDefaults = { max: 100, notOlderThanMs: 7 * 86_400_000 } as const;
/** More at once than anybody means. */
const mostMissed = 1000;
const shortestEveryMs = 1000;
/** Whoever looks for due ticks goes back by the jitter: what is denser has less, so that no look walks through endless ticks. */
const longestJitterMs = 86_400_000;
const longestJitterOfSecondsMs = 900_000;
const mostTicksOfJitter = 1000;
const longestNote = 1000;

const missedSchema = z.union(
	[
		z.enum(['skip', 'once']).transform((policy): Missed => ({ policy })),
		z.literal('all').transform((policy): Missed => ({ policy, ...missedDefaults })),
		z
			.strictObject({
				all: z.strictObject({
					max: z.number().int().min(1).max(mostMissed).default(missedDefaults.max),
					notOlderThan: durationMs.optional(),
				}),
			})
			.transform(
				({ all }): Missed => ({
					policy: 'all',
					max: all.max,
					notOlderThanMs: all.notOlderThan ?? missedDefaults.notOlderThanMs,
				}),
			),
	],
	{
		error: `expected "skip", "once", "all" or { "all": { "max": 10, "notOlderThan": "1d" } } (max: 1 to ${mostMissed})`,
	},
);

export const scheduleFormSchema = z.strictObject({
	name: z.string().regex(scheduleNamePattern, { error: `expected ${scheduleNameRule}` }),
	cron: z.string().optional(),
	every: durationMs.optional(),
	timeZone: z.string().refine(isTimeZone, { error: timeZoneRule }).default('UTC'),
	...targetFields,
	message: z.record(z.string(), z.unknown(), { error: 'expected the message to send: method, data, …' }),
	placement: z.enum(placements, { error: 'expected "centre" or "node"' }).default('centre'),
	missed: missedSchema.default({ policy: 'once' }),
	overlap: z.enum(overlapPolicies, { error: 'expected "allow", "skip" or "replace"' }).default('skip'),
	jitter: durationMs.default(0),
	startAt: z.string().optional(),
	endAt: z.string().optional(),
	paused: z.boolean().default(false),
	note: z.string().max(longestNote).default(''),
});

/** The JSON form of a schedule, as in `schedules add --file` and the library. */
export type ScheduleForm = z.input<typeof scheduleFormSchema>;

const scheduleFormKeys = Object.keys(scheduleFormSchema.shape);

type Recurrence =
	| { readonly kind: 'cron'; readonly cron: Cron }
	| { readonly kind: 'every'; readonly everyMs: number };

/** A checked schedule. Times in milliseconds since the epoch, lengths in milliseconds. */
export type Schedule = {
	readonly name: string;
	readonly recurrence: Recurrence;
	readonly zone: Zone;
	readonly target: Target;
	/** What each tick sends; its words are filled in for each node. */
	readonly message: Omit<Message, 'target'>;
	/** There are words to fill in. */
	readonly isTemplate: boolean;
	readonly placement: Placement;
	readonly missed: Missed;
	readonly overlap: Overlap;
	readonly jitterMs: number;
	/** The first moment of which a tick may be, and the last. */
	readonly startAt: number | null;
	readonly endAt: number | null;
	readonly paused: boolean;
	readonly note: string;
};

/**
 * Checks the JSON form of a schedule.
 * @throws StewardError `invalid`: `details.problems` lists all of them, one line each.
 */
export function parseSchedule(input: unknown): Schedule {
	const parsed = scheduleFormSchema.safeParse(input);
	const problems = parsed.success ? [] : describeProblems(parsed.error, input, scheduleFormKeys);
	const form = isRecord(input) ? input : {};
	const zone = typeof form.timeZone === 'string' && isTimeZone(form.timeZone) ? form.timeZone : 'UTC';
	const recurrence = recurrenceOf(form, problems);
	checkJitter(form, recurrence, problems);
	const [startAt, endAt] = [timeOf('startAt', form, zone, problems), timeOf('endAt', form, zone, problems)];
	if (startAt !== null && endAt !== null && endAt < startAt) problems.push('endAt: it is before startAt');
	problems.push(...targetProblems(form));
	const message = isRecord(form.message) ? messageOfTicks(form.message, problems) : undefined;
	if (!parsed.success || problems.length > 0 || !recurrence || !message) throw invalidSchedule(problems);
	const { name, placement, missed, overlap, jitter, paused, note } = parsed.data;
	return {
		name,
		recurrence,
		zone: Zone.of(zone),
		target: targetOf(parsed.data),
		message,
		isTemplate: isTemplate(message.data),
		placement,
		missed,
		overlap,
		jitterMs: jitter,
		startAt,
		endAt,
		paused,
		note,
	};
}

/** What a stored form means, or why this program cannot read it: a newer one wrote it, or one that knows other time zones. */
export function readSchedule(form: ScheduleRecord['form']): Schedule | { readonly problem: string } {
	try {
		return parseSchedule(form);
	} catch (error) {
		if (!isStewardError(error, 'invalid')) throw error;
		return { problem: error.message };
	}
}

function invalidSchedule(problems: readonly string[]): StewardError {
	return new StewardError('invalid', `the schedule is not valid: ${problems.join('; ')}`, {
		details: { problems },
	});
}

function recurrenceOf(form: Readonly<Record<string, unknown>>, problems: string[]): Recurrence | undefined {
	const { cron, every } = form;
	if ((cron === undefined) === (every === undefined)) {
		problems.push(`cron: expected exactly one of cron, every, got ${cron === undefined ? 'none' : 'both'}`);
	}
	const everyMs = durationMs.safeParse(every);
	if (everyMs.success && everyMs.data < shortestEveryMs) {
		problems.push(`every: expected 1s at the least, got "${String(every)}"`);
	}
	if (typeof cron === 'string') {
		try {
			return { kind: 'cron', cron: parseCron(cron) };
		} catch (error) {
			problems.push(`cron: ${messageOf(error)}`);
		}
	}
	return everyMs.success ? { kind: 'every', everyMs: everyMs.data } : undefined;
}

function checkJitter(
	{ jitter }: Readonly<Record<string, unknown>>,
	recurrence: Recurrence | undefined,
	problems: string[],
): void {
	const ms = durationMs.safeParse(jitter).data ?? 0;
	let [most, why] = [longestJitterMs, ''];
	if (recurrence?.kind === 'every' && recurrence.everyMs * mostTicksOfJitter < most) {
		[most, why] = [recurrence.everyMs * mostTicksOfJitter, ' (1,000 times every)'];
	} else if (recurrence?.kind === 'cron' && recurrence.cron.expression.split(' ').length === 6) {
		[most, why] = [longestJitterOfSecondsMs, ' (with a cron that has seconds)'];
	}
	if (ms > most)
		problems.push(`jitter: expected ${formatDuration(most)} at the most${why}, got "${String(jitter)}"`);
}

function timeOf(
	field: 'startAt' | 'endAt',
	form: Readonly<Record<string, unknown>>,
	timeZone: string,
	problems: string[],
): number | null {
	const text = form[field];
	if (typeof text !== 'string') return null;
	const at = parseTime(text, timeZone);
	if (at === undefined) problems.push(`${field}: ${timeRule}, got "${text.slice(0, 60)}"`);
	return at ?? null;
}

/** Fields of a message that its schedule says, or each tick anew. */
const notForTicks: Readonly<Record<string, string>> = {
	toNode: 'the target stands in the schedule itself, beside message',
	toNodes: 'the target stands in the schedule itself, beside message',
	where: 'the target stands in the schedule itself, beside message',
	id: 'each tick has an id of its own',
	notBefore: 'the tick says when',
	timeZone: 'the schedule has one, beside message',
};

function messageOfTicks(
	form: Readonly<Record<string, unknown>>,
	problems: string[],
): Omit<Message, 'target'> | undefined {
	const isEvent = form.kind === 'event' || form.commandOrEvent === 'event';
	const own = Object.entries(form).filter(
		([key]) => !Object.hasOwn(notForTicks, key) && !(isEvent && (key === 'kind' || key === 'commandOrEvent')),
	);
	for (const [key, why] of Object.entries(notForTicks)) {
		if (form[key] !== undefined) problems.push(`message.${key}: ${why}`);
	}
	if (isEvent) {
		problems.push('message.commandOrEvent: a schedule sends commands, so that each tick has an outcome');
	}
	problems.push(...templateProblems(form.data).map((problem) => `message.data: ${problem}`));
	try {
		const { target: _, ...message } = parseMessage({
			kind: 'command',
			...Object.fromEntries(own),
			toNode: 'any',
		});
		return message;
	} catch (error) {
		const found = isStewardError(error, 'invalid') ? error.details.problems : undefined;
		if (!Array.isArray(found)) throw error;
		problems.push(...found.map((problem) => `message.${problem}`));
		return undefined;
	}
}

export const scheduleChanges = ['added', 'changed', 'paused', 'resumed', 'ran', 'signed', 'removed'] as const;

/** Who did what to a schedule, and when. */
const changeSchema = z.object({
	version: z.number().int(),
	/** Server time, milliseconds since the epoch. */
	at: z.number(),
	by: z.string(),
	change: z.enum(scheduleChanges),
	/** Fields of the form that are different since. */
	fields: z.array(z.string()),
	reason: z.string().optional(),
});
export type ScheduleChange = z.infer<typeof changeSchema>;

/** Changes that are kept: the newest. */
export const keptChanges = 50;

const recordSignatureSchema = z.object({
	/** Public key of who wrote it, and when that was by the own clock of the program, milliseconds since the epoch. */
	key: publicKeySchema,
	at: z.number().int().min(0),
	/** 64 bytes as base64url. */
	signature: z.string().regex(/^[A-Za-z0-9_-]{86}$/),
});

/** A schedule as it is stored. One that was removed stays as a tombstone, until no node can have it any more. */
export const scheduleRecordSchema = z.object({
	v: z.literal(1),
	name: z.string().regex(scheduleNamePattern),
	/** One more with each change. */
	version: z.number().int().min(1),
	/** As it was written, {@link ScheduleForm}. */
	form: z.record(z.string(), z.unknown()),
	/** Server time from which its ticks count, milliseconds since the epoch. */
	since: z.number(),
	/** The newest last. */
	changes: z.array(changeSchema),
	removed: z.boolean(),
	/** Who vouches for all of it: security/record-signature.ts. */
	signed: recordSignatureSchema.optional(),
});
export type ScheduleRecord = z.infer<typeof scheduleRecordSchema>;
