/**
 * Owns the knowledge whether another process uses this node's name: it listens to the beats under it, its own included.
 * Promises `isAlone` only after it has listened long enough on a link that proved to carry beats: silence alone says
 * nothing. A restart, or a lost link, begins anew.
 */

import type { Clock } from '../base/clock.ts';
import { Lifecycle, type Service } from '../base/lifecycle.ts';
import { beatSchema } from '../domain/node-state.ts';
import { subjects } from '../domain/subject.ts';
import { decode } from '../domain/wire.ts';
import type { Connection, Link } from '../jetstream/connection.ts';
import { isBare } from '../jetstream/headers.ts';

/** Who is not heard for so long is gone. */
const usualQuietMs = 120_000;
/** However rarely nodes beat, this many beats have to be missing. */
const missedBeats = 3;

export type NameWatchOptions = {
	node: string;
	boot: string;
	link: Link;
	beatEveryMs: number;
	/** Who is not heard for so long is gone; two minutes by default. */
	quietMs?: number | undefined;
	/** Another process is heard, and was not for that long. */
	onOther?: (machine: string) => void;
	clock: Clock;
};

export class NameWatch implements Service {
	readonly name = 'name watch';
	readonly #options: NameWatchOptions;
	readonly #lifecycle: Lifecycle;
	/** Monotonic times of the first and the last own beat that were heard without a gap. */
	#heard: { readonly first: number; readonly last: number } | undefined;
	/** Monotonic time at which another process was heard last. */
	#otherAt = Number.NEGATIVE_INFINITY;
	#off: () => void = () => undefined;
	#unsubscribe: () => void = () => undefined;

	constructor(options: NameWatchOptions) {
		this.#options = options;
		this.#lifecycle = new Lifecycle(
			async () => {
				const offDown = options.link.onDown(() => {
					this.#heard = undefined;
				});
				const offUp = options.link.onUp((connection) => this.#listen(connection));
				this.#off = () => {
					offDown();
					offUp();
				};
			},
			async () => {
				this.#off();
				this.#unsubscribe();
				this.#heard = undefined;
			},
		);
	}

	start(): Promise<void> {
		return this.#lifecycle.start();
	}

	stop(): Promise<void> {
		return this.#lifecycle.stop();
	}

	/** Another process was seen elsewhere under this name. */
	otherSeen(): void {
		this.#otherAt = this.#options.clock.monotonic();
	}

	/** Nobody else is there under this name. */
	get isAlone(): boolean {
		const { clock, quietMs = usualQuietMs } = this.#options;
		const now = clock.monotonic();
		if (!this.#heard || now - this.#heard.last > this.#gapMs) return false;
		return now - Math.max(this.#heard.first, this.#otherAt) >= Math.max(quietMs, this.#gapMs);
	}

	#listen({ nc }: Connection): void {
		this.#unsubscribe();
		const subscription = nc.subscribe(subjects.beat(this.#options.node), {
			callback: (error, message) => {
				if (!error && isBare(message)) this.#hear(message.data);
			},
		});
		this.#unsubscribe = () => {
			if (!nc.isClosed()) subscription.unsubscribe();
		};
	}

	#hear(data: Uint8Array): void {
		const beat = decode(beatSchema, data);
		if (!beat) return;
		if (beat.boot === this.#options.boot) this.#hearOwn();
		else if (!beat.leaving) this.#hearOther(beat.machine);
	}

	#hearOther(machine: string): void {
		const { clock, quietMs = usualQuietMs, onOther } = this.#options;
		const isNew = clock.monotonic() - this.#otherAt >= quietMs;
		this.otherSeen();
		if (isNew) onOther?.(machine);
	}

	/** Where some of its own beats are missing, others' may be missing as well. */
	#hearOwn(): void {
		const now = this.#options.clock.monotonic();
		const hasGap = !this.#heard || now - this.#heard.last > this.#gapMs;
		this.#heard = { first: hasGap || !this.#heard ? now : this.#heard.first, last: now };
	}

	get #gapMs(): number {
		return missedBeats * this.#options.beatEveryMs;
	}
}
