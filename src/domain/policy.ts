/**
 * Owns how commands are to be treated: deadlines, attempts, what happens after a crash, and the defaults of all that.
 * Promises that what travels and what people write mean the same.
 * Pure.
 */

import { z } from 'zod';
import { type Backoff, defaultBackoff } from '../base/backoff.ts';
import type { CommandLane } from './names.ts';

/** What a command gets where neither its sender nor its method says otherwise. */
export const commandDefaults = {
	deliverWithinMs: 7 * 86_400_000,
	runForMs: 600_000,
	attempts: 1,
	backoff: defaultBackoff,
	onInterrupt: 'report',
	whenAbsent: 'queue',
	/** How long a claimed command of a silent node is waited for, past its clocks. */
	patienceMs: 7 * 86_400_000,
} as const;

/** The journal and every report carry what a command's attempts were. */
export const mostAttempts = 1000;

/** An event that nobody took within this time becomes a dead letter. */
export const eventDeliverWithinMs = 30 * 86_400_000;

export const onInterruptPolicies = ['report', 'rerun'] as const;
export type OnInterrupt = (typeof onInterruptPolicies)[number];
export const whenAbsentPolicies = ['queue', 'skip', 'reject'] as const;
export type WhenAbsent = (typeof whenAbsentPolicies)[number];

/** How a command is to be treated; what is undefined is the method's default, then {@link commandDefaults}. */
export type CommandPolicy = {
	readonly lane?: CommandLane | undefined;
	/** Longest wait for a start, milliseconds; null is never. */
	readonly deliverWithinMs: number | null;
	readonly runForMs?: number | undefined;
	readonly attempts?: number | undefined;
	readonly backoff?: Backoff | undefined;
	readonly onInterrupt?: OnInterrupt | undefined;
	/** How long the node may be silent past the command's clocks before it is called lost. */
	readonly patienceMs?: number | undefined;
};

/** How a run is to be treated, as it travels: what is left out is the method's default, then {@link commandDefaults}. */
export const runPolicySchema = z.object({
	runForMs: z.number().int().min(0).optional(),
	attempts: z.number().int().min(1).max(mostAttempts).optional(),
	backoff: z
		.object({
			kind: z.enum(['fixed', 'exponential']),
			initialMs: z.number().min(0),
			capMs: z.number().min(0),
			jitter: z.number().min(0).max(1),
		})
		.optional(),
	onInterrupt: z.enum(onInterruptPolicies).optional(),
	patienceMs: z.number().int().min(0).optional(),
});
