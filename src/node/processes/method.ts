/**
 * Owns what a method is: its definition, the context of a run, and the outcomes that it can return.
 * Promises that the node's own methods and users' modules are defined by the same function.
 * A definition has no state; what a run leaves behind is recorded by the journal before it is acknowledged.
 */

import type { z } from 'zod';
import type { Backoff } from '../../base/backoff.ts';
import type { Log } from '../../base/log.ts';
import type { ProcessIdentity } from '../../base/process.ts';
import type { CommandLane, Kind } from '../../domain/names.ts';
import type { OutputStream } from '../../domain/output.ts';
import type { OnInterrupt } from '../../domain/policy.ts';
import type { FaultRecord, Result } from '../../domain/result.ts';

/** What a method knows of the run that it is in. */
export type MethodContext = {
	/** The node that runs it. */
	readonly node: string;
	/** The node that sent it, `_operator` or `_raw`. */
	readonly sender: string;
	/** Id of the command or event. */
	readonly id: string;
	/** 1 for the first start. */
	readonly attempt: number;
	/** Aborts when the run must end: runFor passed, cancelled, or the node stops. `reason` says which. */
	readonly signal: AbortSignal;
	/** Folder of the node that methods may write into; it exists. */
	readonly dataDir: string;
	readonly log: Log;
	/**
	 * Says output of this run, as a program does on its stdout (or `stderr`): who follows the command sees it at once, and
	 * the result holds how it begins and ends, unless the method returns outputs of its own. Resolves when the node has it
	 * on its disk: await it, so that a flood waits for the disk. Never rejects: where there is no room, output is cut, and
	 * marked. Bytes are taken as they are. Of an event it goes nowhere.
	 */
	output(chunk: string | Uint8Array, stream?: OutputStream): Promise<void>;
	/**
	 * Writes down the leader of a process group that this run started, so that the next process of the node can
	 * end what a crash left behind. Inside the node only.
	 */
	recordChild?(child: ProcessIdentity): Promise<void>;
};

/** How a run ended, as a value. A method that throws has no outcome: that is a fault. */
export type Outcome =
	| { readonly outcome: 'succeeded'; readonly result: Result }
	| { readonly outcome: 'failed'; readonly result: Result; readonly fault: FaultRecord | null }
	| {
			readonly outcome: 'retry';
			readonly afterMs: number;
			readonly result: Result;
			readonly fault: FaultRecord | null;
	  };

/** Known by a brand, not by its class: a user's module may have loaded its own copy of this file. */
const verdictBrand: unique symbol = Symbol.for('steward.verdict');

/** A value that a method returns to say more than "it went well". Made by {@link failed}, {@link retry}, {@link ended}. */
export class Verdict {
	readonly [verdictBrand] = true;
	readonly outcome: Outcome;
	constructor(outcome: Outcome) {
		this.outcome = outcome;
	}
}

const noResult: Result = { exitCode: null, signal: null, stdout: null, stderr: null };

/** The method did its work and the answer is no: state `failed`. Retried while attempts are left. */
export function failed(message: string, value?: unknown): Verdict {
	return new Verdict({
		outcome: 'failed',
		result: { ...noResult, value },
		fault: { code: 'failed', message },
	});
}

/** Not now: run it again after `afterMs` milliseconds, while attempts are left. */
export function retry(afterMs: number, message = 'the method asked to be run again'): Verdict {
	return new Verdict({ outcome: 'retry', afterMs, result: noResult, fault: { code: 'retry', message } });
}

/** A child process ended: succeeded with exit code 0, else failed. */
export function ended(result: Result): Verdict {
	return result.exitCode === 0
		? new Verdict({ outcome: 'succeeded', result })
		: new Verdict({ outcome: 'failed', result, fault: null });
}

/** The outcome of whatever a method returned: a {@link Verdict}, or any JSON value for "succeeded". */
export function outcomeOf(returned: unknown): Outcome {
	if (isVerdict(returned)) return returned.outcome;
	const result: Result = returned === undefined ? noResult : { ...noResult, value: returned };
	return { outcome: 'succeeded', result };
}

function isVerdict(value: unknown): value is Verdict {
	return typeof value === 'object' && value !== null && verdictBrand in value;
}

export const isolations = ['none', 'worker', 'child'] as const;
type Isolation = (typeof isolations)[number];

