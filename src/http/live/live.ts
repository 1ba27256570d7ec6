/**
 * Owns what is live in the window: rows, totals and the stream of changes of the centre that this process runs.
 * Promises that they are of the centre which is there now, and that after its stop no reader is left.
 * Keeps nothing; what it counts begins with what the index holds.
 */

import type { CentreWindow } from '../../central/central.ts';
import { FleetRows } from '../../central/rows.ts';
import { LedgerStore } from '../../jetstream/ledger-store.ts';
import type { Desk } from '../desk.ts';
import { Feed } from './feed.ts';
import { FleetChanges } from './fleet-changes.ts';
import { Frames } from './frames.ts';

type Parts = { readonly window: CentreWindow; readonly rows: FleetRows; readonly feed: Feed; stop(): void };

export class Live {
	readonly #desk: Desk;
	#parts: Parts | undefined;

	constructor(desk: Desk) {
		this.#desk = desk;
	}

	/** @throws StewardError `no-broker` */
	get rows(): FleetRows {
		return this.#of(this.#desk.window()).rows;
	}

	/** @throws StewardError `no-broker` */
	get feed(): Feed {
		return this.#of(this.#desk.window()).feed;
	}

	stop(): void {
		this.#parts?.stop();
		this.#parts = undefined;
	}

	#of(window: CentreWindow): Parts {
		if (this.#parts?.window === window) return this.#parts;
		this.#parts?.stop();
		const { index, connection, serverNow, isUp } = window;
		const { clock, log, version } = this.#desk.options;
		const rows = new FleetRows(index);
		const changes = new FleetChanges(index, rows, serverNow());
		const ledger = new LedgerStore(connection);
		const feed = new Feed({
			...{ changes, serverNow, isUp, version, clock, log },
			frames: new Frames({ index, rows, ledger, serverNow, clock }),
			isComplete: () => index.isComplete,
		});
		this.#parts = {
			...{ window, rows, feed },
			stop: () => {
				feed.stop();
				changes.stop();
				rows.stop();
			},
		};
		return this.#parts;
	}
}
