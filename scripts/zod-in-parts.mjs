/**
 * Owns zod as a namespace that esbuild can see through: what nobody calls of it (all its languages) is left out, three quarters.
 * Promises the same code otherwise. For bundles of what the compiler wrote.
 */

import { readFile } from 'node:fs/promises';
import { resolve, sep } from 'node:path';

/** A plugin of esbuild. `folder` holds the compiler's output. */
export function zodInParts(folder) {
	const inside = resolve(folder) + sep;
	return {
		name: 'zod in parts',
		setup: ({ onLoad }) =>
			onLoad({ filter: /\.js$/, namespace: 'file' }, async ({ path }) => {
				if (!path.startsWith(inside)) return undefined;
				const text = await readFile(path, 'utf8');
				return { contents: text.replace(/^import \{ z \} from 'zod';$/m, "import * as z from 'zod';") };
			}),
	};
}
