/**
 * Owns telling the centre about faults: those above `warning` become errorLog events, through the outbox; refusals for want of trust
 * become auditLog events, by a reporter of their own, so that a flood of them hides no fault.
 * Promises that each fault is counted in exactly one event, and that there are few: one for a place that repeats itself,
 * more and more seldom, and no more than ten a minute for all places together.
 * What was counted and not yet said is said at a clean stop; a crash loses it, and the log on the node's stderr has it.
 */

import type { Clock } from '../base/clock.ts';
import { messageOf } from '../base/errors.ts';
import { Lifecycle, type Service } from '../base/lifecycle.ts';
import type { Log } from '../base/log.ts';
import { cutText } from '../base/text.ts';
import { centralNode } from '../domain/names.ts';
import { eventDeliverWithinMs } from '../domain/policy.ts';
import { type FaultKind, isReported } from '../supervision/error-kernel.ts';
import { type FaultCount, joinCounts } from './fault-count.ts';
import type { Intake } from './intake/intake.ts';

export type FaultReport = {
	readonly kind: FaultKind;
	/** The part that met it: a lane, a method, the store. */
	readonly where: string;
	readonly message: string;
	readonly handle?: string;
};

/** After a word about a place, the place is quiet for the first time, and for twice as long after each further word. */
const firstQuietMs = 10_000;
const longestQuietMs = 60_000;
/** Events of all places together in any `windowMs`; the last of them speaks for all that are left. */
const mostEvents = 10;
const windowMs = 60_000;
/** Places that are counted apart: names of methods come from senders, who may invent any number. */
const mostPlaces = 256;
const longestMessage = 2048;

type Place = { unsaid: FaultCount | undefined; quietMs: number; dueAt: number };

export class ErrorReporter implements Service {
	readonly name: string;
	readonly #method: 'errorLog' | 'auditLog';
	readonly #intake: Intake;
	readonly #redact: (text: string) => string;
	readonly #clock: Clock;
	readonly #log: Log;
	readonly #newId: () => string;
	readonly #lifecycle: Lifecycle;
	readonly #places = new Map<string, Place>();
	/** When the last events were said, the oldest first. */
	#saidAt: number[] = [];
	#cancelTimer: () => void = () => undefined;
	#saying: Promise<void> = Promise.resolve();

	constructor(options: {
		intake: Intake;
		/** Which event they become, `errorLog` where it is not given. */
		method?: 'errorLog' | 'auditLog';
		/** Takes secrets out of what is told. */
		redact?: (text: string) => string;
		clock: Clock;
		log: Log;
		newId: () => string;
	}) {
		this.#method = options.method ?? 'errorLog';
		this.name = `${this.#method} reports`;
		this.#intake = options.intake;
		this.#redact = options.redact ?? ((text) => text);
		this.#clock = options.clock;
		this.#log = options.log;
		this.#newId = options.newId;
		this.#lifecycle = new Lifecycle(
			async () => this.#sayDue(),
			() => this.#end(),
		);
	}

	/** Begins to say what was reported, also before. */
	start(): Promise<void> {
		return this.#lifecycle.start();
	}

	/** Says what is unsaid, and resolves when that is on disk. What is reported later is counted for the next start. */
	stop(): Promise<void> {
		return this.#lifecycle.stop();
	}

	report(fault: FaultReport): void {
		const { kind, where, handle } = fault;
		const message = cutText(this.#redact(fault.message), longestMessage);
		this.#log.warn({ fault: kind, where, err: message, ...(handle ? { handle } : {}) }, 'fault');
		if (!isReported(kind)) return;
		const place = this.#placeOf(kind, where);
		const at = this.#clock.now();
		const single: FaultCount = {
			...{ at, since: at, code: kind, where, count: 1 },
			message,
			...(handle ? { handle } : {}),
		};
		const isNew = place.unsaid === undefined;
		place.unsaid = place.unsaid === undefined ? single : joinCounts([place.unsaid, single]);
		// What is counted already has its timer.
		if (isNew && this.#lifecycle.running) this.#sayDue();
	}

	#placeOf(kind: FaultKind, where: string): Place {
		const own = `${kind} ${where}`;
		const key = this.#places.has(own) || this.#places.size < mostPlaces ? own : kind;
		const place = this.#places.get(key) ?? { unsaid: undefined, quietMs: firstQuietMs, dueAt: 0 };
		this.#places.set(key, place);
		return place;
	}

	/** Says what is due, forgets places where nothing more happened, and sets the timer for what comes next. */
	#sayDue(): void {
		this.#cancelTimer();
		const now = this.#clock.monotonic();
		this.#saidAt = this.#saidAt.filter((at) => now - at < windowMs);
		const due: Place[] = [];
		for (const [key, place] of this.#places) {
			if (place.dueAt > now) continue;
			if (place.unsaid === undefined) this.#places.delete(key);
			else due.push(place);
		}
		const room = mostEvents - this.#saidAt.length;
		if (room > 0 && due.length > 0) this.#say(due, room, now);
		const fromAt = this.#saidAt.length < mostEvents ? 0 : (this.#saidAt[0] ?? now) + windowMs;
		const nextAt = Math.min(...[...this.#places.values()].map(({ dueAt }) => Math.max(dueAt, fromAt)));
		if (nextAt === Number.POSITIVE_INFINITY) return;
		this.#cancelTimer = this.#clock.after(nextAt - now, () => this.#sayDue());
	}

	/** Takes the counts of these places, in at most `room` events. */
	#say(places: readonly Place[], room: number, now: number): void {
		const counts: FaultCount[] = [];
		for (const place of places) {
			if (place.unsaid === undefined) continue;
			counts.push(place.unsaid);
			place.unsaid = undefined;
			place.dueAt = now + place.quietMs;
			place.quietMs = Math.min(place.quietMs * 2, longestQuietMs);
		}
		if (counts.length === 0) return;
		counts.sort((a, b) => b.count - a.count);
		const [single, rest] =
			counts.length <= room ? [counts, []] : [counts.slice(0, room - 1), counts.slice(room - 1)];
		const words = rest.length === 0 ? single : [...single, joinCounts(rest)];
		this.#saidAt.push(...words.map(() => now));
		this.#saying = this.#saying.then(() => this.#accept(words));
	}

	async #accept(words: readonly FaultCount[]): Promise<void> {
		const items = words.map(({ since, ...word }) => ({
			id: this.#newId(),
			message: {
				target: { nodes: [centralNode] },
				kind: 'event' as const,
				method: this.#method,
				data: word.count === 1 ? word : { ...word, since },
				whenAbsent: 'queue' as const,
				policy: { deliverWithinMs: eventDeliverWithinMs },
			},
		}));
		try {
			await this.#intake.accept(items);
		} catch (error) {
			this.#log.error({ err: messageOf(error) }, 'faults could not be reported to the centre');
			for (const word of words) this.#keep(word);
		}
	}

	/** What the outbox did not take is counted again, and said with what follows. */
	#keep(word: FaultCount): void {
		const place = this.#placeOf(word.code, word.where);
		place.unsaid = place.unsaid === undefined ? word : joinCounts([word, place.unsaid]);
		place.dueAt = Math.max(place.dueAt, this.#clock.monotonic() + place.quietMs);
		if (this.#lifecycle.running) this.#sayDue();
	}

	async #end(): Promise<void> {
		this.#cancelTimer();
		await this.#saying;
		this.#say([...this.#places.values()], mostEvents, this.#clock.monotonic());
		await this.#saying;
	}
}
