/**
 * Owns where this package lies and which version it is.
 * Promises the same answer from `src/`, `dist/` and the bundle in `dist/bin/`, which are all two folders deep.
 * Only reads.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of this package: where `nats-server.conf`, `streams/` and `.cache/` are. */
export const packageRoot = fileURLToPath(new URL('../../', import.meta.url));

/** The definitions of all streams. */
export const streamsDir = join(packageRoot, 'streams');

/** The built dashboard. */
export const webDir = join(packageRoot, 'dist', 'web');

export function packageVersion(): string {
	const { version } = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as {
		version: string;
	};
	return version;
}
