/**
 * Owns the compiled program for tests that start it as a child process: Node cannot run our sources as they are.
 * Promises what the sources say now, in a folder of its own: `dist/` may be older, or somebody else's at this moment.
 * The folder stays for the next test run; the compiler replaces what has changed.
 */

import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));
const folder = join(root, '.cache/test-build');

let compiled: Promise<string> | undefined;

/** Compiles `src/` once, and gives the absolute path of a compiled file, such as `node/processes/isolated-child.js`. */
export async function builtFile(name: string): Promise<string> {
	compiled ??= compile();
	const output = await compiled;
	const path = join(folder, name);
	if (!existsSync(path)) throw new Error(`the compiler did not write ${path}:\n${output}`);
	return path;
}

/** What the compiler said. Problems of types are no reason to stop: `npm run check` tells them. */
function compile(): Promise<string> {
	const args = [
		'-p',
		'tsconfig.build.json',
		'--outDir',
		folder,
		'--tsBuildInfoFile',
		join(folder, '.tsbuildinfo'),
	];
	return new Promise((resolve) => {
		execFile(join(root, 'node_modules/.bin/tsc'), args, { cwd: root }, (_error, stdout) => resolve(stdout));
	});
}