export type MethodDefinition<Data = unknown> = {
	/** Letters, digits, `_`, `-`, beginning with a letter. */
	readonly name: string;
	readonly kind: Kind;
	/** What the message's data must be. Published as JSON Schema in the node's state. */
	readonly data: z.ZodType<Data>;
	readonly description?: string | undefined;
	/**
	 * Where it runs. `child`: in the module's child process, together with the module's other runs; the default of users'
	 * modules. `worker`: in a thread of its own (`node.workers` at a time, in a second child process of the module), so that
	 * a run which is stuck, or ends its thread, takes no other with it. `none`: inside the node, for its own methods only.
	 */
	readonly isolate?: Isolation | undefined;
	/** Defaults for commands that name none; the sender's own words win. */
	readonly defaults?:
		| {
				readonly runForMs?: number | undefined;
				readonly attempts?: number | undefined;
				readonly backoff?: Backoff | undefined;
				readonly onInterrupt?: OnInterrupt | undefined;
				/** Where the node has it. Published in the node's state, because whoever queues a command picks its lane. */
				readonly lane?: CommandLane | undefined;
		  }
		| undefined;
	/** Does the work. What it returns is JSON, or a {@link Verdict}. */
	run(context: MethodContext, data: Data): unknown;
};

/** Defines a method: `export default defineMethod({ name, kind, data, run })`, or an array of them. */
export function defineMethod<Data>(definition: MethodDefinition<Data>): MethodDefinition<Data> {
	return Object.freeze({ ...definition });
}

/** What is known of a method without holding its code: crosses the border of a child process. */
export type MethodDescription = {
	readonly name: string;
	readonly kind: Kind;
	readonly description?: string | undefined;
	/** JSON Schema of its data. */
	readonly dataSchema: unknown;
	readonly defaults: NonNullable<MethodDefinition['defaults']>;
	/** As the definition says it. */
	readonly isolate?: Isolation | undefined;
};

/** What the process of a method is given for one run. */
export type RunInput = {
	readonly sender: string;
	readonly id: string;
	readonly attempt: number;
	readonly data: unknown;
	/** Takes what the run says; without it, that goes nowhere. Resolves when it is on the disk, or is not taken. */
	output?(chunk: string | Uint8Array, stream: OutputStream): Promise<void>;
	/** See {@link MethodContext.recordChild}. */
	recordChild?(child: ProcessIdentity): Promise<void>;
};

/**
 * The process of one or more methods: the supervised unit that checks data and runs. In the node itself, or behind
 * a child process; a lane cannot tell.
 */
export type MethodProcess = {
	readonly name: string;
	/** Known after `start`. */
	readonly methods: readonly MethodDescription[];
	/** It broke down too often, and rests: nothing is started on it meanwhile. */
	readonly isPaused?: boolean;
	/** How often it broke down, where it can. */
	readonly breakdowns?: number;
	start(): Promise<void>;
	stop(): Promise<void>;
	/** Called with the error when it broke down outside of a run, or in one: its supervisor starts it again. */
	onFailure(listener: (error: Error) => void): void;
	/** Starts it again, where it is paused; resolves when it is up, or paused once more. */
	wake?(): Promise<void>;
	/** Leader of the process group where the method would run now; undefined where a run makes its own, or none. */
	leaderOf?(method: string): ProcessIdentity | undefined;
	/** Problems of the data against the method's schema, one line each; none where it fits. */
	check(method: string, data: unknown): Promise<readonly string[]>;
	/**
	 * Runs the method to its end. `signal` asks it to end; it resolves when the run has truly ended.
	 * @throws ProcessDied when the child process ended in the middle; anything else is what the method threw.
	 */
	run(method: string, input: RunInput, signal: AbortSignal): Promise<Outcome>;
};

/** The child process (or worker) that ran the method is gone. */
export class ProcessDied extends Error {
	constructor(message: string, options?: { cause?: unknown }) {
		super(message, options);
		this.name = 'ProcessDied';
	}
}

/** The process rests after it broke down too often: nothing was started, and the message comes again later. */
export class ProcessPaused extends ProcessDied {
	constructor(message: string, options?: { cause?: unknown }) {
		super(message, options);
		this.name = 'ProcessPaused';
	}
}
