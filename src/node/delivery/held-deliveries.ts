/**
 * Owns handing back what this node holds of its lanes and does not work on any more: what a killed process left, and what
 * a lost link made old. Promises that it comes again at once, instead of after `ack_wait`, and nothing else: handing back
 * says nothing about the message. What is held is noted in a file without a flush: a kill leaves it, and what a power
 * loss forgets waits out `ack_wait`.
 */

import { closeSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';
import { messageOf } from '../../base/errors.ts';
import { Lifecycle, type Service } from '../../base/lifecycle.ts';
import type { Log } from '../../base/log.ts';
import type { Connection, Link } from '../../jetstream/connection.ts';
import { type Delivery, handBack } from '../../jetstream/delivery.ts';

export type HeldDeliveriesOptions = { path: string; link: Link; log: Log };

/** Where something is always held, the notes are written anew at this length. */
const longestNotes = 1024 * 1024;

export class HeldDeliveries implements Service {
	readonly name = 'held deliveries';
	readonly #options: HeldDeliveriesOptions;
	readonly #lifecycle: Lifecycle;
	/** Reply subjects of what is here. */
	readonly #held = new Set<string>();
	/** Of what goes back when the link is there. */
	readonly #goingBack = new Set<string>();
	#file: number | undefined;
	/** What is to be noted when this turn of the event loop is over: what comes together is one write. */
	#lines = '';
	#length = 0;
	#off: () => void = () => undefined;

	constructor(options: HeldDeliveriesOptions) {
		this.#options = options;
		this.#lifecycle = new Lifecycle(
			async () => {
				this.#open();
				this.#writeAnew();
				this.#off = options.link.onUp((connection) => this.#handBack(connection));
			},
			async () => {
				this.#off();
				this.#writeLines();
				if (this.#file !== undefined) closeSync(this.#file);
				this.#file = undefined;
			},
		);
	}

	start(): Promise<void> {
		return this.#lifecycle.start();
	}

	stop(): Promise<void> {
		return this.#lifecycle.stop();
	}

	/** Notes that cannot be read or kept cost a wait of `ack_wait`, and nothing else. */
	#open(): void {
		const { path, log } = this.#options;
		try {
			this.#file = openSync(path, 'a+', 0o600);
			// What is there now was held by a process that ended without a word.
			for (const reply of heldIn(readFileSync(path, 'latin1'))) this.#goingBack.add(reply);
		} catch (error) {
			log.warn(
				{ path, err: messageOf(error) },
				'the notes of held deliveries cannot be used; it goes on without',
			);
		}
	}

	/** It is here, until {@link release}. */
	hold({ reply }: Delivery): void {
		this.#held.add(reply);
		this.#note(`+${reply}\n`);
	}

	release({ reply }: Delivery): void {
		this.#held.delete(reply);
		if (!this.#goingBack.has(reply)) this.#note(`-${reply}\n`);
	}

	/** Nothing was said of it, and it is to come again: now, or when the link is back. */
	giveBack({ reply }: Delivery): void {
		const { connection } = this.#options.link;
		this.#goingBack.add(reply);
		if (connection) this.#handBack(connection);
	}

	#handBack(connection: Connection): void {
		const replies = [...this.#goingBack];
		this.#goingBack.clear();
		for (const reply of replies) {
			handBack(connection, reply);
			if (!this.#held.has(reply)) this.#note(`-${reply}\n`);
		}
		if (replies.length > 0) this.#options.log.debug({ count: replies.length }, 'handed back');
	}

	#note(line: string): void {
		if (this.#lines === '') queueMicrotask(() => this.#writeLines());
		this.#lines += line;
	}

	#writeLines(): void {
		const lines = this.#lines;
		this.#lines = '';
		if (lines === '') return;
		if (this.#held.size + this.#goingBack.size === 0 || this.#length > longestNotes) this.#writeAnew();
		else this.#write(lines);
	}

	#writeAnew(): void {
		if (this.#file === undefined) return;
		this.#length = 0;
		try {
			ftruncateSync(this.#file);
		} catch (error) {
			this.#options.log.debug({ err: messageOf(error) }, 'the notes of held deliveries stay as they are');
		}
		const held = [...this.#held, ...this.#goingBack];
		if (held.length > 0) this.#write(held.map((reply) => `+${reply}\n`).join(''));
	}

	/** A disk that does not take it costs a wait of `ack_wait` after a kill. */
	#write(text: string): void {
		if (this.#file === undefined) return;
		try {
			this.#length += writeSync(this.#file, text);
		} catch (error) {
			this.#options.log.debug({ err: messageOf(error) }, 'a held delivery was not noted');
		}
	}
}

/** A subject that may be published to. */
const subject = /^[!-)+-=?-~]+$/;

/** A last line that was cut short says nothing, and what is no subject neither. */
function heldIn(text: string): Set<string> {
	const held = new Set<string>();
	for (const line of text.slice(0, text.lastIndexOf('\n') + 1).split('\n')) {
		const reply = line.slice(1);
		if (line.startsWith('+') && subject.test(reply)) held.add(reply);
		else held.delete(reply);
	}
	return held;
}
