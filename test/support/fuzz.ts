/**
 * Owns how often properties are tried, and from which seed all of them.
 * Promises the same runs for the same seed: by default a fixed one, so that a red run means a change. A failure prints seed and
 * path of the smallest case; `npm run fuzz -- --seed N --path P` tries that one again, and without a path it is the long form.
 * Read once from the environment, which `scripts/fuzz.mjs` sets.
 */

import fc from 'fast-check';
import { isStewardError } from '../../src/base/errors.ts';

const { STEWARD_FUZZ_RUNS, STEWARD_FUZZ_SEED, STEWARD_FUZZ_PATH } = process.env;

const runs = Number(STEWARD_FUZZ_RUNS ?? 10_000);
const path = STEWARD_FUZZ_PATH === undefined ? {} : { path: STEWARD_FUZZ_PATH };

// A set-up file of the tests: it holds for those too that say nothing of it.
fc.configureGlobal({ seed: Number(STEWARD_FUZZ_SEED ?? 1) });

/** For `fc.assert`, where a property is tried as often as the environment says. */
export const fuzz = { numRuns: runs, ...path };

/** One case is tried again: what all of them reach together says nothing. */
export const isReplay = STEWARD_FUZZ_PATH !== undefined;

/** For the test around it: 10 ms a run, and what a machine that does other things as well takes longer. */
export const fuzzTimeoutMs = 240_000 + runs * 10;

/** What it answers; undefined where it refuses with StewardError `invalid`, which is all that it may throw. */
export function attempt<T>(run: () => T): T | undefined {
	try {
		return run();
	} catch (error) {
		if (!isStewardError(error, 'invalid')) throw error;
		return undefined;
	}
}
