/**
 * Owns `npm run chaos`: the long form of the chaos test, with its numbers from the command line.
 * Promises that the seed is printed, also when it was drawn, so that a run can be repeated.
 * The test itself heals and cleans up.
 */

import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { optionsOf } from './options.mjs';

const usage = `npm run chaos -- [options]
  --minutes 5        how long things break, for each topology
  --seed random      or a number: the same seed asks and breaks the same
  --topology single  or cluster, leaf, several with commas, or all
  --faults all       or some, with commas: nodeKill,linkCut
  --ships 6          nodes
  --rate 15          commands and events a second
  --every 6          longest time between two faults, seconds`;

const options = optionsOf(usage, {
	minutes: { type: 'number', default: 5, above: 0 },
	seed: { type: 'whole', default: 'random', least: 1, or: 'random' },
	ships: { type: 'whole', default: 6, least: 1 },
	rate: { type: 'number', default: 15, above: 0 },
	every: { type: 'number', default: 6, above: 0 },
	topology: { type: 'string', default: 'single' },
	faults: { type: 'string', default: 'all' },
});
const seed = options.seed === 'random' ? randomInt(1, 2 ** 31) : options.seed;
console.log(`seed ${seed}`);
const report = join(mkdtempSync(join(tmpdir(), 'steward-chaos-report-')), 'runs.jsonl');
writeFileSync(report, '');
const vitest = fileURLToPath(new URL('../node_modules/vitest/vitest.mjs', import.meta.url));
const env = {
	...process.env,
	STEWARD_CHAOS_SEED: String(seed),
	STEWARD_CHAOS_MS: String(options.minutes * 60_000),
	STEWARD_CHAOS_SHIPS: String(options.ships),
	STEWARD_CHAOS_RATE: String(options.rate),
	STEWARD_CHAOS_EVERY_MS: String(options.every * 1000),
	STEWARD_CHAOS_REPORT: report,
	STEWARD_CHAOS_SITES: options.topology,
	STEWARD_CHAOS_FAULTS: options.faults,
};
const run = [
	...[process.execPath, vitest, 'run', '--project', 'chaos', 'test/chaos/chaos.test.ts'],
	'--disable-console-intercept',
];
// Who may mount makes small disks for the ships: in a namespace of its own they go with the run, however that ends.
const [command, ...args] = process.getuid?.() === 0 ? ['unshare', '--mount', ...run] : run;
const child = spawn(command, args, {
	cwd: fileURLToPath(new URL('..', import.meta.url)),
	env,
	stdio: 'inherit',
});
child.on('exit', (code) => {
	console.log(
		markdownOf(
			readFileSync(report, 'utf8')
				.split('\n')
				.filter(Boolean)
				.map((line) => JSON.parse(line)),
		),
	);
	process.exit(code ?? 1);
});

/** What docs/proof.md shows: a column for each run. */
function markdownOf(runs) {
	const rows = [
		['topology', ({ topology }) => topology],
		['seed', ({ seed }) => seed],
		['minutes', ({ forMs }) => forMs / 60_000],
		['faults', ({ faults }) => faults.length],
		['kinds of faults', ({ faults }) => new Set(faults.map(({ name }) => name)).size],
		...Object.keys(runs[0]?.verdict ?? {}).map((name) => [name, ({ verdict }) => verdict[name]]),
		['not acknowledged', ({ unacknowledged }) => unacknowledged],
		['recovery after the last fault, s', ({ recoveryMs }) => (recoveryMs / 1000).toFixed(1)],
	];
	const lines = rows.map(([name, of]) => `| ${[name, ...runs.map(of)].join(' | ')} |`);
	return [lines[0], `|---|${'---:|'.repeat(runs.length)}`, ...lines.slice(1)].join('\n');
}
