/**
 * Owns temporary folders of tests.
 * Promises that a folder is gone when its test ends, also when the test fails: `await using dir = await tempDir()`.
 * A test run that is killed leaves its folders to the system's own sweep of the temporary folder.
 */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export type TempDir = AsyncDisposable & { readonly path: string };

export async function tempDir(prefix = 'steward-test-'): Promise<TempDir> {
	const path = await mkdtemp(join(tmpdir(), prefix));
	return {
		path,
		[Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true, maxRetries: 5 }),
	};
}
