/**
 * Owns what users do with the fleet's signed documents: `fleet.trust` reads them, publishes new versions, and tells which nodes have which.
 * Promises that a new version takes the place of exactly the one that it was made from, and that what every node would refuse is told at
 * once. A crash leaves the old version or the new one; nodes get it from the centre.
 */

import { rfc3339 } from '../base/clock.ts';
import { StewardError } from '../base/errors.ts';
import { contentDigest } from '../base/ids.ts';
import { longestReason } from '../domain/control.ts';
import {
	type DocumentBody,
	type DocumentKind,
	type Published,
	readBody,
	rootsAfter,
	type SignedDocument,
} from '../domain/document.ts';
import type { DocumentView } from '../domain/document-view.ts';
import type { NodeView } from '../domain/view.ts';
import { askAll } from '../jetstream/api.ts';
import { Documents, type StoredDocument } from '../jetstream/documents.ts';
import { publishFailure } from '../jetstream/publish-answer.ts';
import { rotationsWith, signDocument } from '../security/document.ts';
import type { SigningKey } from '../security/keys.ts';
import type { FleetParts } from './parts.ts';

/**
 * A node is believed to be so many versions ahead of what is stored, and no more: a stolen one may say anything, and what comes after the
 * highest number that JSON can carry no node can read.
 */
const farthestAhead = 1_000_000;

/** One version of a document, as people read it. */
export type DocumentVersion<Kind extends DocumentKind = DocumentKind> = {
	readonly kind: Kind;
	readonly version: number;
	/** Milliseconds since the epoch, server time. */
	readonly publishedAt: number;
	readonly by: string;
	readonly reason: string;
	/** Public keys of the roots that signed it. */
	readonly signers: readonly string[];
	readonly body: DocumentBody<Kind>;
	/** As it is signed; before it the trust lists that lead to its roots. */
	readonly documents: readonly SignedDocument[];
};

/** `isNew` is false where the current version says the same already, and is signed by the same roots. */
export type Publication<Kind extends DocumentKind> = DocumentVersion<Kind> & { readonly isNew: boolean };

/** What a node has of a document; `version` is 0 before its first. */
export type DocumentAtNode = Pick<NodeView, 'node' | 'presence'> & { readonly version: number };

export type PublishOptions = {
	/** Root keys that sign it. */
	readonly roots: readonly SigningKey[];
	readonly reason?: string;
	/** The version that the new one was made from, 0 for none: where another is current, nothing is published. */
	readonly after?: number;
};

export class FleetTrust {
	readonly #parts: FleetParts;
	readonly #documents: Documents;

	/** Made by `fleet.trust`. */
	constructor(parts: FleetParts) {
		this.#parts = parts;
		this.#documents = new Documents(parts.connection);
	}

