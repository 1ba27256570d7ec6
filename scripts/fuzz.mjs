/**
 * Owns `npm run fuzz`: the long form of the models and the fuzz tests, with its numbers from the command line.
 * Promises that the seed is printed, also when it was drawn, so that a run can be repeated.
 * The tests hold nothing outside themselves.
 */

import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const usage = 'npm run fuzz -- [--runs 100000] [--seed random|N] [--path P] [FILE…]';

function wholeNumber(name, text) {
	const value = Number(text);
	if (Number.isInteger(value)) return value;
	console.error(`--${name}: expected a whole number, got "${text}"\n${usage}`);
	process.exit(2);
}

function parsed() {
	try {
		return parseArgs({
			allowPositionals: true,
			options: {
				runs: { type: 'string', default: '100000' },
				seed: { type: 'string', default: 'random' },
				path: { type: 'string' },
			},
		});
	} catch (error) {
		console.error(`${error.message}\n${usage}`);
		process.exit(2);
	}
}

const { values, positionals } = parsed();
const runs = wholeNumber('runs', values.runs);
if (runs < 1) {
	console.error(`--runs: expected a number above 0, got "${values.runs}"\n${usage}`);
	process.exit(2);
}
const seed = values.seed === 'random' ? randomInt(1, 2 ** 31) : wholeNumber('seed', values.seed);
console.log(`seed ${seed}, ${runs} runs of each property`);
// Names are parts of paths: all models and all fuzz tests, wherever they lie.
const files = positionals.length > 0 ? positionals : ['model.test.ts', 'fuzz.test.ts'];
const vitest = fileURLToPath(new URL('../node_modules/vitest/vitest.mjs', import.meta.url));
const env = {
	...process.env,
	STEWARD_FUZZ_SEED: String(seed),
	STEWARD_FUZZ_RUNS: String(runs),
	...(values.path === undefined ? {} : { STEWARD_FUZZ_PATH: values.path }),
};
const child = spawn(process.execPath, [vitest, 'run', ...files], {
	cwd: fileURLToPath(new URL('..', import.meta.url)),
	env,
	stdio: 'inherit',
});
child.on('exit', (code) => process.exit(code ?? 1));
