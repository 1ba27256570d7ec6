/**
 * Owns compiling the program once for a run of the tests, before any of them starts a process of it.
 * Promises the folder to all of them (`inject('build')`), and what the sources say now, also when a watch runs them again.
 * The folder stays for the next run; the compiler replaces what has changed.
 */

import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TestProject } from 'vitest/node';
import { bundle } from './bundle.ts';

export type Build = { readonly folder: string; readonly output: string };

declare module 'vitest' {
	interface ProvidedContext {
		build: Build;
	}
}

const root = fileURLToPath(new URL('../../', import.meta.url));
const folder = join(root, '.cache/test-build');

export default async function setup(project: TestProject): Promise<void> {
	const build = async () => {
		const output = await compile();
		await bundle(folder);
		project.provide('build', { folder, output });
	};
	await build();
	project.onTestsRerun(build);
}

/** What the compiler said. Types are not looked at, which is most of the work: `npm run check` tells their problems. */
function compile(): Promise<string> {
	const info = ['--tsBuildInfoFile', join(folder, '.tsbuildinfo')];
	const args = ['-p', 'tsconfig.build.json', '--noCheck', '--outDir', folder, ...info];
	return new Promise((resolve) => {
		execFile(join(root, 'node_modules/.bin/tsc'), args, { cwd: root }, (_error, output) => resolve(output));
	});
}
