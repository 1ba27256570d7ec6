/**
 * Owns what is live in the window: rows, totals, series and the stream of changes of the centre that this process runs.
 * Promises that they are of the centre which is there now, within a second, and that after its stop no reader is left.
 * Keeps nothing; what it counts begins with what the index holds.
 */

import { Lifecycle, Periodic, type Service } from '../../base/lifecycle.ts';
import type { CentreWindow } from '../../central/central.ts';
import type { FleetRows } from '../../central/rows.ts';
import type { Desk } from '../desk.ts';
import { DeadWatch } from './dead-watch.ts';
import { Feed } from './feed.ts';
import { FleetChanges } from './fleet-changes.ts';
import { Frames } from './frames.ts';
import { Series, sampleEveryMs } from './series.ts';

type Parts = {
	readonly window: CentreWindow;
	readonly rows: FleetRows;
	readonly series: Series;
	readonly feed: Feed;
	readonly dead: DeadWatch;
	stop(): void;
};

const lookEveryMs = 1000;

export class Live implements Service {
	readonly name = 'live';
	readonly #desk: Desk;
	readonly #lifecycle: Lifecycle;
	#parts: Parts | undefined;
	#sampledAt = 0;

	constructor(desk: Desk) {
		this.#desk = desk;
		const { clock, log } = desk.options;
		const looking = new Periodic({
			...{ name: 'live', everyMs: lookEveryMs, clock, log },
			runOnce: async () => this.#look(),
		});
		this.#lifecycle = new Lifecycle(
			() => looking.start(),
			async () => {
				await looking.stop();
				this.#end();
			},
		);
	}

	start(): Promise<void> {
		return this.#lifecycle.start();
	}

	stop(): Promise<void> {
		return this.#lifecycle.stop();
	}

	/** @throws StewardError `no-broker` */
	get rows(): FleetRows {
		return this.#of(this.#desk.window()).rows;
	}

	/** @throws StewardError `no-broker` */
	get series(): Series {
		return this.#of(this.#desk.window()).series;
	}

	/** @throws StewardError `no-broker` */
	get feed(): Feed {
		return this.#of(this.#desk.window()).feed;
	}

	/** Resolves when positions count all that belongs to them, or nobody answers for that. @throws StewardError `no-broker` */
	whenReady(): Promise<void> {
		return this.#of(this.#desk.window()).dead.whenLooked();
	}

	#look(): void {
		const window = this.#desk.glance();
		if (!window) return this.#end();
		const { rows, series, feed, dead } = this.#of(window);
		feed.look();
		if (feed.wantsDead) void dead.look();
		const now = this.#desk.options.clock.monotonic();
		// Without the broker nothing is heard: charts have a hole there.
		if (now - this.#sampledAt < sampleEveryMs || !window.isUp()) return;
		this.#sampledAt = now;
		series.sample(rows.totals(), window.index.isComplete);
	}

	#end(): void {
		this.#parts?.stop();
		this.#parts = undefined;
	}

	#of(window: CentreWindow): Parts {
		if (this.#parts?.window === window) return this.#parts;
		this.#end();
		const { index, rows, serverNow, isUp } = window;
		const { clock, log, version } = this.#desk.options;
		const changes = new FleetChanges(index, rows, serverNow);
		const series = new Series(serverNow);
		const offSeries = index.listen(series);
		const { ledger, dead: letters } = this.#desk.parts('operator');
		const dead = new DeadWatch(letters, changes);
		const feed = new Feed({
			...{ changes, serverNow, isUp, version, clock, log },
			frames: new Frames({ index, rows, ledger, serverNow, clock }),
			isComplete: () => index.isComplete,
		});
		this.#parts = {
			...{ window, rows, series, feed, dead },
			stop: () => {
				feed.stop();
				changes.stop();
				offSeries();
			},
		};
		return this.#parts;
	}
}
