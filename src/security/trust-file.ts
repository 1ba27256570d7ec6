/**
 * Owns reading what the enrolment left beside the credentials of whom to trust (`trust.json`).
 * Promises that a file which says nothing that can be read is not the same as none: nobody is trusted then.
 * Reads only.
 */

import { readFile } from 'node:fs/promises';
import { systemCodeOf } from '../base/errors.ts';
import { documentsSchema, type SignedDocument } from '../domain/document.ts';
import { type TrustList, trustListSchema } from '../domain/trust.ts';

/** Signed documents, or the trust list to begin with. */
export type TrustFile =
	| { readonly documents: readonly SignedDocument[] }
	| { readonly list: TrustList }
	| { readonly documents: readonly SignedDocument[]; readonly problem: unknown };

/** Undefined where there is none. */
export async function readTrustFile(file: string | undefined): Promise<TrustFile | undefined> {
	if (file === undefined) return undefined;
	try {
		const value: unknown = JSON.parse(await readFile(file, 'utf8'));
		const list = trustListSchema.safeParse(value);
		return list.success ? { list: list.data } : { documents: documentsSchema.parse([value].flat()) };
	} catch (problem) {
		if (systemCodeOf(problem) === 'ENOENT') return undefined;
		return { documents: [], problem };
	}
}

/** What a program goes by before it has a signed list: nobody, where roots are pinned and no list is. Undefined: nothing is pinned. */
export function pinnedList(roots: readonly string[], left: TrustFile | undefined): TrustList | undefined {
	if (left && 'list' in left) return { ...left.list, roots: [...new Set([...roots, ...left.list.roots])] };
	return roots.length > 0 || left ? { roots: [...roots], keys: [] } : undefined;
}
