/**
 * Owns the question whether a program of the system is there, for tests that need it.
 * Promises that a test which is left out says which program is missing.
 * Only reads.
 */

import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';

export function isInstalled(program: string): boolean {
	return (process.env.PATH ?? '').split(':').some((folder) => {
		try {
			accessSync(join(folder, program), constants.X_OK);
			return true;
		} catch {
			return false;
		}
	});
}
