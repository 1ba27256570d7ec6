/**
 * Owns whether a node's word is the node's: its seal against the key that the fleet knows as this node's.
 * Promises one check of a signature for all statements that went out together. A node's key is its own entry in the trust list (role
 * `node`, its name), or that of the JWT in its state, which a key of an account vouches for that has an entry of the role `node`.
 * Remembers the last seals only; after a crash they are checked anew.
 */

import type { SignatureVerdict } from '../domain/ledger.ts';
import { type TrustList, trustedKey } from '../domain/trust.ts';
import type { Delivery } from '../jetstream/delivery.ts';
import { sealHeader } from '../jetstream/publish-request.ts';
import { readSeal, type Seal, sealHolds } from '../security/seal.ts';
import { readUserJwt, type VouchedUser } from '../security/user-jwt.ts';

/** `unknown`: the node's key is not known, or not yet. */
type Check = SignatureVerdict | 'unknown' | null;

export type StatementCheckOptions = {
	/** Where it vouches for no node, nothing is checked. */
	readonly trust: () => TrustList | undefined;
	/** What the node's last state says of who it is. */
	readonly jwtOf: (node: string) => string | undefined;
	readonly serverNow: () => number;
};

const mostRemembered = 1000;

export class StatementCheck {
	readonly #options: StatementCheckOptions;
	readonly #seals = new Map<string, boolean>();
	readonly #users = new Map<string, VouchedUser | undefined>();

	constructor(options: StatementCheckOptions) {
		this.#options = options;
	}

	/** Null where nothing is checked. */
	check(node: string, { subject, data, header }: Pick<Delivery, 'subject' | 'data' | 'header'>): Check {
		const list = this.#options.trust();
		// Nobody has said whose keys nodes have.
		if (!list?.keys.some(({ role }) => role === 'node')) return null;
		const text = header(sealHeader);
		if (text === '') return 'none';
		const seal = readSeal(text, { subject, data });
		if (!seal || !this.#holds(seal)) return 'broken';
		const isOfNode = this.#isOf(list, seal.key, node);
		return isOfNode === undefined ? 'unknown' : isOfNode ? 'held' : 'broken';
	}

	#holds(seal: Seal): boolean {
		const name = `${seal.key} ${seal.signature} ${Buffer.from(seal.root).toString('base64')}`;
		return remembered(this.#seals, name, () => sealHolds(seal));
	}

	/** Undefined where nobody says whose key it is. */
	#isOf(list: TrustList, key: string, node: string): boolean | undefined {
		const now = this.#options.serverNow();
		// Its own entry decides, also where it says that the key does not count any more.
		if (list.keys.some((one) => one.key === key)) {
			const entry = trustedKey(list, key, now);
			return entry?.role === 'node' && entry.name === node;
		}
		const jwt = this.#options.jwtOf(node);
		const user = jwt === undefined ? undefined : remembered(this.#users, jwt, () => readUserJwt(jwt));
		if (user?.key !== key) return undefined;
		const isVouchedFor = trustedKey(list, user.issuer, now)?.role === 'node' && user.expiresAt > now;
		return isVouchedFor && user.name === node;
	}
}

function remembered<Value>(memory: Map<string, Value>, name: string, find: () => Value): Value {
	const known = memory.get(name);
	if (known !== undefined || memory.has(name)) return known as Value;
	if (memory.size >= mostRemembered) memory.clear();
	const found = find();
	memory.set(name, found);
	return found;
}
