/**
 * Owns the list of faults, and which one comes next.
 * Promises that the same seed draws the same faults.
 * Each fault is in a file of its kind.
 */

import type { Random } from '../random.ts';
import { brokerFaults } from './broker.ts';
import type { Fault } from './fault.ts';
import { linkFaults } from './links.ts';
import { processFaults } from './processes.ts';

/** Those that every site has. */
export const faults: Readonly<Record<string, Fault>> = { ...processFaults, ...linkFaults, ...brokerFaults };

/** One of these, by their weights. */
export function drawFault(random: Random, among: Readonly<Record<string, Fault>>): [string, Fault] {
	const entries = Object.entries(among);
	let rest = random.next() * entries.reduce((sum, [, { weight }]) => sum + weight, 0);
	for (const entry of entries) {
		rest -= entry[1].weight;
		if (rest < 0) return entry;
	}
	return random.pick(entries);
}
