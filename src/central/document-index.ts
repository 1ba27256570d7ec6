/**
 * Owns what the centre's index knows of the fleet's signed documents: the current trust list and access list.
 * Promises to say what is stored, as far as it has been heard of; where roots are pinned on this machine, to go by what they signed only.
 * What is brought to nodes is what is stored: each of them judges for itself.
 * Soft state: a restart reads it again.
 */

import { defaultAccess } from '../domain/access.ts';
import { AccessRules } from '../domain/access-decision.ts';
import {
	type DocumentKind,
	documentKinds,
	documentsFor,
	type Held,
	type Published,
	readBody,
	type SignedDocument,
} from '../domain/document.ts';
import type { TrustList } from '../domain/trust.ts';
import type { readDocument } from '../jetstream/documents.ts';
import { offer } from '../security/document.ts';

export class DocumentIndex {
	readonly #published = new Map<DocumentKind, Published>();
	readonly #listeners = new Set<() => void>();
	readonly #roots: readonly string[];
	#trust: TrustList | undefined;
	#rules: AccessRules | undefined;

	constructor(roots: readonly string[]) {
		this.#roots = roots;
	}

	/** Called when a document is new or another; the answer takes the listener off. */
	onChange(listener: () => void): () => void {
		this.#listeners.add(listener);
		return () => this.#listeners.delete(listener);
	}

	published(kind: DocumentKind): Published | undefined {
		return this.#published.get(kind);
	}

	/** Undefined where the fleet has none, or one that this program cannot read. */
	trust(): TrustList | undefined {
		return this.#trust;
	}

	/** Undefined where nobody can say what nodes allow. */
	access(): AccessRules | undefined {
		return this.#rules;
	}

	take(entry: NonNullable<ReturnType<typeof readDocument>>): void {
		if (entry.published) this.#published.set(entry.kind, entry.published);
		else this.#published.delete(entry.kind);
		this.#refresh();
	}

	clear(): void {
		this.#published.clear();
		this.#refresh();
	}

	#refresh(): void {
		const [trust, access] = documentKinds.map((kind) => this.#published.get(kind));
		const roots = this.#roots;
		const held = trust && this.#judged(trust, { roots, document: undefined });
		const list = held?.document && readBody('trust', held.document.body);
		this.#trust = list && 'value' in list ? list.value : undefined;
		const rules = access && held && this.#judged(access, { roots: held.roots, document: undefined });
		this.#rules = this.#trust && rulesOf(access, rules?.document);
		for (const listener of this.#listeners) listener();
	}

	#judged(published: Published, held: Held): Held {
		if (this.#roots.length === 0) return { ...held, document: published.document };
		return offer(documentsFor(published, 0), held);
	}
}

/** @param judged Undefined where it does not count. */
function rulesOf(stored: Published | undefined, judged: SignedDocument | undefined): AccessRules | undefined {
	if (!stored) return new AccessRules(defaultAccess);
	const list = judged && readBody('access', judged.body);
	return list && 'value' in list ? new AccessRules(list.value) : undefined;
}
