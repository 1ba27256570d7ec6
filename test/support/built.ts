/**
 * Owns the compiled program for tests that start it as a child process: Node cannot run our sources as they are.
 * Promises what the sources said when the run of the tests began, in a folder of its own: `dist/` may be older, or somebody else's.
 * Compiled by build.ts, once and before all tests: a compiler at work would take files away under processes that read them.
 */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { inject } from 'vitest';

/** The absolute path of a compiled file, such as `node/processes/isolated-child.js`. */
export function builtFile(name: string): string {
	const { folder, output } = inject('build');
	const path = join(folder, name);
	if (!existsSync(path)) throw new Error(`the compiler did not write ${path}:\n${output}`);
	return path;
}
