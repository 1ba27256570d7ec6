/**
 * Owns telling a sender at once that its command would be denied, instead of when its node is back.
 * Promises never to allow anything: nodes decide for themselves, and what cannot be read here is sent. One reading serves for some seconds.
 * Keeps nothing else.
 */

import type { Clock } from '../base/clock.ts';
import { StewardError } from '../base/errors.ts';
import { defaultAccess } from '../domain/access.ts';
import { AccessRules, askerOf, deniedError, methodInRules } from '../domain/access-decision.ts';
import { carriesDocuments } from '../domain/control.ts';
import { documentsFor, type Published, readBody, type SignedDocument } from '../domain/document.ts';
import type { Envelope } from '../domain/envelope.ts';
import { type TrustList, trustedKey } from '../domain/trust.ts';
import type { Documents } from '../jetstream/documents.ts';
import type { Nodes } from '../jetstream/nodes.ts';
import { offer } from '../security/document.ts';

const readAgainMs = 5000;

export type EarlyAccessOptions = {
	readonly documents: Pick<Documents, 'read'>;
	readonly nodes: Pick<Nodes, 'knownOf'>;
	/** Public key that commands are signed with here. */
	readonly key: string;
	/** Public keys of the roots that are pinned on this machine: then a list counts only if they lead to it. */
	readonly roots: readonly string[];
	readonly serverNow: () => number;
	readonly clock: Pick<Clock, 'monotonic'>;
};

type Lists = { readonly version: number; readonly trust: TrustList; readonly rules: AccessRules };

export class EarlyAccess {
	readonly #options: EarlyAccessOptions;
	#read: Promise<Lists | undefined> | undefined;
	#readAt = Number.NEGATIVE_INFINITY;

	constructor(options: EarlyAccessOptions) {
		this.#options = options;
	}

	/** @throws StewardError `denied` */
	async check(envelope: Envelope): Promise<void> {
		const { key, serverNow } = this.#options;
		const lists = await this.#lists();
		if (!lists || carriesDocuments(envelope)) return;
		const issuer = trustedKey(lists.trust, key, serverNow());
		if (!issuer) {
			throw new StewardError(
				'denied',
				`the key ${key} of these credentials is not in trust list ${lists.version}, so no node would run it: steward trust publish, where the keys of the fleet are, brings whoever is enrolled to the nodes; a viewer only reads`,
				{ details: { key, version: lists.version } },
			);
		}
		const labels = lists.rules.usesLabels ? await this.#labelsOf(envelope.node) : {};
		if (!labels) return;
		const { node, data } = envelope;
		const asked = { ...askerOf(issuer, envelope), method: methodInRules(envelope), node, labels, data };
		const decision = lists.rules.decide(asked);
		if (!decision.allowed) throw deniedError(asked, decision);
	}

	/** The trust list that is published, as far as it can be read here. */
	async trust(): Promise<TrustList | undefined> {
		return (await this.#lists())?.trust;
	}

	/** Whether what this key signed may be signed anew with ours: it is ours, or the trust list names it now. */
	async trusts(key: string): Promise<boolean> {
		if (key === this.#options.key) return true;
		const lists = await this.#lists();
		return lists !== undefined && trustedKey(lists.trust, key, this.#options.serverNow()) !== undefined;
	}

	#lists(): Promise<Lists | undefined> {
		const now = this.#options.clock.monotonic();
		if (!this.#read || now - this.#readAt > readAgainMs) {
			this.#readAt = now;
			// Not allowed to read them, too old a broker, or none: the node will say.
			this.#read = this.#readLists().catch(() => undefined);
		}
		return this.#read;
	}

	async #readLists(): Promise<Lists | undefined> {
		const stored = await this.#options.documents.read();
		const trust = this.#judged(stored.get('trust')?.published);
		const access = stored.get('access')?.published.document;
		const list = trust && readBody('trust', trust.body);
		if (!list || !('value' in list)) return undefined;
		const rules = access ? readBody('access', access.body) : { value: defaultAccess };
		if (!('value' in rules)) return undefined;
		return { version: trust.version, trust: list.value, rules: new AccessRules(rules.value) };
	}

	#judged(trust: Published | undefined): SignedDocument | undefined {
		const { roots } = this.#options;
		if (!trust || roots.length === 0) return trust?.document;
		return offer(documentsFor(trust, 0), { roots, document: undefined }).document;
	}

	/** Undefined where nobody knows: then rules by label cannot be told. */
	async #labelsOf(node: string): Promise<Readonly<Record<string, string>> | undefined> {
		try {
			return (await this.#options.nodes.knownOf([node]))(node).record()?.state.labels;
		} catch {
			return undefined;
		}
	}
}
