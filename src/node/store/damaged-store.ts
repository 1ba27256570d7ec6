/**
 * Owns what becomes of a store that may not be worked with: it is moved aside, in the same folder, and kept for a person.
 * Promises that a good store is never moved, that of damaged ones the newest few are kept, and that what is lost is said.
 * After a crash in between there is no store where one is expected, which is said as well.
 */

import { readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Clock } from '../../base/clock.ts';
import { messageOf, StewardError } from '../../base/errors.ts';
import { syncFolder } from '../../base/files.ts';
import type { Log } from '../../base/log.ts';
import { conditionOf } from './store-condition.ts';

/** Beside this file, once compiled. */
const builtWalk = new URL('./store-walk.js', import.meta.url);
/** The newest of these many are kept: each is as large as a store. */
const mostKept = 3;

export type DamagedStoreOptions = {
	/** The store's folder. */
	readonly path: string;
	/** `store-walk.js` where it is not beside this file. */
	readonly walkPath: string | undefined;
	/** Whether something in the node's folder says that it had a store. */
	readonly wasUsed: () => Promise<boolean>;
	/** Called with a sentence when what the store held is gone. */
	readonly onLost: (message: string) => void;
	readonly clock: Clock;
	readonly log: Log;
};

/** Moves a damaged store aside, so that a new one can begin. @throws StewardError `storage`, `schema-newer` */
export async function replaceDamaged(options: DamagedStoreOptions): Promise<void> {
	const { path, walkPath = fileURLToPath(builtWalk), wasUsed, onLost, clock, log } = options;
	const condition = await conditionOf({ path, walkPath, clock });
	if (condition.is === 'sound') return;
	if (condition.is === 'absent') {
		if (!condition.isExpected || (await wasUsed())) {
			log.error({ path }, 'the store is gone; a new one begins');
			onLost(`its store is gone; ${whatIsLost}`);
		}
		return;
	}
	const kept = await moveAside(path, clock.now());
	log.error(
		{ path, kept, why: condition.why },
		'the store is damaged; it is kept aside, and a new one begins',
	);
	await forgetOldest(path, log);
	onLost(`its store was damaged (${condition.why}), and is kept as ${kept}; ${whatIsLost}`);
}

const whatIsLost =
	'what it still owed is lost (outcomes, events, messages for others, pauses), and commands that it had started are called interrupted, or run again by their policy';

async function moveAside(path: string, now: number): Promise<string> {
	const time = new Date(now).toISOString().replaceAll(':', '-');
	const kept = join(dirname(path), `${keptPrefix(path)}${time}`);
	try {
		await rename(path, kept);
		await syncFolder(dirname(path));
		return kept;
	} catch (error) {
		throw new StewardError(
			'storage',
			`the node's store at ${path} is damaged, and cannot be moved aside (${messageOf(error)}): move it away by hand`,
			{ cause: error },
		);
	}
}

async function forgetOldest(path: string, log: Log): Promise<void> {
	try {
		const kept = (await readdir(dirname(path))).filter((name) => name.startsWith(keptPrefix(path))).sort();
		for (const name of kept.slice(0, -mostKept)) {
			await rm(join(dirname(path), name), { recursive: true, force: true });
		}
	} catch (error) {
		log.warn({ path, err: messageOf(error) }, 'older damaged stores cannot be removed');
	}
}

function keptPrefix(path: string): string {
	return `${basename(path)}.damaged-`;
}
