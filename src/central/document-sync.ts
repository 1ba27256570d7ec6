/**
 * Owns bringing the fleet's signed documents to its nodes, over their control lanes.
 * Promises that every node that takes documents has the current ones as soon as it can hear of them: a wish waits for a node that is
 * away, and one whose store was lost is asked anew. Holds only what it has asked for; after a crash it asks again, under the same ids.
 */

import { contentDigest, derivedId } from '../base/ids.ts';
import type { Log } from '../base/log.ts';
import { type DocumentKind, documentKinds, documentsFor } from '../domain/document.ts';
import type { Envelope } from '../domain/envelope.ts';
import { centralNode } from '../domain/names.ts';
import type { NodeState } from '../domain/node-state.ts';
import type { CentreIndex } from './index.ts';
import { Wishes, type WishesOptions } from './wishes.ts';

export type DocumentSyncOptions = Omit<WishesOptions, 'what'> & {
	readonly index: Pick<CentreIndex, 'isComplete' | 'documents' | 'nodes' | 'onNode'>;
	readonly mayFire: () => boolean;
	readonly log: Log;
};

export class DocumentSync {
	readonly #options: DocumentSyncOptions;
	readonly #wishes: Wishes;

	constructor(options: DocumentSyncOptions) {
		this.#options = options;
		this.#wishes = new Wishes({ ...options, what: 'a document' });
	}

	/** Call when this centre begins to lead. */
	begin(): void {
		const { index } = this.#options;
		this.#wishes.begin(
			(listener) => index.onNode(listener),
			(listener) => index.documents.onChange(listener),
		);
	}

	end(): void {
		this.#wishes.end();
	}

	/** Answers how many wishes it wrote. */
	async runOnce(): Promise<number> {
		const { index, mayFire, log } = this.#options;
		if (!index.isComplete || !mayFire()) return 0;
		const dirty = this.#wishes.takeDirty();
		const nodes = dirty === 'all' ? index.nodes.keys() : dirty;
		const written = await this.#wishes.send([...nodes].flatMap((node) => this.#wishFor(node)));
		if (written > 0) log.info({ count: written }, 'documents are on their way to their nodes');
		return written;
	}

	/** One at a time: an access list may be signed by a root that only the newest trust list names. */
	#wishFor(node: string): Envelope[] {
		const state = this.#options.index.nodes.get(node)?.state;
		for (const kind of documentKinds) {
			const published = this.#options.index.documents.published(kind);
			// It takes none, or it has what is current; a newer one than this broker knows stays.
			const has = state?.[kind];
			if (!published || !has || has.version >= published.document.version) continue;
			return [wishOf(node, kind, { published, has: has.version, boot: state?.boot ?? '' })];
		}
		return [];
	}
}

type What = {
	readonly published: Parameters<typeof documentsFor>[0];
	readonly has: number;
	readonly boot: NodeState['boot'];
};

/** Its id says what is wished of which process of the node: one that came to nothing is asked anew of the next process. */
function wishOf(node: string, kind: DocumentKind, { published, has, boot }: What): Envelope {
	const documents = documentsFor(published, has);
	return {
		v: 1,
		id: derivedId('document', kind, contentDigest(documents), boot),
		node,
		method: kind,
		lane: 'control',
		data: { documents, by: centralNode, reason: published.reason },
		sender: centralNode,
		deliverWithinMs: null,
	};
}
