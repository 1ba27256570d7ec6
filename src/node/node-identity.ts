/**
 * Owns who a node is: its name, its machine and folder, its process, its journal.
 * Promises that two installations differ in `machine`, two processes in `boot`, two journals in `epoch`.
 * `boot` is made anew with each start; the epoch is the store's own.
 */

import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import { machineId } from '../base/machine.ts';

export type Identity = {
	readonly node: string;
	readonly machine: string;
	/** This process of the node. */
	readonly boot: string;
	/** This journal: another epoch has never run what this one claimed. Known once the store is open. */
	readonly epoch: string;
};

/** One machine may hold several nodes' folders, so the folder is part of its identity here. */
export function nodeIdentity(options: {
	node: string;
	dataDir: string;
	boot: string;
	store: { readonly epoch: string };
}): Identity {
	const { node, dataDir, boot, store } = options;
	const machine = createHash('sha256')
		.update(JSON.stringify([machineId(), resolve(dataDir)]))
		.digest('base64url')
		.slice(0, 16);
	return {
		node,
		machine,
		boot,
		get epoch() {
			return store.epoch;
		},
	};
}
