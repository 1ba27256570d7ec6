/**
 * Owns looking which dead letters there are, for the live stream: of what is removed from a stream, by hand or by age, nobody is told.
 * Promises one question to the broker at a time, whatever the set holds, and that a broker which does not answer leaves what was known.
 * Soft state: the set itself says with the next look what it is.
 */

import type { DeadLetters } from '../../jetstream/dead-letters.ts';
import type { FleetChanges } from './fleet-changes.ts';

export class DeadWatch {
	readonly #dead: Pick<DeadLetters, 'standing'>;
	readonly #changes: Pick<FleetChanges, 'noteDead'>;
	#looking: Promise<void> | undefined;
	#hasLooked = false;

	constructor(dead: Pick<DeadLetters, 'standing'>, changes: Pick<FleetChanges, 'noteDead'>) {
		this.#dead = dead;
		this.#changes = changes;
	}

	/** Resolves when it is known, or nobody answers. */
	look(): Promise<void> {
		this.#looking ??= this.#look().finally(() => {
			this.#looking = undefined;
		});
		return this.#looking;
	}

	/** After the first look, whatever came of it: what is known may be as old as the last one. */
	async whenLooked(): Promise<void> {
		if (!this.#hasLooked) await this.look();
	}

	async #look(): Promise<void> {
		try {
			this.#changes.noteDead(await this.#dead.standing());
		} catch {
			// That the broker is away is said by the stream itself (beats), and a mark which nobody knows is told of as soon as it is known.
		} finally {
			this.#hasLooked = true;
		}
	}
}
