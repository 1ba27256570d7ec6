/**
 * Owns measuring a fleet at work: how soon a ping is back, how many go through one node, how fast they are taken for one that is away.
 * Promises pings only, never more of them than asked for, few under way at a time, and that what still waits at the end is called
 * off, also after an error or an abort. If we die in the middle, what waits expires by itself, ten minutes after it was sent.
 */

import { type Clock, rfc3339 } from '../base/clock.ts';
import { isStewardError, StewardError } from '../base/errors.ts';
import type { BenchView } from '../domain/bench-view.ts';
import type { CommandLane } from '../domain/names.ts';
import type { Fleet } from './fleet.ts';

export type BenchPart = 'latency' | 'through' | 'enqueue' | 'cancel';

export type BenchOptions = {
	readonly node: string;
	readonly lane: CommandLane;
	/** Of that lane. */
	readonly capacity: number;
	/** A name that no node has. */
	readonly away: string;
	/** How many go through the node, and how many to the one that is away. */
	readonly pings: number;
	readonly samples: number;
	/** Of each part, milliseconds. */
	readonly longestMs: number;
	readonly signal: AbortSignal;
	readonly clock: Clock;
	readonly onProgress: (part: BenchPart, done: number, of: number) => void;
};

export type Measured = { readonly view: BenchView; readonly failure: unknown };

type Asked = Pick<Fleet, 'send' | 'wait' | 'cancel' | 'roundTripMs'>;

const expiresWithin = '10m';
const roundTrips = 20;
/** Not counted: the first ones load what all others find. */
const warmUp = 5;
/** Nothing else goes on between two samples. */
const pauseMs = 10;
const senders = 4;
/** Each sender begins with few, so that a node behind a slow link has little before what others send it. */
const firstRound = 4;
const largestRound = 64;
/** A round that is back sooner is followed by one of twice as many. */
const quickMs = 500;
const callers = 64;
const cancelledAtOnce = 64;
const cancelWithinMs = 5000;

/** Nothing is thrown: what was measured counts, whatever failed then. */
export async function measureFleet(fleet: Asked, options: BenchOptions): Promise<Measured> {
	return new Bench(fleet, options).run();
}

class Bench {
	readonly #fleet: Asked;
	readonly #options: BenchOptions;
	/** Nothing new begins. */
	readonly #over = new AbortController();
	/** Handles of those that may not have ended. */
	readonly #open = new Set<string>();
	readonly #view: { -readonly [Field in keyof BenchView]: BenchView[Field] };

	constructor(fleet: Asked, options: BenchOptions) {
		this.#fleet = fleet;
		this.#options = options;
		const { node, lane, capacity, clock } = options;
		const unmeasured = { brokerMs: null, acknowledgedMs: null, resultMs: null, through: null, enqueue: null };
		const counts = { samples: 0, sent: 0, cancelled: 0, left: 0, complete: false };
		this.#view = { node, lane, capacity, at: rfc3339(clock.now()), ...unmeasured, ...counts };
	}

