/**
 * Owns the table of what this node can do: each method with the process that runs it.
 * Promises that one name and kind belongs to one process, and that a name that is not switched on is unknown.
 * Made anew at each start from configuration and modules.
 */

import { StewardError } from '../base/errors.ts';
import type { Kind } from '../domain/names.ts';
import { closest } from '../domain/validation.ts';
import type { MethodDescription, MethodProcess } from './processes/method.ts';

export type KnownMethod = { readonly description: MethodDescription; readonly process: MethodProcess };

export class MethodsTable {
	readonly #processes: readonly MethodProcess[];
	/** Names that are on; undefined: all. */
	readonly #enabled: readonly string[] | undefined;

	constructor(processes: readonly MethodProcess[], enabled: readonly string[] | undefined) {
		this.#processes = processes;
		this.#enabled = enabled;
	}

	find(name: string, kind: Kind): KnownMethod | undefined {
		for (const process of this.#processes) {
			const description = process.methods.find((method) => method.name === name && method.kind === kind);
			if (description && this.#isEnabled(name)) return { description, process };
		}
		return undefined;
	}

	descriptions(): readonly MethodDescription[] {
		return this.#all().map(({ description }) => description);
	}

	/** A sentence on why `find` found nothing, for the sender. */
	whyUnknown(name: string, kind: Kind): string {
		const other = this.#all().find(({ description }) => description.name === name);
		if (other) return `method "${name}" is for ${other.description.kind}s here, and this is a ${kind}`;
		const names = this.#all()
			.filter(({ description }) => description.kind === kind)
			.map(({ description }) => description.name);
		const guess = closest(name, names);
		const hint = guess ? `; did you mean "${guess}"?` : '.';
		return `this node has no method "${name}"${hint} It has: ${names.join(', ') || 'none'}`;
	}

	/** @throws StewardError `invalid` when two processes offer one name, or a name that is switched on does not exist. */
	checkNames(): void {
		const seen = new Map<string, string>();
		for (const process of this.#processes) {
			for (const { name, kind } of process.methods) {
				const other = seen.get(`${kind} ${name}`);
				if (other)
					throw new StewardError(
						'invalid',
						`node.modules: ${other} and ${process.name} both define ${kind} ${name}`,
					);
				seen.set(`${kind} ${name}`, process.name);
			}
		}
		const names = this.#processes.flatMap(({ methods }) => methods.map(({ name }) => name));
		for (const name of this.#enabled ?? []) {
			if (names.includes(name)) continue;
			const guess = closest(name, names);
			throw new StewardError(
				'invalid',
				`node.methods: there is no method "${name}"${guess ? `; did you mean "${guess}"?` : ''} (there are ${names.join(', ')})`,
			);
		}
	}

	#all(): KnownMethod[] {
		return this.#processes.flatMap((process) =>
			process.methods
				.filter(({ name }) => this.#isEnabled(name))
				.map((description) => ({ description, process })),
		);
	}

	#isEnabled(name: string): boolean {
		return this.#enabled === undefined || this.#enabled.includes(name);
	}
}
