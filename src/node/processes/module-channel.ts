/**
 * Owns the conversation with the child process of one user's module, and what that says on its outputs.
 * Promises that each question ends: answered by the child, or with `ProcessDied` when the channel is closed.
 * If the node dies, the conversation is over; the child notices that by itself.
 */

import type { Clock } from '../../base/clock.ts';
import { messageOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { atMost, type Exit, type OwnedChild, settleMs } from './child-process.ts';
import { errorFrom, type FromChild, fromChildSchema, type ToChild } from './isolated-protocol.ts';
import { ProcessDied } from './method.ts';
import { LineBudget, OutputLines } from './output-lines.ts';

export type ModuleChannelOptions = {
	readonly modulePath: string;
	readonly clock: Clock;
	readonly log: Log;
};

export type Answer = Extract<FromChild, { call: number }>;
type Waiting = { resolve: (answer: Answer) => void; reject: (error: Error) => void };

export class ModuleChannel {
	/** Resolves when the child has said whether it can use the module. */
	readonly opened: Promise<void>;
	readonly closed: Promise<void>;
	opening: Extract<FromChild, { say: 'ready' | 'unusable' }> | undefined;
	readonly #child: OwnedChild;
	readonly #options: ModuleChannelOptions;
	readonly #waiting = new Map<number, Waiting>();
	readonly #budget: LineBudget;
	readonly #stdout: OutputLines;
	readonly #stderr: OutputLines;
	#open: () => void = () => undefined;
	#crash: Error | undefined;
	#death: ProcessDied | undefined;
	#lastCall = 0;

	constructor(child: OwnedChild, options: ModuleChannelOptions) {
		this.#child = child;
		this.#options = options;
		this.#budget = new LineBudget(options);
		this.#stdout = new OutputLines({ log: options.log.child({ stream: 'stdout' }), budget: this.#budget });
		this.#stderr = new OutputLines({ log: options.log.child({ stream: 'stderr' }), budget: this.#budget });
		child.process.stdout?.on('data', (chunk: Buffer) => this.#stdout.write(chunk));
		child.process.stderr?.on('data', (chunk: Buffer) => this.#stderr.write(chunk));
		child.process.on('message', (message) => this.#hear(message));
		this.opened = new Promise((resolve) => {
			this.#open = resolve;
		});
		this.closed = new Promise((resolve) => {
			child.process.once('disconnect', () => resolve());
		});
	}

	ask(question: (call: number) => ToChild): { call: number; answer: Promise<Answer> } {
		this.#lastCall += 1;
		const call = this.#lastCall;
		const answer = new Promise<Answer>((resolve, reject) => {
			if (this.#death !== undefined) return reject(this.#death);
			this.#waiting.set(call, { resolve, reject });
			this.send(question(call));
		});
		return { call, answer };
	}

	/** What cannot be sent has no reader any more: its calls are told when the child's end is seen. */
	send(message: ToChild): void {
		this.#child.process.send(message, (error) => {
			if (error) this.#options.log.debug({ err: messageOf(error) }, 'the child process is not listening');
		});
	}

	/** Tells all that wait, after the last words have been read. */
	async close(exit: Exit): Promise<ProcessDied> {
		await atMost(this.#options.clock, settleMs, this.closed);
		this.#stdout.end();
		this.#stderr.end();
		this.#budget.flush();
		const death = new ProcessDied(
			`the child process of ${this.#options.modulePath} ended, ${this.describe(exit)}`,
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

	#hear(message: unknown): void {
		const parsed = fromChildSchema.safeParse(message);
		if (!parsed.success) {
			this.#options.log.debug('the module sent a message that is not ours; dropped');
			return;
		}
		const said = parsed.data;
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
			default:
				this.#waiting.get(said.call)?.resolve(said);
				this.#waiting.delete(said.call);
		}
	}
}
