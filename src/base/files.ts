/**
 * Owns what several parts do with files that must be done by one of them only.
 * Promises that of any number of callers exactly one makes the link.
 * The link is the record: it is there after a crash.
 */

import { link } from 'node:fs/promises';
import { systemCodeOf } from './errors.ts';

/** Gives `from` the second name `to`; false when that name is taken. */
export async function linkExclusively(from: string, to: string): Promise<boolean> {
	try {
		await link(from, to);
		return true;
	} catch (error) {
		if (systemCodeOf(error) === 'EEXIST') return false;
		throw error;
	}
}