	async run(): Promise<Measured> {
		const { signal } = this.#options;
		const stop = () => this.#over.abort();
		signal.addEventListener('abort', stop, { once: true });
		if (signal.aborted) stop();
		let failure: unknown;
		try {
			await this.#measureBroker();
			await this.#measureLatency();
			await this.#measureThrough();
			await this.#measureEnqueue();
			this.#view.complete = !signal.aborted;
		} catch (error) {
			// A wait that was called off is no failure.
			if (!signal.aborted) failure = error;
		} finally {
			signal.removeEventListener('abort', stop);
			await this.#cancelOpen();
		}
		return { view: this.#view, failure };
	}

	async #measureBroker(): Promise<void> {
		const taken: number[] = [];
		for (let n = 0; n < roundTrips && !this.#isOver; n++) taken.push(await this.#fleet.roundTripMs());
		this.#view.brokerMs = spreadOf(taken);
	}

	async #measureLatency(): Promise<void> {
		const { samples, longestMs, clock, node } = this.#options;
		const until = clock.monotonic() + longestMs;
		const acknowledged: number[] = [];
		const results: number[] = [];
		const isTime = () => results.length === 0 || clock.monotonic() < until;
		for (let n = -warmUp; n < samples && !this.#isOver && isTime(); n++) {
			const sentAt = clock.monotonic();
			const handle = await this.#send(node);
			const acknowledgedAt = clock.monotonic();
			if ((await this.#ended([handle], longestMs)) === 0) break;
			if (n < 0) continue;
			acknowledged.push(acknowledgedAt - sentAt);
			results.push(clock.monotonic() - sentAt);
			this.#options.onProgress('latency', n + 1, samples);
			await clock.sleep(pauseMs, this.#over.signal);
		}
		const [acknowledgedMs, resultMs] = [spreadOf(acknowledged), spreadOf(results)];
		Object.assign(this.#view, { samples: results.length, acknowledgedMs, resultMs });
		if (results.length > 0 || this.#isOver) return;
		throw new StewardError(
			'waited-too-long',
			`${node} has answered no ping in time: steward nodes show ${node}`,
		);
	}

	/** A few senders that each wait for all of a round before the next. */
	async #measureThrough(): Promise<void> {
		const { pings, longestMs, clock, node } = this.#options;
		const began = clock.monotonic();
		const until = began + longestMs;
		let [sent, count, endedAt, mostAtOnce] = [0, 0, began, 1];
		await this.#together(senders, async () => {
			let size = firstRound;
			while (sent < pings && !this.#isOver && clock.monotonic() < until) {
				const round = Math.min(size, pings - sent);
				sent += round;
				const startedAt = clock.monotonic();
				const handles = await Promise.all(Array.from({ length: round }, () => this.#send(node)));
				mostAtOnce = Math.max(mostAtOnce, this.#open.size);
				const ended = await this.#ended(handles, Math.max(until - clock.monotonic(), 1000));
				count += ended;
				endedAt = clock.monotonic();
				if (endedAt - startedAt < quickMs) size = Math.min(size * 2, largestRound);
				this.#options.onProgress('through', count, pings);
			}
		});
		if (count > 0) this.#view.through = { count, perSecond: perSecond(count, endedAt - began), mostAtOnce };
	}

	async #measureEnqueue(): Promise<void> {
		const { pings, longestMs, clock, away: to } = this.#options;
		const began = clock.monotonic();
		const until = began + longestMs;
		let [begun, count] = [0, 0];
		await this.#together(callers, async () => {
			while (begun < pings && !this.#isOver && clock.monotonic() < until) {
				begun += 1;
				await this.#send(to);
				count += 1;
				this.#options.onProgress('enqueue', count, pings);
			}
		});
		const rate = perSecond(count, clock.monotonic() - began);
		if (count > 0) this.#view.enqueue = { count, perSecond: rate, callers, to };
	}

	get #isOver(): boolean {
		return this.#over.signal.aborted;
	}

	/** All of them end before anything is thrown; when one fails, the others begin nothing new. */
	async #together(count: number, work: () => Promise<void>): Promise<void> {
		const stopping = () =>
			work().catch((error: unknown) => {
				this.#over.abort();
				throw error;
			});
		const settled = await Promise.allSettled(Array.from({ length: count }, stopping));
		for (const one of settled) if (one.status === 'rejected') throw one.reason;
	}

	async #send(node: string): Promise<string> {
		const { lane } = this.#options;
		const form = {
			kind: 'command',
			method: 'ping',
			toNode: node,
			lane,
			deliverWithin: expiresWithin,
		} as const;
		try {
			const [receipt] = await this.#fleet.send(form);
			if (!receipt) throw new Error(`no receipt of a ping to ${node}`);
			this.#note(receipt.handle);
			return receipt.handle;
		} catch (error) {
			// It may be there, or not.
			const handle = isStewardError(error, 'ambiguous') ? error.details.handle : undefined;
			if (typeof handle === 'string') this.#note(handle);
			throw error;
		}
	}

	#note(handle: string): void {
		this.#open.add(handle);
		this.#view.sent += 1;
	}

	/** How many of them have ended in time. @throws StewardError `refused` where one did not succeed */
	async #ended(handles: readonly string[], timeoutMs: number): Promise<number> {
		let pending: readonly string[] = [];
		try {
			const views = await this.#fleet.wait(handles, { timeoutMs, signal: this.#over.signal });
			const other = views.find(({ state }) => state !== 'succeeded');
			if (other) {
				const text = `a ping ended as ${other.state}: steward show ${other.handle}`;
				throw new StewardError('refused', text, { details: { handle: other.handle, state: other.state } });
			}
		} catch (error) {
			if (!isStewardError(error, 'waited-too-long')) throw error;
			pending = Array.isArray(error.details.pending) ? error.details.pending.map(String) : handles;
		}
		for (const handle of handles) if (!pending.includes(handle)) this.#open.delete(handle);
		return handles.length - pending.length;
	}

	/** Calls off whatever may still wait; what cannot be called off is counted. */
	async #cancelOpen(): Promise<void> {
		const handles = [...this.#open];
		for (let from = 0; from < handles.length; from += cancelledAtOnce) {
			const some = handles.slice(from, from + cancelledAtOnce);
			try {
				const wish = { reason: 'steward bench', timeoutMs: cancelWithinMs };
				for (const { answer } of await this.#fleet.cancel(some, wish)) {
					if (answer === 'asked') this.#view.left += 1;
					else if (answer !== 'tooLate') this.#view.cancelled += 1;
				}
			} catch (error) {
				if (!isStewardError(error)) throw error;
				const { done } = error.details;
				this.#view.left += some.length - (Array.isArray(done) ? done.length : 0);
			}
			this.#options.onProgress('cancel', from + some.length, handles.length);
		}
	}
}

function perSecond(count: number, ms: number): number {
	return Math.round((count * 1000) / Math.max(ms, 1));
}

function spreadOf(taken: readonly number[]): BenchView['resultMs'] {
	if (taken.length === 0) return null;
	const sorted = [...taken].sort((a, b) => a - b);
	const at = (part: number) => Math.round((sorted[Math.ceil(sorted.length * part) - 1] ?? 0) * 100) / 100;
	return { p50: at(0.5), p99: at(0.99) };
}
