/**
 * Owns `npm run bench:window`: the speed of the operator's window at 10,000 nodes and 100,000 commands, as people and as servers feel it.
 * Promises figures of a real broker, centre and Chromium on this machine, each beside its target, and exit code 1 where one is over.
 * Servers and browser end with it; the bundle of its parts stays in .cache/bench.
 */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { withProgress } from './bench-progress.mjs';
import { optionsOf } from './options.mjs';

const usage = `npm run bench:window -- [options]
  --part all        or page, fan-out, scrape
  --nodes 10000
  --commands 100000`;
const root = fileURLToPath(new URL('..', import.meta.url));
/** Parts by their name: file, and what it exports. */
const parts = { page: 'window-page', 'fan-out': 'window-fan-out', scrape: 'window-scrape' };

const { part, nodes, commands } = optionsOf(usage, {
	part: { type: 'string', default: 'all', oneOf: ['all', ...Object.keys(parts)] },
	nodes: { type: 'whole', default: 10_000, least: 1 },
	commands: { type: 'whole', default: 100_000, least: 1 },
});
const chosen = Object.entries(parts).filter(([name]) => part === 'all' || part === name);

let missed = 0;
/** One line a figure; `limit` is what it may be at most. */
function say(what, value, unit, limit) {
	const isOver = limit !== undefined && !(value <= limit);
	if (isOver) missed += 1;
	const target = limit === undefined ? '' : `${isOver ? 'OVER' : 'target'} ${limit} ${unit}`;
	console.log(
		`${what.padEnd(66)} ${value.toFixed(value < 10 ? 2 : 0).padStart(8)} ${unit.padEnd(4)} ${target}`,
	);
}

for (const [name, file] of chosen) {
	const source = join(root, 'test/speed', `${file}.ts`);
	if (!existsSync(source)) continue;
	const outfile = join(root, '.cache/bench', `${file}.mjs`);
	await build({
		...{ entryPoints: [source], outfile, bundle: true, packages: 'external', platform: 'node' },
		...{ format: 'esm', target: 'node20', logLevel: 'error' },
	});
	console.log(`== ${name}`);
	const { measure } = await import(pathToFileURL(outfile).href);
	await measure({ nodes, commands }, say, withProgress);
}
process.exit(missed === 0 ? 0 : 1);
