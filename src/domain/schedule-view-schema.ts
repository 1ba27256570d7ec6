/**
 * Owns the shapes of the JSON contract that are about schedules: one as it stands, its ticks, its changes, what became of a wish.
 * Promises that the types and the files under docs/schemas/ both come from here.
 * Pure.
 */

import { z } from 'zod';
import { overlapPolicies, placements, scheduleChanges } from './schedule.ts';
import { commandStates } from './state.ts';
import { time } from './view-time.ts';

const lastOnNode = z.object({
	node: z.string(),
	handle: z.string().describe('of the command: <node>.<id>'),
	tick: time,
	state: z.enum(commandStates).nullable().describe('null: its node fired it, and has not reported it yet'),
});

const onNode = z.object({
	node: z.string(),
	version: z.number().int().nullable().describe('that the node has; null: none, as far as it has said'),
	inEffect: z.boolean().describe('the node has exactly this version; else the change is on its way'),
	next: time.nullable(),
	last: time.nullable(),
	lastState: z.enum(commandStates).nullable(),
	missed: z.number().int().min(0),
});

const schedule = z.object({
	name: z.string(),
	version: z.number().int().min(1).describe('one more with each change'),
	words: z.string().describe('when it fires, for people'),
	problem: z
		.string()
		.nullable()
		.describe(
			'why nothing of it fires: the centre cannot read its form (then words begin with that, and the fields of the form say nothing), or nobody whom the trust list names vouches for it',
		),
	cron: z.string().nullable(),
	everyMs: z.number().int().nullable(),
	timeZone: z.string(),
	toNodes: z.array(z.string()).nullable(),
	where: z.record(z.string(), z.string()).nullable(),
	targets: z.number().int().min(0).describe('nodes that it is for, as far as they are known'),
	message: z.record(z.string(), z.unknown()).describe('what each tick sends, as it was written'),
	placement: z.enum(placements),
	missed: z.object({
		policy: z.enum(['skip', 'once', 'all']),
		max: z.number().int().nullable().describe('of all'),
		notOlderThanMs: z.number().nullable().describe('of all'),
	}),
	overlap: z.enum(overlapPolicies),
	jitterMs: z.number().int().min(0),
	startAt: time.nullable(),
	endAt: time.nullable(),
	paused: z.boolean(),
	note: z.string(),
	since: time.describe('its ticks count from then on'),
	next: time.nullable().describe('null: paused, or over'),
	last: z
		.object({
			tick: time,
			states: z.record(z.string(), z.number().int()).describe('how many nodes, by state; or unreported'),
			nodes: z.array(lastOnNode).describe('20 at the most in lists, 1,000 of one schedule'),
		})
		.nullable(),
	counts: z.object({
		fired: z.number().int().min(0),
		missed: z.number().int().min(0),
		skipped: z
			.number()
			.int()
			.min(0)
			.describe('left out: the one before was not done, or the node takes none now'),
	}),
	changed: z.object({ at: time, by: z.string() }),
	on: z.array(onNode).describe('what nodes have that fire it by themselves; as many as in last.nodes'),
});

const scheduleTick = z.object({
	name: z.string(),
	tick: time,
	timeZone: z.string(),
	local: z.string().describe('the tick as the clocks of the time zone show it'),
});

const scheduleChange = z.object({
	name: z.string(),
	version: z.number().int().min(1),
	at: time,
	by: z.string(),
	change: z.enum(scheduleChanges),
	fields: z.array(z.string()).describe('what is different since'),
	reason: z.string(),
});

const scheduleOutcome = z.object({
	name: z.string(),
	outcome: z
		.enum(['added', 'changed', 'unchanged', 'paused', 'resumed', 'signed', 'removed', 'valid'])
		.describe('valid: what a dry run says instead of doing it'),
	version: z.number().int().nullable().describe('null in a dry run'),
	words: z.string(),
	problem: z
		.string()
		.nullable()
		.describe('why this program cannot read the form that is stored; nothing of it fires'),
	paused: z.boolean(),
	fields: z.array(z.string()).describe('what is different since'),
	form: z.record(z.string(), z.unknown()).describe('as it is stored; of one that was removed, as it was'),
	next: z.array(scheduleTick).describe('its next tick; ten of them in a dry run; none where it is paused'),
});

export const scheduleViewSchemas = { schedule, scheduleTick, scheduleChange, scheduleOutcome } as const;

export type ScheduleView = z.infer<typeof schedule>;
export type ScheduleTickView = z.infer<typeof scheduleTick>;
export type ScheduleChangeView = z.infer<typeof scheduleChange>;
/** What became of the wish to add, change, pause, resume or remove a schedule. */
export type ScheduleOutcome = z.infer<typeof scheduleOutcome>;
