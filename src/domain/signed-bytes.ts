/**
 * Owns the form of what keys sign.
 * Promises that what is signed for one purpose is never taken for another, nor a text that somebody else had signed.
 * Pure.
 */

/** What a key signs is told apart by its purpose. */
type Purpose = 'command' | 'statements' | 'document' | 'schedule';

/**
 * The bytes that are signed for a purpose: `FF`, then in UTF-8 `steward <purpose> 1`, a line feed, and what is signed. A broker has
 * each client sign a text of its choice at every connect (its challenge); `FF` stands in no text, so that text is never this.
 */
export function bytesToSign(purpose: Purpose, what: string | Uint8Array): Uint8Array {
	return Buffer.concat([Buffer.from([0xff]), Buffer.from(`steward ${purpose} 1\n`), Buffer.from(what)]);
}

/** False where it holds minus zero or what is no number: both are written as another number (`1e999` as null), and may have taken its place. */
export function isExact(value: unknown): boolean {
	if (typeof value === 'number') return Number.isFinite(value) && !Object.is(value, -0);
	if (typeof value !== 'object' || value === null) return true;
	return Object.values(value).every(isExact);
}
