/**
 * Owns the conversation with the place where one user's module runs (a child process, or a worker thread), and what that
 * says on its outputs. Promises that each question ends: answered, or with `ProcessDied` when the place is gone.
 * If the node dies, the conversation is over; the other side notices that by itself.
 */

import type { Readable } from 'node:stream';
import type { Clock } from '../../base/clock.ts';
import { messageOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { atMost, type Exit, settleMs } from './child-process.ts';
import { errorFrom, type FromChild, readFromChild, type ToChild } from './isolated-protocol.ts';
import { ProcessDied } from './method.ts';
import { LineBudget, OutputLines } from './output-lines.ts';
import { piecesUnderWay } from './output-to-node.ts';

/** The place where the module runs, as far as one can talk with it. */
export type Peer = {
	/** For people: `child process`. */
	readonly title: string;
	readonly stdout: Readable | null;
	readonly stderr: Readable | null;
	/** Calls `then` when it is on its way, or cannot be. */
	send(message: ToChild, then: (error?: Error | null) => void): void;
	/** `onRefused`: it broke the rules of the conversation, which is over by that. */
	onMessage(listener: (message: unknown) => void, onRefused: (error: Error) => void): void;
	/** Calls `listener` when nothing more can be said. */
	onClosed(listener: () => void): void;
	/** Nothing more is said or heard. */
	close(): void;
};

export type ModuleChannelOptions = {
	readonly modulePath: string;
	readonly clock: Clock;
	readonly log: Log;
};

type Piece = Extract<FromChild, { say: 'output' }>;
export type Answer = Exclude<Extract<FromChild, { call: number }>, Piece>;
/** Takes a piece of a run's output; resolves when there may be another in its place. */
export type TakeOutput = (data: Uint8Array, stream: Piece['stream']) => Promise<void>;
type Waiting = {
	readonly resolve: (answer: Answer) => void;
	readonly reject: (error: Error) => void;
	readonly takeOutput: TakeOutput | undefined;
};

/** Runs that may still have output under way beside those that wait for their answer. */
const endedRuns = 16;

export class ModuleChannel {
	/** Resolves when the child has said whether it can use the module. */
	readonly opened: Promise<void>;
	readonly closed: Promise<void>;
	opening: Extract<FromChild, { say: 'ready' | 'unusable' }> | undefined;
	readonly #peer: Peer;
	readonly #options: ModuleChannelOptions;
	readonly #waiting = new Map<number, Waiting>();
	readonly #budget: LineBudget;
	readonly #stdout: OutputLines;
	readonly #stderr: OutputLines;
	#open: () => void = () => undefined;
	#crash: Error | undefined;
	#death: ProcessDied | undefined;
	#lastCall = 0;
	/** Pieces of output without an answer that has been sent. */
	#pieces = 0;

	constructor(peer: Peer, options: ModuleChannelOptions) {
		this.#peer = peer;
		this.#options = options;
		this.#budget = new LineBudget(options);
		this.#stdout = new OutputLines({ log: options.log.child({ stream: 'stdout' }), budget: this.#budget });
		this.#stderr = new OutputLines({ log: options.log.child({ stream: 'stderr' }), budget: this.#budget });
		peer.stdout?.on('data', (chunk: Buffer) => this.#stdout.write(chunk));
		peer.stderr?.on('data', (chunk: Buffer) => this.#stderr.write(chunk));
		peer.onMessage(
			(message) => this.#hear(message),
			(error) => this.blame(error),
		);
		this.opened = new Promise((resolve) => {
			this.#open = resolve;
		});
		this.closed = new Promise((resolve) => {
			peer.onClosed(resolve);
		});
	}

	ask(
		question: (call: number) => ToChild,
		takeOutput?: TakeOutput,
	): { call: number; answer: Promise<Answer> } {
		this.#lastCall += 1;
		const call = this.#lastCall;
		const answer = new Promise<Answer>((resolve, reject) => {
			if (this.#death !== undefined) return reject(this.#death);
			this.#waiting.set(call, { resolve, reject, takeOutput });
			this.send(question(call));
		});
		return { call, answer };
	}

	/** What cannot be sent has no reader any more: its calls are told when the child's end is seen. */
	send(message: ToChild, then: () => void = () => undefined): void {
		this.#peer.send(message, (error) => {
			if (error) {
				this.#options.log.debug({ err: messageOf(error) }, `the ${this.#peer.title} is not listening`);
			}
			then();
		});
	}

	/** Says why it is about to end, where it cannot say so itself. */
	blame(error: Error): void {
		this.#crash ??= error;
	}

	/** Tells all that wait, after the last words have been read. */
	async close(exit: Exit): Promise<ProcessDied> {
		await atMost(this.#options.clock, settleMs, this.closed);
		this.#peer.close();
		this.#stdout.end();
		this.#stderr.end();
		this.#budget.flush();
		const death = new ProcessDied(
			`the ${this.#peer.title} of ${this.#options.modulePath} ended, ${this.describe(exit)}`,
			{ cause: this.#crash },
		);
		this.#death = death;
		for (const { reject } of this.#waiting.values()) reject(death);
		this.#waiting.clear();
		return death;
	}

	describe(exit: Exit): string {
		const how = exit.signal === null ? `exit code ${exit.code}` : `signal ${exit.signal}`;
		const why = this.#crash?.message ?? this.#stderr.last;
		return why === '' ? how : `${how}: ${why}`;
	}

	/** In this turn, so that pieces stay in order and before the run's end; answered also where nobody takes it. */
	async #take({ call, piece, stream, data }: Piece): Promise<void> {
		this.#pieces += 1;
		if (this.#pieces > piecesUnderWay * (this.#waiting.size + endedRuns)) {
			this.blame(new Error('it did not wait for the answers to its output'));
			return this.#peer.close();
		}
		await this.#waiting.get(call)?.takeOutput?.(Buffer.from(data, 'base64'), stream);
		this.send({ say: 'taken', call, piece }, () => {
			this.#pieces -= 1;
		});
	}

	#hear(message: unknown): void {
		const said = readFromChild(message);
		if (!said) {
			this.#options.log.debug('the module sent a message that is not ours; dropped');
			return;
		}
		switch (said.say) {
			case 'ready':
			case 'unusable':
				this.opening ??= said;
				this.#open();
				return;
			case 'crashed':
				this.#crash = errorFrom(said.error);
				return;
			case 'log':
				if (this.#budget.take()) this.#options.log[said.level](said.fields, said.message);
				return;
			case 'output':
				return void this.#take(said);
			default:
				this.#waiting.get(said.call)?.resolve(said);
				this.#waiting.delete(said.call);
		}
	}
}
