/**
 * Owns sending what is spooled: attempt by attempt in turns, a window of bytes at a time, small pieces of many attempts
 * together.
 * Promises that what is under way when the link is lost goes again, in order, and that a second attempt of a command
 * goes after the first. A crash sends again what was not confirmed; readers know it by its number.
 */

import type { Clock } from '../../base/clock.ts';
import { messageOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { streams } from '../../domain/subject.ts';
import type { Connection } from '../../jetstream/connection.ts';
import { outputRequest } from '../../jetstream/output.ts';
import { isTooLarge } from '../../jetstream/publish-answer.ts';
import { Publisher } from '../../jetstream/publisher.ts';
import { SendWindow } from './send-window.ts';
import type { Shipment, SpooledRun } from './spooled-run.ts';

export type OutputSenderOptions = { readonly node: string; readonly clock: Clock; readonly log: Log };

/** A node batches at most this much: a stream abandons a batch after 10 s of silence on a thin link. */
const batchBytes = 64 * 1024;
/** The window keeps what is under way small on a thin link, so that a long silence is a lost answer. */
const answerWithinMs = 30_000;
const retryAfterMs = 1000;
/** Room for the headers of a chunk. */
const headerBytes = 1024;

/** One connection's way. */
type Channel = { readonly connection: Connection; readonly publisher: Publisher };

export class OutputSender {
	readonly #options: OutputSenderOptions;
	/** By command, its attempts in order: the first is sent before the second. */
	readonly #commands = new Map<string, SpooledRun[]>();
	readonly #window = new SendWindow();
	#channel: Channel | undefined;
	#cancelRetry: () => void = () => undefined;
	#isPumping = false;
	#hasMore = false;
	#tellEmpty: () => void = () => undefined;

	constructor(options: OutputSenderOptions) {
		this.#options = options;
	}

	add(run: SpooledRun): void {
		const attempts = this.#commands.get(run.name.id) ?? [];
		this.#commands.set(run.name.id, [...attempts, run]);
	}

	runs(): readonly SpooledRun[] {
		return [...this.#commands.values()].flat();
	}

	clear(): void {
		this.#commands.clear();
	}

	/** Resolves when everything is with the broker. */
	whenEmpty(): Promise<void> {
		if (this.#commands.size === 0) return Promise.resolve();
		return new Promise((resolve) => {
			this.#tellEmpty = resolve;
		});
	}

	/** The link is up. */
	attach(connection: Connection): void {
		this.detach();
		const { output: stream } = streams;
		const options = { stream, mayLookUp: false, maxBytes: batchBytes, timeoutMs: answerWithinMs };
		this.#channel = { connection, publisher: new Publisher(connection, options) };
		this.pump();
	}

	/** The link is down, or the node stops. */
	detach(): void {
		this.#channel = undefined;
		this.#cancelRetry();
		this.#window.reset();
		for (const run of this.runs()) run.rewind();
	}

	/** Sends what is there. */
	pump(): void {
		this.#hasMore = true;
		if (!this.#isPumping) void this.#pumpAll();
	}

	async #pumpAll(): Promise<void> {
		this.#isPumping = true;
		while (this.#hasMore && this.#channel) {
			this.#hasMore = false;
			for (const [id, [run]] of this.#commands) {
				if (!this.#window.mayTake(1)) break;
				if (run && (await this.#pumpRun(run))) this.#toTheEnd(id);
			}
		}
		this.#isPumping = false;
	}

	/** Whoever has sent something lets the others go first. */
	#toTheEnd(id: string): void {
		const attempts = this.#commands.get(id);
		if (!attempts) return;
		this.#commands.delete(id);
		this.#commands.set(id, attempts);
	}

	/** Whether it had something to send. */
	async #pumpRun(run: SpooledRun): Promise<boolean> {
		const channel = this.#channel;
		if (!channel) return false;
		const { info } = channel.connection.nc;
		const maxPayload = (info?.max_payload ?? Number.POSITIVE_INFINITY) - headerBytes;
		try {
			const mayTake = (bytes: number) => this.#window.mayTake(bytes);
			const shipment = await run.next(this.#window.chunkBytes, mayTake, maxPayload);
			if (!shipment) return false;
			this.#hasMore = true;
			if (this.#channel === channel) void this.#send(channel, run, shipment);
			else shipment.state = 'waiting';
			return true;
		} catch (error) {
			this.#options.log.error(
				{ id: run.name.id, err: messageOf(error) },
				'spooled output cannot be read: it is given up',
			);
			run.abandon();
			this.#drop(run);
			return false;
		}
	}

	async #send(channel: Channel, run: SpooledRun, shipment: Shipment): Promise<void> {
		const { clock } = this.#options;
		const { bytes } = shipment;
		const sentAt = clock.monotonic();
		this.#window.sent(bytes);
		try {
			await this.#publish(channel, run, shipment);
		} catch (error) {
			if (this.#channel === channel) this.#pause(channel, error);
			return;
		}
		if (this.#channel !== channel) {
			// Said by a connection that is gone since: it counts all the same.
			if (shipment.state === 'sent') return;
		} else this.#window.answered(bytes, clock.monotonic() - sentAt);
		run.confirm(shipment);
		if (run.isOver) this.#drop(run);
		this.pump();
	}

	/** All of it under way at once, in order: alone where others may be under way, else in a batch with other attempts'. */
	async #publish({ publisher }: Channel, run: SpooledRun, { chunks, isFull }: Shipment): Promise<void> {
		const { node, log } = this.#options;
		await Promise.all(
			chunks.map(async (chunk) => {
				const request = outputRequest(node, run.name.id, chunk);
				try {
					await (isFull ? publisher.publishSingle(request) : publisher.publish(request));
				} catch (error) {
					if (!isTooLarge(error)) throw error;
					// It never will be taken: readers see by its number that it is missing.
					log.error({ id: run.name.id, err: messageOf(error) }, 'a chunk of output is lost');
				}
			}),
		);
	}

	/** Everything under way goes again after a moment, so that the order stays. */
	#pause(channel: Channel, error: unknown): void {
		const { clock, log } = this.#options;
		log.info({ err: messageOf(error) }, 'output cannot be sent; it waits');
		this.detach();
		this.#cancelRetry = clock.after(retryAfterMs, () => {
			if (channel.connection.reach.isUp) this.attach(channel.connection);
		});
	}

	#drop(run: SpooledRun): void {
		const { id } = run.name;
		const others = this.#commands.get(id)?.filter((other) => other !== run) ?? [];
		if (others.length > 0) this.#commands.set(id, others);
		else this.#commands.delete(id);
		if (this.#commands.size === 0) this.#tellEmpty();
		// Another attempt may have waited for it.
		else this.pump();
	}
}
