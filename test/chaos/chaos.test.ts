import { appendFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { Progress } from '../../src/cli/render/progress.ts';
import { screenOn } from '../../src/cli/render/screen.ts';
import { faultText, runChaos } from './run.ts';
import { sites } from './sites.ts';
import { forbidden, tableText } from './verdict.ts';

/**
 * The short form, with a fixed seed; the long one is `npm run chaos -- --minutes 30 --seed random`, which runs this very test with
 * other numbers. A failure prints the seed, the faults, and each offending command with its history.
 */

const { env } = process;
const seed = Number(env.STEWARD_CHAOS_SEED ?? 1);
const forMs = Number(env.STEWARD_CHAOS_MS ?? 20_000);
const ships = Number(env.STEWARD_CHAOS_SHIPS ?? 4);
const rate = Number(env.STEWARD_CHAOS_RATE ?? 12);
const isLong = env.STEWARD_CHAOS_MS !== undefined;
/** A run in which nothing was asked, or nothing broke, would prove nothing. */
const least = { commands: Math.ceil((forMs / 1000) * rate * 0.3), faults: Math.ceil(forMs / 20_000) + 1 };
const everyMs = Number(env.STEWARD_CHAOS_EVERY_MS ?? 2500);
// The short form on a cluster is in cluster.test.ts.
const topologies = listOf(env.STEWARD_CHAOS_SITES ?? 'single,leaf', sites);
const allFaults = Object.assign({}, ...Object.values(sites).map(({ faults }) => faults));
const among = listOf(env.STEWARD_CHAOS_FAULTS ?? 'all', allFaults);

/** Names with commas between them, or `all`. */
function listOf(text: string, known: Readonly<Record<string, unknown>>): readonly string[] {
	const names = text === 'all' ? Object.keys(known) : text.split(',');
	const strange = names.find((name) => !(name in known));
	if (strange !== undefined) throw new Error(`"${strange}" is none of ${Object.keys(known).join(', ')}`);
	return names;
}

function siteOf(topology: string) {
	const site = sites[topology];
	if (!site) throw new Error(`no topology ${topology}`);
	return site;
}

// Worlds of their own: what they wait for, they wait for side by side.
test.concurrent.each(topologies)(
	`nothing that was acknowledged is lost, run too often or left without an end: %s, seed ${seed}`,
	async (topology) => {
		const { build: site, faults } = siteOf(topology);
		const log = isLong ? (line: string) => console.log(line) : () => undefined;
		const chosen = Object.entries(faults).filter(([name]) => among.includes(name));
		const screen = screenOn(process.stderr, process.env);
		const label = `chaos on ${topology}, seconds`;
		const total = Math.round(forMs / 1000);
		const progress = new Progress({ screen, clock: systemClock, label, total, quiet: !isLong });
		const onProgress = (seconds: number, detail: string) => progress.at(Math.max(0, seconds), detail);
		const report = await runChaos({
			...{ site, seed, forMs, least, ships, rate, log, onProgress },
			...{ pace: isLong ? ('long' as const) : ('short' as const), faultEveryMs: everyMs },
			faults: Object.fromEntries(chosen),
		}).finally(() => progress.end());
		const { verdict, unacknowledged, recoveryMs } = report;
		const more = { faults: report.faults.length, unacknowledged, recoveryMs, seed };
		const table = tableText(verdict, more);
		if (isLong) console.log(table);
		if (env.STEWARD_CHAOS_REPORT) {
			const line = { topology, seed, forMs, ships, rate, ...report, verdict: verdict.counts };
			await appendFile(env.STEWARD_CHAOS_REPORT, `${JSON.stringify(line)}\n`);
		}
		const offences = verdict.offences.map(({ column, handle, why }) => `${column}: ${handle}: ${why}`);
		expect(offences, `seed ${seed}\n${table}\nfaults:\n${report.faults.map(faultText).join('\n')}`).toEqual(
			[],
		);
		expect(report.problems).toEqual([]);
		expect(forbidden.map((column) => verdict.counts[column])).toEqual(forbidden.map(() => 0));
		expect(verdict.counts.commands).toBeGreaterThanOrEqual(least.commands);
		expect(report.faults.length).toBeGreaterThanOrEqual(least.faults);
	},
	forMs + 900_000,
);
