/**
 * Owns what a fault is, and what several kinds of faults need.
 * Promises that each undoes itself, also when the run ends in the middle, and that only what the run started is touched.
 * What is drawn comes from the seed.
 */

import type { Random } from '../random.ts';
import type { Pace, Ship, World } from '../world.ts';

export type Sleep = (ms: number) => Promise<void>;

/** Resolves when it has healed, with what it did. */
export type Fault = {
	/** How often it is drawn, against the others. */
	readonly weight: number;
	/** Faults of the same place come one after the other: they would only meet each other. */
	readonly place?: string;
	run(world: World, random: Random, sleep: Sleep): Promise<string>;
};

type Range = readonly [number, number];

/** Milliseconds, by the pace of the run. */
export function lasting(world: World, random: Random, ranges: Readonly<Record<Pace, Range>>): number {
	return random.between(...ranges[world.pace]);
}

export const anyShip = (world: World, random: Random): Ship => random.pick(world.ships);

/** Nothing there: between two starts. */
export function signal(pid: number | undefined, name: NodeJS.Signals): void {
	if (pid === undefined) return;
	try {
		process.kill(pid, name);
	} catch {
		// It has ended in this moment: that is a fault as well.
	}
}

export async function stopAndGo(pid: number | undefined, ms: number, sleep: Sleep): Promise<void> {
	signal(pid, 'SIGSTOP');
	try {
		await sleep(ms);
	} finally {
		signal(pid, 'SIGCONT');
	}
}
