/**
 * Owns the methods that run inside the node itself: its own ones, and those that ask for no isolation.
 * Promises that data is checked before a method sees it, and that what a method returns is an outcome of JSON.
 * It dies with the node; what was running then is in the journal as started.
 */

import { StewardError } from '../../base/errors.ts';
import { Lifecycle } from '../../base/lifecycle.ts';
import type { Log } from '../../base/log.ts';
import type {
	MethodContext,
	MethodDefinition,
	MethodDescription,
	MethodProcess,
	Outcome,
	RunInput,
} from './method.ts';
import { outcomeOf } from './method.ts';
import {
	asJson,
	describeMethod,
	type Methods,
	methodsByName,
	parseData,
	problemsOf,
} from './method-module.ts';

export type InNodeProcessOptions = {
	readonly name: string;
	readonly definitions: readonly MethodDefinition[];
	readonly node: string;
	/** Folder that methods may write into; it exists. */
	readonly dataDir: string;
	readonly log: Log;
};

export class InNodeProcess implements MethodProcess {
	readonly name: string;
	readonly #options: InNodeProcessOptions;
	readonly #lifecycle: Lifecycle;
	#methods: Methods = new Map();
	#descriptions: readonly MethodDescription[] = [];

	constructor(options: InNodeProcessOptions) {
		this.name = options.name;
		this.#options = options;
		this.#lifecycle = new Lifecycle(
			async () => {
				this.#methods = methodsByName(options.definitions, options.name);
				this.#descriptions = options.definitions.map(describeMethod);
			},
			async () => undefined,
		);
	}

	get methods(): readonly MethodDescription[] {
		return this.#descriptions;
	}

	start(): Promise<void> {
		return this.#lifecycle.start();
	}

	stop(): Promise<void> {
		return this.#lifecycle.stop();
	}

	onFailure(): void {
		// There is nothing outside of a run that could break down, and a run's faults are its own.
	}

	async check(method: string, data: unknown): Promise<readonly string[]> {
		return problemsOf(this.#definition(method), data);
	}

	async run(method: string, input: RunInput, signal: AbortSignal): Promise<Outcome> {
		const definition = this.#definition(method);
		const { node, dataDir, log } = this.#options;
		const context: MethodContext = {
			node,
			dataDir,
			signal,
			sender: input.sender,
			id: input.id,
			attempt: input.attempt,
			// Few methods log, and a log of one's own takes as long as all else that is done for a run.
			get log() {
				return log.child({ method, id: input.id });
			},
			output: async (chunk, stream = 'stdout') => input.output?.(chunk, stream),
			...(input.recordChild && { recordChild: input.recordChild }),
		};
		return runDefinition(definition, context, input.data);
	}

	#definition(method: string): MethodDefinition {
		const definition = this.#methods.get(method);
		if (definition !== undefined) return definition;
		throw new StewardError('not-found', `${this.name} has no method ${method}`);
	}
}

/** Runs a definition to its end, in whatever process it is. */
export async function runDefinition(
	definition: MethodDefinition,
	context: MethodContext,
	data: unknown,
): Promise<Outcome> {
	const outcome = outcomeOf(await definition.run(context, await parseData(definition, data)));
	if (outcome.result.value === undefined) return outcome;
	const result = { ...outcome.result, value: asJson(outcome.result.value, definition.name) };
	return { ...outcome, result };
}
