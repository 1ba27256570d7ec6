import { expect, test } from 'vitest';
import { runChaos } from './run.ts';
import { forbidden, tableText } from './verdict.ts';

/**
 * The short form, with a fixed seed; the long one is `npm run chaos -- --minutes 30 --seed random`, which runs this very test with
 * other numbers. A failure prints the seed, the faults, and each offending command with its history.
 */

const seed = Number(process.env.STEWARD_CHAOS_SEED ?? 1);
const forMs = Number(process.env.STEWARD_CHAOS_MS ?? 20_000);
const ships = Number(process.env.STEWARD_CHAOS_SHIPS ?? 4);
const rate = Number(process.env.STEWARD_CHAOS_RATE ?? 12);
const isLong = process.env.STEWARD_CHAOS_MS !== undefined;

test(
	`nothing that was acknowledged is lost, run too often or left without an end (seed ${seed})`,
	async () => {
		const log = isLong ? (line: string) => console.log(line) : () => undefined;
		const { verdict, faults, unacknowledged, recoveryMs } = await runChaos({ seed, forMs, ships, rate, log });
		const table = tableText(verdict, { faults: faults.length, unacknowledged, recoveryMs, seed });
		if (isLong) console.log(table);
		const offences = verdict.offences.map(({ column, handle, why }) => `${column}: ${handle}: ${why}`);
		expect(offences, `seed ${seed}\n${table}\nfaults:\n${faults.join('\n')}`).toEqual([]);
		expect(forbidden.map((column) => verdict.counts[column])).toEqual(forbidden.map(() => 0));
		// A run in which nothing was asked, or nothing broke, would prove nothing.
		expect(verdict.counts.commands).toBeGreaterThan((forMs / 1000) * rate * 0.3);
		expect(faults.length).toBeGreaterThan(forMs / 5000);
	},
	forMs + 600_000,
);
