/**
 * Owns where a node's unix socket is.
 * Promises that the node and whoever talks to it compute the same path, one that the kernel takes.
 * Pure.
 */

import { createHash } from 'node:crypto';
import { join, resolve } from 'node:path';

/** `sun_path` holds 108 bytes, the last of them zero. */
export const longestSocketPath = 107;

/** `<dataDir>/node.sock`; where that is too long for the kernel, `<runtimeDir>/steward-<hash of dataDir>.sock`. */
export function socketPathFor(dataDir: string, runtimeDir: string): string {
	const path = join(resolve(dataDir), 'node.sock');
	if (Buffer.byteLength(path) <= longestSocketPath) return path;
	const hash = createHash('sha256').update(resolve(dataDir)).digest('hex').slice(0, 16);
	return join(resolve(runtimeDir), `steward-${hash}.sock`);
}
