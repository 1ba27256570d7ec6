/**
 * Owns a folder of keys for a test: made as `steward init --secure` makes it, in a temporary folder.
 * Promises that it is gone with its test.
 */

import { join } from 'node:path';
import { makeFleet, type NewFleet } from '../../src/security/new-fleet.ts';
import { tempDir } from '../support/temp.ts';

export const nowMs = Date.parse('2026-11-22T10:00:00Z');
export const fleet: NewFleet = { host: '127.0.0.1', port: 4222, names: ['hub.example.org'] };

export async function makeKeyFolder(
	also: Partial<NewFleet> = {},
): Promise<AsyncDisposable & { readonly path: string; readonly parent: string }> {
	const dir = await tempDir('steward-keys-');
	const path = join(dir.path, 'keys');
	await makeFleet(path, { ...fleet, ...also }, nowMs);
	return { path, parent: dir.path, [Symbol.asyncDispose]: () => dir[Symbol.asyncDispose]() };
}
