/**
 * Owns the list of the node's processes that worked with this store.
 * Promises that a process is on the list, on disk, before it claims anything: what claimed under this store's epoch and is
 * not on it worked with a copy. A crash leaves the list with the process or without it, and without it nothing was claimed.
 */

import type { Service } from '../../base/lifecycle.ts';
import type { Store } from './store.ts';

/** A claim by an older process is taken for one by a copy, and not run again. */
const mostBoots = 1000;

export class Boots implements Service {
	readonly name = 'boots';
	readonly #store: Store;
	readonly #boot: string;

	constructor(store: Store, boot: string) {
		this.#store = store;
		this.#boot = boot;
	}

	async start(): Promise<void> {
		const known = this.#known();
		if (known.includes(this.#boot)) return;
		await this.#store.commit((writes) =>
			writes.put('meta', 'boots', [...known, this.#boot].slice(-mostBoots)),
		);
	}

	async stop(): Promise<void> {
		// Nothing runs.
	}

	has(boot: string): boolean {
		return this.#known().includes(boot);
	}

	#known(): readonly string[] {
		return this.#store.get<readonly string[]>('meta', 'boots') ?? [];
	}
}
