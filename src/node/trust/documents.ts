/**
 * Owns what this node believes: the trust list and the access list in effect, kept in its store.
 * Promises that what is in effect is on disk first, that nothing takes its place but a newer one that a root has signed, and that a node
 * with pinned roots trusts nobody before its first list.
 * A crash leaves the old document or the new one; the centre brings the new one again.
 */

import { messageOf } from '../../base/errors.ts';
import { Lifecycle, type Service } from '../../base/lifecycle.ts';
import type { Log } from '../../base/log.ts';
import { defaultAccess } from '../../domain/access.ts';
import { AccessRules } from '../../domain/access-decision.ts';
import {
	type DocumentKind,
	documentKinds,
	type Judgement,
	readBody,
	type SignedDocument,
} from '../../domain/document.ts';
import type { NodeState } from '../../domain/node-state.ts';
import type { TrustList } from '../../domain/trust.ts';
import { offer } from '../../security/document.ts';
import { pinnedList, readTrustFile } from '../../security/trust-file.ts';
import type { Store } from '../store/store.ts';

/** What was accepted, as it is on disk. */
type Kept = { readonly v: 1; readonly document: SignedDocument };

export type TrustDocumentsOptions = {
	readonly store: Pick<Store, 'get' | 'commit'>;
	/** Public keys that the first trust list has to be signed by. */
	readonly roots: readonly string[];
	/** What the enrolment left: signed documents, or the trust list to begin with. */
	readonly file: string | undefined;
	/** What the node says of itself has changed. */
	readonly onChange: () => void;
	readonly log: Log;
};

const nobody: TrustList = { roots: [], keys: [] };

/** `inEffect`: version that counts now, whatever was offered. */
type Taken = { readonly inEffect: number; readonly judgement: Judgement };

export class TrustDocuments implements Service {
	readonly name = 'trust documents';
	readonly #options: TrustDocumentsOptions;
	readonly #lifecycle: Lifecycle;
	readonly #documents = new Map<DocumentKind, SignedDocument>();
	/** Before the first signed one; undefined where nothing was pinned. */
	#pinned: TrustList | undefined;
	#trust: TrustList | undefined;
	#rules: AccessRules | undefined;
	#taking: Promise<unknown> = Promise.resolve();

	constructor(options: TrustDocumentsOptions) {
		this.#options = options;
		this.#lifecycle = new Lifecycle(
			() => this.#load(),
			async () => {
				await this.#taking;
			},
		);
	}

	start(): Promise<void> {
		return this.#lifecycle.start();
	}

	stop(): Promise<void> {
		return this.#lifecycle.stop();
	}

	/** Undefined: this node trusts whoever reaches it. */
	trust(): TrustList | undefined {
		return this.#trust;
	}

	/** Undefined where there is no trust list: nobody is proved to be anybody. */
	access(): AccessRules | undefined {
		return this.#rules;
	}

	/** As they are told to the centre. */
	states(): Pick<NodeState, 'trust' | 'access'> {
		if (!this.#trust) return { trust: null, access: null };
		return { trust: { version: this.#version('trust') }, access: { version: this.#version('access') } };
	}

	/** @throws StewardError `storage` */
	take(kind: DocumentKind, documents: readonly SignedDocument[]): Promise<Taken> {
		const taken = this.#taking.then(() => this.#take(kind, documents));
		this.#taking = taken.catch(() => undefined);
		return taken;
	}

	async #take(kind: DocumentKind, documents: readonly SignedDocument[]): Promise<Taken> {
		const { store, log, onChange } = this.#options;
		const before = this.#documents.get(kind);
		const roots = this.#trust?.roots ?? [];
		const { document, judgement } = offer(
			documents.filter((one) => one.kind === kind),
			{ roots, document: before },
		);
		if (document && document !== before) {
			const kept: Kept = { v: 1, document };
			await store.commit((writes) => writes.put('documents', kind, kept));
			this.#put(document);
			log.info({ version: document.version }, `a new ${kind} list is in effect`);
			onChange();
		}
		return { inEffect: this.#version(kind), judgement };
	}

	async #load(): Promise<void> {
		const { store, roots, file, log } = this.#options;
		this.#documents.clear();
		const left = await readTrustFile(file);
		if (left && 'problem' in left)
			log.error({ err: messageOf(left.problem) }, `${file} cannot be read, so that it lets nobody in`);
		this.#pinned = pinnedList(roots, left);
		this.#refresh();
		for (const kind of documentKinds) {
			const kept = store.get<Kept>('documents', kind);
			if (!kept) continue;
			this.#put(kept.document);
			const read = readBody(kind, kept.document.body);
			if ('problem' in read)
				log.error(
					{ err: read.problem },
					`the ${kind} list is of a newer steward: until that is installed nobody is let in`,
				);
		}
		if (!left || !('documents' in left)) return;
		for (const kind of documentKinds) {
			const documents = left.documents.filter((document) => document.kind === kind);
			if (documents.length === 0) continue;
			const { judgement } = await this.#take(kind, documents);
			if (judgement.verdict === 'refused')
				log.error({ err: judgement.why }, `${this.#options.file} is of no use`);
		}
	}

	#put(document: SignedDocument): void {
		this.#documents.set(document.kind, document);
		this.#refresh();
	}

	/** What follows from the documents. One that this program cannot read (a newer one kept it) lets nobody in. */
	#refresh(): void {
		const [trust, access] = documentKinds.map((kind) => this.#documents.get(kind));
		const list = trust && readBody('trust', trust.body);
		this.#trust = trust ? (list && 'value' in list ? list.value : nobody) : this.#pinned;
		const rules = access && readBody('access', access.body);
		if (!this.#trust) this.#rules = undefined;
		else if (!rules) this.#rules = new AccessRules(defaultAccess);
		else this.#rules = new AccessRules('value' in rules ? rules.value : { rules: [] });
	}

	#version(kind: DocumentKind): number {
		return this.#documents.get(kind)?.version ?? 0;
	}
}
