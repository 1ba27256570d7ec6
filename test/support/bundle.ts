/**
 * Owns the compiled program as few files, as `dist/bin` has it: a process that loads 190 modules one by one takes twice as long to
 * start, and the tests start hundreds of them. Promises the same code, in `bin/` of the build's folder.
 * A bundle that is cut off is made anew by the next run.
 */

import { join } from 'node:path';
import { build } from 'esbuild';
import { zodInParts } from '../../scripts/zod-in-parts.mjs';

/** What node-runner.mjs and central-runner.mjs need of the program: neither loads what only the other one has. */
const both = `
	export { compileConfig } from './domain/config.js';
	export { createLog } from './base/log.js';
	export { systemClock } from './base/clock.js';
`;
const programs: Readonly<Record<string, string>> = {
	'node-program': `export { Node } from './node/node.js';${both}`,
	'central-program': `export { Central } from './central/central.js';${both}`,
};

/** `folder` holds the compiler's output. */
export async function bundle(folder: string): Promise<void> {
	await build({
		entryPoints: {
			...Object.fromEntries(Object.keys(programs).map((name) => [name, name])),
			'isolated-child': join(folder, 'node/processes/isolated-child.js'),
			'store-walk': join(folder, 'node/store/store-walk.js'),
		},
		plugins: [
			zodInParts(folder),
			{
				name: 'program',
				setup(plugin) {
					plugin.onResolve({ filter: /^(node|central)-program$/ }, ({ path }) => ({
						path,
						namespace: 'program',
					}));
					plugin.onLoad({ filter: /.*/, namespace: 'program' }, ({ path }) => ({
						contents: programs[path] ?? '',
						resolveDir: folder,
					}));
				},
			},
		],
		...{ outdir: join(folder, 'bin'), bundle: true, splitting: true, format: 'esm', platform: 'node' },
		...{ target: 'node20', external: ['lmdb', 'pino', 'pino-pretty', 'yaml'], logLevel: 'warning' },
		// CommonJS packages inside the bundle ask for Node's own modules by `require`.
		banner: {
			js: "import { createRequire as requireFrom } from 'node:module';\nconst require = requireFrom(import.meta.url);",
		},
	});
}
