/**
 * Owns what a node is made of from outside: name, configuration, folders, environment, clock, log, chance.
 * Promises that a node reads nothing else of its surroundings.
 * Has no state.
 */

import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { Config } from '../domain/config.ts';
import type { Credentials } from '../security/credentials.ts';
import type { GuardOptions } from './trust/guard.ts';

export type NodeOptions = {
	name: string;
	config: Config;
	/** Who it is, where the broker has accounts. */
	credentials?: Credentials | undefined;
	/** Whom this node trusts; without a list it runs whatever reaches it. */
	trust?: GuardOptions['trust'];
	/** What those may do whom it trusts; without, anything. */
	access?: GuardOptions['access'];
	/** What the enrolment left of whom to trust (`trust.json`), if it did. */
	trustFile?: string | undefined;
	/** Data folder of this node. */
	dataDir: string;
	/** Shown in the node's state. */
	version: string;
	/** Environment of the programs that `shellCommand` starts. */
	env: NodeJS.ProcessEnv;
	/** Folder that `shellCommand` runs in. */
	cwd: string;
	/** For the unix socket where the data folder's path is too long for one. */
	runtimeDir: string;
	/** `isolated-child.js` where it is not beside this file. */
	runnerPath?: string;
	/** `store-walk.js` where it is not beside the store's files. */
	storeWalkPath?: string;
	/** Another machine of this name that is not heard for so long is gone; two minutes where it is not given. */
	nameQuietMs?: number;
	clock: Clock;
	log: Log;
	random: () => number;
};
