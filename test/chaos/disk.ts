/**
 * Owns breaking the disk of a ship: a small one below its data folder, and its store torn or removed.
 * Promises that the store is touched only by who has seen to it that no node runs on it.
 * The disk is unmounted when it is disposed of.
 */

import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCodeOf } from '../../src/base/errors.ts';
import { type Damage, damageNames, damages } from '../support/damage.ts';
import { canMount, mountSmallDisk, type SmallDisk } from '../support/small-disk.ts';
import type { Random } from './random.ts';

/** An hour of a ship's work fits in it. */
const sizeKb = 64 * 1024;

/** Undefined where this process may not mount. The folder is empty, and nothing runs in it yet. */
export async function shipDisk(dataDir: string): Promise<SmallDisk | undefined> {
	return canMount ? mountSmallDisk(dataDir, sizeKb) : undefined;
}

/** Damages the store of a ship whose node is down; answers how. */
export async function tearStore(dataDir: string, random: Random): Promise<Damage | 'not there'> {
	const how = random.pick(damageNames);
	try {
		await damages[how](join(dataDir, 'store', 'data.mdb'), random.next);
		return how;
	} catch (error) {
		// Its node has not come so far as to make one.
		if (systemCodeOf(error) === 'ENOENT' || systemCodeOf(error) === 'EISDIR') return 'not there';
		throw error;
	}
}

/** Another disk was put in: all that the store knew is gone. */
export async function loseStore(dataDir: string): Promise<void> {
	await rm(join(dataDir, 'store'), { recursive: true, force: true });
}
