/**
 * Owns what the centre's side can ask of a node over its control lane: the methods there, and the shape of their data.
 * Promises that a node takes nothing else on that lane, and none of these on another.
 * Pure; a control message is a command, so it waits for an absent node, runs once, and its outcome comes back.
 */

import { z } from 'zod';
import { derivedId } from '../base/ids.ts';
import { documentKinds, documentsSchema } from './document.ts';
import { type Handle, lanes, methodNamePattern, scheduleNamePattern } from './names.ts';

/** Lanes that can be paused: without the control lane nobody could resume them. */
const pausableLane = z.enum(lanes).exclude(['control']);
export const pausableLanes = pausableLane.options;
export type PausableLane = z.infer<typeof pausableLane>;

/** Characters. The node's state holds the words of each pause. */
export const longestReason = 1000;
export const longestAuthor = 200;

/** Who asks, and why: both are told to whoever wonders later. */
const authorShape = {
	by: z.string().max(longestAuthor, `expected ${longestAuthor} characters at the most`),
	reason: z.string().max(longestReason, `expected ${longestReason} characters at the most`),
};
export const authorSchema = z.object(authorShape);
const method = z.string().regex(methodNamePattern);
const scheduleName = z.string().regex(scheduleNamePattern);
const scheduleVersion = z.number().int().min(1);

export const controls = {
	/** Calls off one command: what runs is aborted, what was started and waits does not start again. */
	cancel: z.object({
		id: z.string(),
		/** Of the command that is meant, server time. */ queuedAt: z.number(),
		...authorShape,
	}),
	/** Takes no more from these lanes, until they are resumed. */
	pause: z.object({ lanes: z.array(pausableLane).min(1), ...authorShape }),
	/** Undoes pause, drain and stop: of these lanes, of one method, or of all. */
	resume: z.object({ lanes: z.array(pausableLane).optional(), method: method.optional(), ...authorShape }),
	/** Takes no more from any lane, until the node has started again or is resumed. */
	drain: z.object({ ...authorShape }),
	/** Runs this method no more: its commands wait, and the lanes that they are on. */
	stop: z.object({ method, ...authorShape }),
	/** Fires this schedule by itself from now on, instead of any version of it before. */
	schedule: z.object({
		name: scheduleName,
		version: scheduleVersion,
		/** As it was written. */ form: z.record(z.string(), z.unknown()),
		/** Server time from which its ticks count, milliseconds since the epoch. */ since: z.number(),
		...authorShape,
	}),
	/** Fires this schedule no more; a version after this one stays. */
	unschedule: z.object({ name: scheduleName, version: scheduleVersion, ...authorShape }),
	/** Believes this trust list from now on; before it those that lead to its roots. Their signatures vouch for them, not the sender. */
	trust: z.object({ documents: documentsSchema, ...authorShape }),
	/** Lets in what this access list says. */
	access: z.object({ documents: documentsSchema, ...authorShape }),
} as const;
export type ControlName = keyof typeof controls;
export type Control<Name extends ControlName> = z.infer<(typeof controls)[Name]>;

const ids = z.array(z.string()).readonly();
const methodNames = z.array(z.string()).readonly();
const laneNames = z.array(pausableLane).readonly();

/** `version`: which was asked for; `inEffect`: which fires there now, null where none does. */
const scheduleAnswer = z.object({
	name: z.string(),
	version: z.number().int(),
	inEffect: z.number().int().nullable(),
});

const documentAnswer = z.object({ version: z.number().int(), inEffect: z.number().int() });

/** What a node answers when it has done it; `running`: ids of what goes on there all the same. */
const answers = {
	/** `absent`: lanes that it does not have. */
	pause: z.object({ paused: laneNames, absent: laneNames, running: ids }),
	/** What was paused, drained or stopped, and is not any more. */
	resume: z.object({ lanes: laneNames, methods: methodNames }),
	drain: z.object({ running: ids }),
	stop: z.object({ stopped: z.string(), running: ids }),
	schedule: scheduleAnswer,
	unschedule: scheduleAnswer,
	trust: documentAnswer,
	access: documentAnswer,
} as const;
type Answered = keyof typeof answers;
export type ControlAnswer<Name extends Answered> = z.infer<(typeof answers)[Name]>;

/** What needs no signature beside the one that it carries. */
export function carriesDocuments({
	lane,
	method,
}: {
	readonly lane: string;
	readonly method: string;
}): boolean {
	return lane === 'control' && (documentKinds as readonly string[]).includes(method);
}

/** What came back of a wish, as far as it can be read: an older node may say less. */
export function readAnswer<Name extends Answered>(
	name: Name,
	value: unknown,
): ControlAnswer<Name> | undefined {
	const parsed = answers[name].safeParse(value);
	return parsed.success ? (parsed.data as ControlAnswer<Name>) : undefined;
}

/** One for each command: whoever asks again asks the same. */
export function cancelId({ node, id }: Handle): string {
	return derivedId('cancel', node, id);
}
