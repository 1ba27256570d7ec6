/**
 * Owns which methods the nodes of a fleet offer: one entry for each different description, with how many nodes have it.
 * Promises to read again only nodes that have said something since it was asked last.
 * Soft state: made from the index.
 */

import type { MethodView } from '../domain/many-view-schema.ts';
import type { CentreIndex } from './index.ts';

type Entry = { readonly method: Omit<MethodView, 'nodes'>; nodes: number };

export class MethodCatalogue {
	readonly #index: Pick<CentreIndex, 'serving' | 'onNode'>;
	readonly #entries = new Map<string, Entry>();
	/** Keys of what each node offers. */
	readonly #ofNodes = new Map<string, readonly string[]>();
	readonly #changed = new Set<string>();

	constructor(index: Pick<CentreIndex, 'serving' | 'onNode'>) {
		this.#index = index;
		index.onNode((node) => this.#changed.add(node));
	}

	/** Most nodes first. */
	list(): MethodView[] {
		const { serving } = this.#index;
		for (const node of serving.keys()) if (!this.#ofNodes.has(node)) this.#changed.add(node);
		for (const node of this.#ofNodes.keys()) if (!serving.has(node)) this.#changed.add(node);
		for (const node of this.#changed) this.#read(node);
		this.#changed.clear();
		return [...this.#entries.values()]
			.map(({ method, nodes }) => ({ ...method, nodes }))
			.sort((a, b) => b.nodes - a.nodes || (a.name < b.name ? -1 : 1));
	}

	#read(node: string): void {
		for (const key of this.#ofNodes.get(node) ?? []) {
			const entry = this.#entries.get(key);
			if (entry && --entry.nodes === 0) this.#entries.delete(key);
		}
		const methods = this.#index.serving.get(node)?.state.methods;
		if (!methods) return void this.#ofNodes.delete(node);
		const keys = methods.map((method) => {
			const key = JSON.stringify(method);
			const entry = this.#entries.get(key) ?? { method, nodes: 0 };
			this.#entries.set(key, entry);
			entry.nodes += 1;
			return key;
		});
		this.#ofNodes.set(node, keys);
	}
}
