/**
 * Owns the command line as few files: dist/cli/main.js and what it imports, bundled into dist/bin/.
 * Promises the same code as dist/ without its comments (one module graph, so one class of each error), and that files found beside
 * `import.meta.url` are where they were: dist/bin is one folder below dist, as dist/cli is.
 * Run by the build, after the compiler; a build that is cut off is made again.
 */

import { rm } from 'node:fs/promises';
import { build } from 'esbuild';
import { zodInParts } from './zod-in-parts.mjs';

// Native, or found by name at run time, or with files of its own, or large and rarely needed: loaded from node_modules.
const external = ['lmdb', 'pino', 'pino-pretty', 'yaml', '@fastify/swagger-ui'];

await rm('dist/bin', { recursive: true, force: true });
await build({
	entryPoints: {
		steward: 'dist/cli/main.js',
		'isolated-child': 'dist/node/processes/isolated-child.js',
		'store-walk': 'dist/node/store/store-walk.js',
	},
	outdir: 'dist/bin',
	bundle: true,
	splitting: true,
	format: 'esm',
	platform: 'node',
	target: 'node20',
	external,
	plugins: [zodInParts('dist')],
	// A process keeps the text of what it runs. Names stay as they are, and lines short enough for a stack trace to point at.
	minifyWhitespace: true,
	lineLimit: 160,
	// CommonJS packages inside the bundle ask for Node's own modules by `require`.
	banner: {
		js: "import { createRequire as requireFrom } from 'node:module';\nconst require = requireFrom(import.meta.url);",
	},
	logLevel: 'warning',
});
