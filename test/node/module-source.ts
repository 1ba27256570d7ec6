/**
 * Owns the beginning of a user's module in tests: its imports, from the compiled sources, and a short form of `defineMethod`.
 * Promises text that Node runs as it is.
 * Holds nothing.
 */

import { pathToFileURL } from 'node:url';
import { builtFile } from '../support/built.ts';

export async function moduleHeader(): Promise<string> {
	const methods = pathToFileURL(builtFile('node/processes/method.js')).href;
	return `
		import { defineMethod, failed, retry } from '${methods}';
		import { z } from '${import.meta.resolve('zod')}';
		import { appendFile } from 'node:fs/promises';
		import { appendFileSync } from 'node:fs';
		const method = (name, run, kind = 'command') => defineMethod({ name, kind, data: z.any(), run });
	`;
}
