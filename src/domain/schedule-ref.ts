/**
 * Owns how a command says which tick of which schedule it is, also in a header.
 * Promises that what was written is read again, and that anything else is nothing.
 * Pure.
 */

import { z } from 'zod';

/** `tick` is its moment, milliseconds since the epoch; null where somebody had the schedule run beside its ticks. */
export const scheduleRefSchema = z.object({
	name: z.string().max(64),
	tick: z.number().nullable(),
	/** Of the schedule, when it fired. */
	version: z.number().int(),
});
export type ScheduleRef = z.infer<typeof scheduleRefSchema>;

/** `<name> <version> <tick or ->` */
export function formatScheduleRef({ name, version, tick }: ScheduleRef): string {
	return `${name} ${version} ${tick ?? '-'}`;
}

export function parseScheduleRef(text: string): ScheduleRef | undefined {
	const [, name = '', version, tick] = /^([A-Za-z0-9_-]{1,64}) (\d{1,15}) (-|\d{1,15})$/.exec(text) ?? [];
	if (version === undefined) return undefined;
	return { name, version: Number(version), tick: tick === '-' ? null : Number(tick) };
}

/** Whether both are the same tick of one schedule, whichever version fired it. */
export function isSameTick(one: ScheduleRef | undefined, other: ScheduleRef | undefined): boolean {
	if (!one || !other || one.tick === null) return false;
	return one.name === other.name && one.tick === other.tick;
}
