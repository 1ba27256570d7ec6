/**
 * Owns the live stream of one centre: who reads it, how far each has come, and when the next step is told.
 * Promises that each reader is told every change after its position, as rows that are then true, and that a position is told only after all
 * that belongs to it. Where the rows cannot be read, nobody moves on, and it is tried again. Keeps nothing: a reader brings its position.
 */

import { type Clock, rfc3339 } from '../../base/clock.ts';
import { messageOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { Filter } from './filter.ts';
import type { FleetChanges } from './fleet-changes.ts';
import type { Frames } from './frames.ts';
import { formatPosition, isWithin, type Lives, type Position, parsePosition } from './position.ts';
import { formatFrame, type SseReader } from './sse.ts';

/** From a change to the step that tells of it, and from one step to the next; one that takes long is followed by as long a rest. */
const gatherMs = 15;
const restMs = 50;
const tryAgainMs = 500;
/** A step that takes longer goes on after others had their turn. */
const mostAtOnceMs = 20;
const beatEveryMs = 10_000;
/** Commands of one step: their entries are read. */
const mostCommands = 1000;
/** Who is so many changes behind is told to load everything again. */
const mostBehind = 20_000;
/** A position of another centre may be ahead of this one, for so long. */
const aheadMs = 2000;

type Reader = {
	readonly sse: SseReader;
	readonly filter: Filter;
	position: Position;
	/** As text; it names the streams as well. */
	at: string;
	/** The last `id` that it was told. */
	said: string;
	readonly since: number;
};

export type FeedOptions = {
	readonly changes: FleetChanges;
	readonly frames: Frames;
	/** The index is read whole: before that no position counts. */
	readonly isComplete: () => boolean;
	readonly isUp: () => boolean;
	readonly serverNow: () => number;
	readonly version: string;
	readonly clock: Clock;
	readonly log: Log;
};

export class Feed {
	readonly #options: FeedOptions;
	readonly #readers = new Set<Reader>();
	readonly #offChanges: () => void;
	#cancelStep: (() => void) | undefined;
	#cancelBeat: (() => void) | undefined;
	#isStepping = false;
	/** Something changed while a step was made. */
	#isDue = false;
	#isStopped = false;
	#hasFailed = false;
	/** As beats have said of the broker. */
	#wasUp = true;
	/** When the broker was found to be gone; undefined while it is there. */
	#lostAt: string | undefined;
	/** By the monotonic clock. */
	#restUntil = 0;

	constructor(options: FeedOptions) {
		this.#options = options;
		this.#offChanges = options.changes.onChange(() => this.#poke());
	}

	/** Somebody is to hear of changes of the set of dead letters. */
	get wantsDead(): boolean {
		return [...this.#readers].some(({ filter }) => filter.has('dead'));
	}

	get size(): number {
		return this.#readers.size;
	}

	/** The position from which a stream continues what is read in the same moment. */
	position(): string {
		const { changes } = this.#options;
		return formatPosition(changes.lives(), changes.position());
	}

	/** `after`: what was the last position of this reader; undefined for one that begins now. */
	add(sse: SseReader, filter: Filter, after: string | undefined): void {
		const { changes, serverNow, version, clock } = this.#options;
		const lives = changes.lives();
		const now = changes.position();
		const position = after === undefined ? now : parsePosition(after, lives, now.shards.length);
		const at = formatPosition(lives, position ?? now);
		const reader: Reader = {
			...{ sse, filter, position: position ?? now, at, said: at, since: clock.monotonic() },
		};
		const hello = { position: at, version, serverTime: rfc3339(serverNow()), ...this.#broker() };
		sse.write(
			formatFrame({
				event: 'hello',
				...(after === undefined ? { id: at } : {}),
				data: JSON.stringify(hello),
			}),
		);
		if (!position) this.#reset(reader);
		this.#readers.add(reader);
		sse.onClose(() => this.#readers.delete(reader));
		sse.onDrain(() => this.#poke());
		this.#cancelBeat ??= clock.after(beatEveryMs, () => this.#beat());
		this.#poke();
	}

	/** Tells at once where the broker has gone, or is back. */
	look(): void {
		if (this.#wasUp === this.#broker().broker) return;
		this.#cancelBeat?.();
		this.#beat();
	}

	/** Ends all readers; they may come back to whoever comes next. */
	stop(): void {
		this.#isStopped = true;
		this.#offChanges();
		this.#cancelStep?.();
		this.#cancelBeat?.();
		for (const { sse } of [...this.#readers]) sse.close();
		this.#readers.clear();
	}

	#poke(): void {
		if (this.#readers.size === 0 || this.#cancelStep || this.#isStopped) return;
		if (this.#isStepping) this.#isDue = true;
		else this.#stepAfter(Math.max(gatherMs, this.#restUntil - this.#options.clock.monotonic()));
	}

	#stepAfter(ms: number): void {
		this.#cancelStep?.();
		this.#cancelStep = this.#options.clock.after(ms, () => {
			this.#cancelStep = undefined;
			void this.#stepAndRest();
		});
	}

	async #stepAndRest(): Promise<void> {
		const { clock, log } = this.#options;
		const begun = clock.monotonic();
		this.#isStepping = true;
		this.#isDue = false;
		let waitMs = restMs;
		try {
			const isBehind = await this.#step();
			this.#isDue ||= isBehind;
			this.#hasFailed = false;
			waitMs = Math.max(restMs, clock.monotonic() - begun);
		} catch (error) {
			if (!this.#hasFailed) log.warn({ err: messageOf(error) }, 'the live stream waits for the broker');
			this.#hasFailed = true;
			this.#isDue = true;
			waitMs = tryAgainMs;
		}
		this.#isStepping = false;
		this.#restUntil = clock.monotonic() + waitMs;
		if (this.#isDue) this.#poke();
	}

	/** Tells every reader what comes next; true where one is still behind. */
	async #step(): Promise<boolean> {
		const { changes, frames, isComplete, clock } = this.#options;
		if (!isComplete()) return true;
		const lives = changes.lives();
		const target = changes.position();
		const targetAt = formatPosition(lives, target);
		const { groups, isAhead } = this.#groups(lives, target, targetAt);
		const steps = groups.map(({ filter, position }) => {
			const most = filter.has('commands') ? mostCommands : Number.POSITIVE_INFINITY;
			return frames.step(filter, changes.between(position, target, most));
		});
		const moment = await frames.moment(steps);
		let isBehind = isAhead;
		let begunAt = clock.monotonic();
		for (const [place, { readers }] of groups.entries()) {
			const step = steps[place];
			if (!step) continue;
			// Each filter is a text of its own: many of them must not keep the centre from its other work.
			if (clock.monotonic() - begunAt > mostAtOnceMs) {
				await clock.sleep(0);
				begunAt = clock.monotonic();
			}
			const { through } = step.between;
			const at = formatPosition(lives, through);
			const data = frames.text(step, moment);
			const frame = data === undefined ? undefined : formatFrame({ event: 'changes', id: at, data });
			for (const reader of readers) {
				reader.position = through;
				reader.at = at;
				if (!frame) continue;
				reader.said = at;
				reader.sse.write(frame);
			}
			isBehind ||= !isWithin(target, through);
		}
		return isBehind;
	}

	/** Readers that want the same and are at the same place, of those that are to be told something. */
	#groups(lives: Lives, target: Position, targetAt: string) {
		const { changes, clock } = this.#options;
		let isAhead = false;
		const groups = new Map<string, { filter: Filter; position: Position; readers: Reader[] }>();
		for (const reader of [...this.#readers]) {
			if (reader.at === targetAt || reader.sse.isFull) continue;
			if (parsePosition(reader.at, lives, target.shards.length) === undefined) {
				this.#reset(reader);
				continue;
			}
			if (!reader.at.startsWith(`${lives.own}.${lives.presence}.`))
				reader.position = { ...reader.position, presence: -1 };
			if (!isWithin(reader.position, target)) {
				const isPatient = clock.monotonic() - reader.since <= aheadMs;
				if (!isPatient) this.#reset(reader);
				isAhead ||= isPatient;
				continue;
			}
			if (reader.filter.has('commands') && changes.distance(reader.position, target) > mostBehind) {
				this.#reset(reader);
				continue;
			}
			const key = `${reader.at} ${reader.filter.key}`;
			const { filter, position } = reader;
			const group = groups.get(key) ?? { filter, position, readers: [] };
			group.readers.push(reader);
			groups.set(key, group);
		}
		return { groups: [...groups.values()], isAhead };
	}

	/** What it knows cannot be continued: it is to load everything again, and goes on from here. */
	#reset(reader: Reader): void {
		const { changes } = this.#options;
		reader.position = changes.position();
		reader.at = formatPosition(changes.lives(), reader.position);
		reader.said = reader.at;
		reader.sse.write(
			formatFrame({ event: 'reset', id: reader.at, data: JSON.stringify({ position: reader.at }) }),
		);
	}

	/** Since when it is gone is known here only: a page that is opened later could but guess. */
	#broker(): { readonly broker: boolean; readonly brokerLostAt?: string } {
		const { isUp, serverNow } = this.#options;
		if (isUp()) {
			this.#lostAt = undefined;
			return { broker: true };
		}
		this.#lostAt ??= rfc3339(serverNow());
		return { broker: false, brokerLostAt: this.#lostAt };
	}

	#beat(): void {
		const { clock, serverNow } = this.#options;
		this.#cancelBeat = undefined;
		if (this.#isStopped || this.#readers.size === 0) return;
		const broker = this.#broker();
		this.#wasUp = broker.broker;
		const data = JSON.stringify({ at: rfc3339(serverNow()), ...broker });
		const frames = new Map<string, Buffer>();
		for (const reader of [...this.#readers]) {
			if (reader.sse.isStuck()) reader.sse.close();
			if (reader.sse.isFull) continue;
			const id = reader.at === reader.said ? undefined : reader.at;
			const frame =
				frames.get(id ?? '') ?? formatFrame({ event: 'beat', ...(id === undefined ? {} : { id }), data });
			frames.set(id ?? '', frame);
			reader.said = reader.at;
			reader.sse.write(frame);
		}
		this.#cancelBeat = clock.after(beatEveryMs, () => this.#beat());
	}
}
