/**
 * Owns `npm run fuzz`: the long form of the models and the fuzz tests, with its numbers from the command line.
 * Promises that the seed is printed, also when it was drawn, so that a run can be repeated.
 * The tests hold nothing outside themselves.
 */

import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { optionsOf } from './options.mjs';

const usage = `npm run fuzz -- [options] [FILE…]
  --runs 100000      of each property
  --seed random      or a number: the same seed tries the same
  --path P           as a failure printed it, to try that one again`;

const options = optionsOf(
	usage,
	{
		runs: { type: 'whole', default: 100_000, least: 1 },
		seed: { type: 'whole', default: 'random', or: 'random' },
		path: { type: 'string' },
	},
	{ hasWords: true },
);
const { runs, path, words } = options;
const seed = options.seed === 'random' ? randomInt(1, 2 ** 31) : options.seed;
console.log(`seed ${seed}, ${runs} runs of each property`);
// Names are parts of paths: all models and all fuzz tests, wherever they lie.
const files = words.length > 0 ? words : ['model.test.ts', 'fuzz.test.ts'];
const vitest = fileURLToPath(new URL('../node_modules/vitest/vitest.mjs', import.meta.url));
const env = {
	...process.env,
	STEWARD_FUZZ_SEED: String(seed),
	STEWARD_FUZZ_RUNS: String(runs),
	...(path === undefined ? {} : { STEWARD_FUZZ_PATH: path }),
};
const child = spawn(process.execPath, [vitest, 'run', ...files], {
	cwd: fileURLToPath(new URL('..', import.meta.url)),
	env,
	stdio: 'inherit',
});
child.on('exit', (code) => process.exit(code ?? 1));
