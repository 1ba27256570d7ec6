import { expect, test } from 'vitest';
import { brokerFaults } from './faults/broker.ts';
import { leafFaults } from './faults/leaf.ts';
import { linkFaults } from './faults/links.ts';
import { runChaos } from './run.ts';
import { leafSite } from './site-leaf.ts';
import { forbidden, tableText } from './verdict.ts';

const seed = Number(process.env.STEWARD_CHAOS_SEED ?? 1);
const forMs = Number(process.env.STEWARD_CHAOS_MS ?? 20_000);

test(
	`nothing is lost or run too often behind leaf servers: seed ${seed}`,
	async () => {
		const report = await runChaos({
			...{ site: leafSite, seed, forMs, ships: 3, rate: 8, pace: 'short', faultEveryMs: 2500 },
			// What a leaf server adds: the link is between two servers. Faults of processes are the same on each site.
			faults: { ...brokerFaults, ...linkFaults, ...leafFaults },
		});
		const { verdict, recoveryMs } = report;
		const table = tableText(verdict, { faults: report.faults.length, recoveryMs, seed });
		if (process.env.STEWARD_CHAOS_MS !== undefined) console.log(`${table}\n${report.faults.join('\n')}`);
		const offences = verdict.offences.map(({ column, handle, why }) => `${column}: ${handle}: ${why}`);
		expect(offences, `seed ${seed}\n${table}\nfaults:\n${report.faults.join('\n')}`).toEqual([]);
		expect(report.problems).toEqual([]);
		expect(forbidden.map((column) => verdict.counts[column])).toEqual(forbidden.map(() => 0));
		expect(verdict.counts.commands).toBeGreaterThan((forMs / 1000) * 8 * 0.3);
		expect(report.faults.length).toBeGreaterThan(2);
	},
	forMs + 300_000,
);
