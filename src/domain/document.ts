/**
 * Owns signed documents: what the fleet's root keys say to every node, in versions. Two kinds: the trust list and the access list.
 * Promises that a document is accepted only with a root's signature, that an older version never takes the place of a newer one, and
 * that one version never means two things.
 * Pure: whoever calls checks signatures and keeps what was accepted.
 */

import { z } from 'zod';
import { canonicalJson, contentDigest } from '../base/ids.ts';
import { accessListSchema } from './access.ts';
import { bytesToSign } from './signed-bytes.ts';
import { type TrustList, trustListSchema } from './trust.ts';
import { describeProblems, isNestedTooDeep } from './validation.ts';

export const documentKinds = ['trust', 'access'] as const;
export type DocumentKind = (typeof documentKinds)[number];

const bodySchemas = { trust: trustListSchema, access: accessListSchema } as const;
export type DocumentBody<Kind extends DocumentKind> = z.infer<(typeof bodySchemas)[Kind]>;

/** Trust lists that changed the roots travel with the current one; who missed more of them than this is enrolled anew. */
export const mostRotations = 16;

const signatureSchema = z.strictObject({
	/** Public key of the root that made it. */ key: z.string().max(64),
	/** 64 bytes as base64url. */ signature: z.string().max(100),
});

const documentSchema = z.strictObject({
	v: z.literal(1),
	kind: z.enum(documentKinds),
	version: z.number().int().min(1),
	/** When it was signed, by the signer's clock, milliseconds since the epoch: for people, no rule looks at it. */
	at: z.number().int().min(0),
	body: z.unknown().refine((body) => !isNestedTooDeep(body), { error: 'nested too deep' }),
	signatures: z.array(signatureSchema).min(1).max(16),
});
export type SignedDocument = Readonly<z.infer<typeof documentSchema>>;
export type UnsignedDocument = Omit<SignedDocument, 'signatures'>;

/** A document as it is published. */
export const publishedSchema = z.object({
	v: z.literal(1),
	document: documentSchema,
	/** Trust lists that changed the roots, in order; also the document itself, where it is one. */
	rotations: z.array(documentSchema).max(mostRotations),
	/** Who published it, and why. */
	by: z.string(),
	reason: z.string(),
});
export type Published = Readonly<z.infer<typeof publishedSchema>>;

/** What a node needs that has this version of it: 0 for none. */
export function documentsFor({ document, rotations }: Published, has: number): SignedDocument[] {
	return [...rotations.filter(({ version }) => version > has && version < document.version), document];
}

/** What one message or file carries: the current trust list, before it those that lead to its roots; a file also the access list. */
export const documentsSchema = z
	.array(documentSchema)
	.min(1)
	.max(mostRotations + 2);

/** What a root signs: for the purpose `document` ({@link bytesToSign}), everything but the signatures as canonical JSON. */
export function bytesOf({ v, kind, version, at, body }: UnsignedDocument): Uint8Array {
	return bytesToSign('document', canonicalJson({ v, kind, version, at, body }));
}

/** What the document says, checked; `problem` lists all that is wrong with it. */
export function readBody<Kind extends DocumentKind>(
	kind: Kind,
	body: unknown,
): { readonly value: DocumentBody<Kind> } | { readonly problem: string } {
	const parsed = bodySchemas[kind].safeParse(body);
	if (parsed.success) return { value: parsed.data as DocumentBody<Kind> };
	return { problem: describeProblems(parsed.error, body, knownFields).join('; ') };
}

const knownFields = ['roots', 'keys', 'key', 'name', 'role', 'from', 'until', 'rules'];

/** What is trusted at the moment: the trust list that was accepted last, or the roots that were pinned before there is one. */
export type Held = {
	readonly roots: readonly string[];
	/** Of the same kind as what is offered. */
	readonly document: SignedDocument | undefined;
};

/** Whether a signature holds: `security/keys.ts`. */
export type HoldsSignature = (publicKey: string, bytes: Uint8Array, signature: string) => boolean;

/** `known`: it is the one that is held. `older` than that: it changes nothing, whoever signed it. */
export type Judgement =
	| { readonly verdict: 'accepted' }
	| { readonly verdict: 'known' | 'older' }
	| { readonly verdict: 'refused'; readonly why: string };

/** Whether an offered document takes the place of what is held. */
export function judge(offered: SignedDocument, { roots, document }: Held, holds: HoldsSignature): Judgement {
	const { kind, version, body } = offered;
	const name = `${kind} list ${version}`;
	if (document && version < document.version) return { verdict: 'older' };
	if (document && version === document.version) {
		if (contentDigest(unsigned(document)) === contentDigest(unsigned(offered))) return { verdict: 'known' };
		return refused(`${name} is in effect already, with other content`);
	}
	if (roots.length === 0) return refused(`no root key is known here, so nobody can vouch for ${name}`);
	const text = bytesOf(offered);
	const isSigned = offered.signatures.some(
		({ key, signature }) => roots.includes(key) && holds(key, text, signature),
	);
	if (!isSigned) return refused(`${name} has no signature of a root that counts here`);
	const read = readBody(kind, body);
	return 'problem' in read ? refused(`${name} is not valid: ${read.problem}`) : { verdict: 'accepted' };
}

function unsigned({ signatures: _, ...rest }: SignedDocument): UnsignedDocument {
	return rest;
}

function refused(why: string): Judgement {
	return { verdict: 'refused', why };
}

/** Which roots count after this document: those that it names where it is a trust list. */
export function rootsAfter(document: SignedDocument, before: readonly string[]): readonly string[] {
	if (document.kind !== 'trust') return before;
	const read = readBody('trust', document.body);
	return 'value' in read ? (read.value as TrustList).roots : before;
}