	/** The current version; undefined where there is none. @throws StewardError `schema-newer`, `no-broker` */
	async get<Kind extends DocumentKind>(kind: Kind): Promise<DocumentVersion<Kind> | undefined> {
		const stored = (await this.#documents.read()).get(kind);
		return stored && versionOf(kind, stored);
	}

	/** The versions that are kept (64), oldest first. @throws StewardError `schema-newer`, `no-broker` */
	async history<Kind extends DocumentKind>(kind: Kind): Promise<DocumentVersion<Kind>[]> {
		return (await this.#documents.history(kind)).map((stored) => versionOf(kind, stored));
	}

	/** Nodes that take documents, and what they have. @throws StewardError `no-centre` */
	async nodes(kind: DocumentKind): Promise<DocumentAtNode[]> {
		const views = await askAll<NodeView>(this.#parts.connection, 'nodes', {});
		return views.flatMap(({ node, presence, [kind]: version }) =>
			version === null ? [] : [{ node, presence, version }],
		);
	}

	/**
	 * Signs and publishes a new version; the centre brings it to every node.
	 * @throws StewardError `invalid` (all problems listed), `refused` where no root signs it or another was faster, `ambiguous`, `no-broker`
	 */
	async publish<Kind extends DocumentKind>(
		kind: Kind,
		body: DocumentBody<Kind>,
		{ roots, reason = '', after }: PublishOptions,
	): Promise<Publication<Kind>> {
		const read = readBody(kind, body);
		if ('problem' in read)
			throw new StewardError('invalid', `the ${kind} list is not valid: ${read.problem}`);
		if (reason.length > longestReason)
			throw new StewardError('invalid', `reason: expected ${longestReason} characters at the most`);
		const { author, readServerNow } = this.#parts;
		const stored = await this.#documents.read();
		const before = stored.get(kind);
		if (after !== undefined && after !== (before?.published.document.version ?? 0)) throw changed(kind);
		checkSigners(kind, stored.get('trust')?.published, roots);
		if (before && isSame(before.published.document, read.value, roots))
			return { ...versionOf(kind, before), isNew: false };
		const at = await readServerNow();
		const version = 1 + (await this.#highest(kind, before?.published.document.version ?? 0));
		const document = signDocument({ v: 1, kind, version, at, body: read.value }, roots);
		const rotations = rotationsWith(document, before?.published);
		const published: Published = { v: 1, document, rotations, by: author, reason };
		try {
			if (await this.#documents.write(published, before?.revision ?? 0)) {
				return { ...versionOf(kind, { published, revision: 0, storedAt: at }), isNew: true };
			}
		} catch (error) {
			throw publishFailure(error, {
				ambiguous: `no answer from the broker: the ${kind} list may be published or not; steward ${kind} history tells`,
				unavailable: 'the broker takes no changes at the moment: is it restarting? try again',
				refused: `the ${kind} list cannot be stored`,
				details: { kind },
			});
		}
		throw changed(kind);
	}

	/** A broker that lost its store knows no version, and nodes take none that is not newer than theirs. */
	async #highest(kind: DocumentKind, stored: number): Promise<number> {
		try {
			const atNodes = (await this.nodes(kind)).map(({ version }) => version);
			return Math.max(stored, ...atNodes.filter((version) => version <= stored + farthestAhead));
		} catch {
			// Without a centre what is stored has to do.
			return stored;
		}
	}
}

/** As it is told. */
export function documentView(version: DocumentVersion): DocumentView {
	const { kind, by, reason, signers, body } = version;
	return {
		...{ kind, version: version.version, publishedAt: rfc3339(version.publishedAt), by, reason },
		...{ signers: [...signers], body: { ...body } },
	};
}

function versionOf<Kind extends DocumentKind>(kind: Kind, stored: StoredDocument): DocumentVersion<Kind> {
	const { document, rotations, by, reason } = stored.published;
	const read = readBody(kind, document.body);
	if ('problem' in read) {
		throw new StewardError(
			'schema-newer',
			`version ${document.version} of the ${kind} list cannot be read: ${read.problem}`,
		);
	}
	const { version } = document;
	const earlier = rotations.filter((one) => one.version < version);
	const signers = document.signatures.map(({ key }) => key);
	const documents = [...earlier, document];
	return { kind, version, publishedAt: stored.storedAt, by, reason, signers, body: read.value, documents };
}

/** What nodes would refuse is not published. @throws StewardError `refused` */
function checkSigners(kind: DocumentKind, trust: Published | undefined, roots: readonly SigningKey[]): void {
	const signers = roots.map(({ publicKey }) => publicKey);
	if (!trust) {
		if (kind === 'trust') return;
		throw new StewardError(
			'refused',
			'there is no trust list yet, so nobody can vouch for an access list: steward trust publish',
		);
	}
	const counting = rootsAfter(trust.document, []);
	if (signers.some((key) => counting.includes(key))) return;
	throw new StewardError(
		'refused',
		`no node would believe it: signed by ${signers.join(', ') || 'nobody'}, and the roots of trust list ${trust.document.version} are ${counting.join(', ')}`,
	);
}

/** An old root's signature alone has to be renewed. */
function isSame(
	{ body, signatures }: SignedDocument,
	wanted: unknown,
	roots: readonly SigningKey[],
): boolean {
	const hasSigned = ({ publicKey }: SigningKey) => signatures.some(({ key }) => key === publicKey);
	return contentDigest(body) === contentDigest(wanted) && roots.every(hasSigned);
}

function changed(kind: DocumentKind): StewardError {
	return new StewardError(
		'refused',
		`the ${kind} list was changed by somebody else at the same time: look at it, and try again`,
		{
			details: { kind },
		},
	);
}
