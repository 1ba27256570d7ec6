/**
 * Owns the one line that tells how far long work has come: how many of how many, in which states, how fast, how long still.
 * Promises that it goes to the given screen alone (stderr), is redrawn at a terminal and gone at the end; elsewhere it is a line every
 * ten seconds, and none where the work was quicker. Keeps the last half minute of counts, for the rate.
 */

import type { Clock } from '../../base/clock.ts';
import { formatDuration } from '../../base/duration.ts';
import type { Screen } from './screen.ts';

export type ProgressOptions = {
	readonly screen: Screen;
	readonly clock: Clock;
	/** What is being done: `waiting`, `sending`. */
	readonly label: string;
	readonly total: number;
	/** Says nothing at all. */
	readonly quiet: boolean;
};

const redrawMs = 100;
const lineEveryMs = 10_000;
/** The rate is of so long. */
const rateOverMs = 30_000;
/** Of a rate that was seen for less than this nothing is foretold. */
const sureAfterMs = 2000;

export class Progress {
	readonly #options: ProgressOptions;
	readonly #seen: { at: number; done: number }[] = [];
	#done = 0;
	#detail = '';
	#drawnAt = Number.NEGATIVE_INFINITY;
	#cancel: () => void = () => undefined;
	#isOver = false;

	constructor(options: ProgressOptions) {
		this.#options = options;
		this.#note();
		if (!options.quiet) this.#wait(options.screen.isTTY ? redrawMs : lineEveryMs);
	}

	/** `detail`: what the work is made of, such as `3 running, 8 succeeded`. */
	at(done: number, detail = this.#detail): void {
		this.#done = done;
		this.#detail = detail;
		this.#note();
		if (this.#options.screen.isTTY) this.#draw();
	}

	/** Nothing of it is left on a terminal. */
	end(): void {
		if (this.#isOver) return;
		this.#isOver = true;
		this.#cancel();
		const { screen, quiet } = this.#options;
		if (!quiet && this.#drawnAt > Number.NEGATIVE_INFINITY) screen.status('');
	}

	/** What is told now. */
	text(): string {
		const { label, total } = this.#options;
		const perSecond = this.#rate();
		const leftMs = perSecond > 0 ? ((total - this.#done) / perSecond) * 1000 : undefined;
		const facts = [
			`${this.#done} of ${total}`,
			this.#detail,
			perSecond > 0 ? `${perSecond >= 10 ? Math.round(perSecond) : perSecond.toFixed(1)}/s` : '',
			leftMs !== undefined && leftMs >= 1000 ? `about ${formatDuration(leftMs)} left` : '',
		];
		return `${label}: ${facts.filter(Boolean).join(', ')}`;
	}

	#rate(): number {
		const [first] = this.#seen;
		const now = this.#options.clock.monotonic();
		if (!first || now - first.at < sureAfterMs) return 0;
		return ((this.#done - first.done) * 1000) / (now - first.at);
	}

	#note(): void {
		const at = this.#options.clock.monotonic();
		const last = this.#seen.at(-1);
		// One for each redraw is enough.
		if (last && at - last.at < redrawMs) last.done = this.#done;
		else this.#seen.push({ at, done: this.#done });
		while ((this.#seen[1]?.at ?? at) < at - rateOverMs) this.#seen.shift();
	}

	#draw(): void {
		const { screen, quiet, clock } = this.#options;
		const now = clock.monotonic();
		if (quiet || this.#isOver || now - this.#drawnAt < redrawMs) return;
		this.#drawnAt = now;
		screen.status(this.text());
	}

	/** What came within a redraw is drawn after it; a line where nobody looks. */
	#wait(ms: number): void {
		this.#cancel = this.#options.clock.after(ms, () => {
			if (this.#isOver) return;
			const { screen } = this.#options;
			if (screen.isTTY) this.#draw();
			else screen.line(this.text());
			this.#wait(screen.isTTY ? 1000 : lineEveryMs);
		});
	}
}

/** `3 running, 8 succeeded`. */
export function countsText(counts: Iterable<readonly [string, number]>): string {
	return [...counts].map(([name, number]) => `${number} ${name}`).join(', ');
}
