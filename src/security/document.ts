/**
 * Owns signing documents with root keys, and judging what is offered against what is held.
 * Promises that of several documents (a trust list, and those that lead to its roots) each counts by the roots of the one before.
 * Keeps nothing.
 */

import {
	bytesOf,
	type Held,
	type Judgement,
	judge,
	mostRotations,
	type Published,
	rootsAfter,
	type SignedDocument,
	type UnsignedDocument,
} from '../domain/document.ts';
import { type SigningKey, signatureHolds } from './keys.ts';

/** @param roots At least one. */
export function signDocument(document: UnsignedDocument, roots: readonly SigningKey[]): SignedDocument {
	const bytes = bytesOf(document);
	return {
		...document,
		signatures: roots.map((key) => ({ key: key.publicKey, signature: key.sign(bytes) })),
	};
}

/** What is held after several documents of one kind were offered, in order, and what the last of them was found to be. */
export type Offering = Held & { readonly judgement: Judgement };

/** What is older than what is held, or refused, is passed over: a later one may count by itself. */
export function offer(documents: readonly SignedDocument[], held: Held): Offering {
	let { roots, document } = held;
	let judgement: Judgement = { verdict: 'refused', why: 'there is no document' };
	for (const offered of documents) {
		judgement = judge(offered, { roots, document }, signatureHolds);
		if (judgement.verdict !== 'accepted') continue;
		document = offered;
		roots = rootsAfter(offered, roots);
	}
	return { roots, document, judgement };
}

/** What leads to its roots from those of any list before. */
export function rotationsWith(
	document: SignedDocument,
	before: Pick<Published, 'document' | 'rotations'> | undefined,
): SignedDocument[] {
	if (document.kind !== 'trust') return [];
	const earlier = before?.rotations ?? [];
	const rootsBefore = before
		? rootsAfter(before.document, [])
		: // Nodes have pinned those who signed the first one.
			document.signatures.map(({ key }) => key);
	const isRotation = !isSameSet(rootsAfter(document, []), rootsBefore);
	return isRotation ? [...earlier, document].slice(-mostRotations) : earlier;
}

function isSameSet(one: readonly string[], other: readonly string[]): boolean {
	return [...new Set(one)].sort().join() === [...new Set(other)].sort().join();
}
