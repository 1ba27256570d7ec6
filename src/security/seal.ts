/**
 * Owns the seal of what a node states: one signature for all statements that go out together, and with each what shows that it was
 * one of them. Promises that a statement is checked alone, whatever became of the others, and under no other subject: the subject
 * names node and command. Keeps nothing.
 */

import { createHash } from 'node:crypto';
import { bytesToSign } from '../domain/signed-bytes.ts';
import type { SigningKey } from './keys.ts';
import { signatureHolds } from './keys.ts';

export type SealedStatement = { readonly subject: string; readonly data: Uint8Array | string };

/** A seal, read: `root` stands for all statements of its batch. */
export type Seal = { readonly key: string; readonly signature: string; readonly root: Uint8Array };

/** The longest seal of a batch of 1,000, characters. */
export const longestSeal = 600;
/** No batch has so many levels. */
const mostLevels = 16;
const sealPattern = /^([A-Z2-7]{56}) ([A-Za-z0-9_-]{86}) (\d{1,5})\/(\d{1,5})((?: [A-Za-z0-9_-]{43})*)$/;

/**
 * The seal of each statement, in order: `<public key> <signature> <place>/<count>` and the hashes beside its way to the root, from
 * below, each in base64url. A leaf is SHA-256 of `00`, subject, line feed, body; a pair is SHA-256 of `01`, left, right; what has no
 * neighbour goes up as it is. Signed is, for the purpose `statements` ({@link bytesToSign}), the 32 bytes of the root.
 */
export function sealStatements(key: SigningKey, statements: readonly SealedStatement[]): string[] {
	const levels: Uint8Array[][] = [statements.map(leafOf)];
	for (let level = levels[0] ?? []; level.length > 1; levels.push(level)) level = pairsOf(level);
	const root = levels.at(-1)?.[0] ?? new Uint8Array();
	const signature = key.sign(bytesToSign('statements', root));
	return statements.map((_, place) => {
		const beside = levels.flatMap((level, up) => {
			const neighbour = level[(place >> up) ^ 1];
			return neighbour ? [` ${Buffer.from(neighbour).toString('base64url')}`] : [];
		});
		return `${key.publicKey} ${signature} ${place}/${statements.length}${beside.join('')}`;
	});
}

/** Undefined for what is no seal of this statement's form. Whether it holds says {@link sealHolds}. */
export function readSeal(text: string, statement: SealedStatement): Seal | undefined {
	const [, key, signature, place, count, beside = ''] = sealPattern.exec(text) ?? [];
	if (key === undefined || signature === undefined) return undefined;
	const hashes = beside.split(' ').slice(1);
	if (hashes.length > mostLevels) return undefined;
	let root = leafOf(statement);
	let at = Number(place);
	for (let width = Number(count); width > 1; width = Math.ceil(width / 2), at >>= 1) {
		if ((at ^ 1) >= width) continue;
		const neighbour = Buffer.from(hashes.shift() ?? '', 'base64url');
		root = at % 2 === 0 ? pairOf(root, neighbour) : pairOf(neighbour, root);
	}
	return { key, signature, root };
}

export function sealHolds({ key, signature, root }: Seal): boolean {
	return signatureHolds(key, bytesToSign('statements', root), signature);
}

function leafOf({ subject, data }: SealedStatement): Uint8Array {
	return createHash('sha256').update('\u0000').update(`${subject}\n`).update(data).digest();
}

function pairsOf(level: readonly Uint8Array[]): Uint8Array[] {
	const pairs: Uint8Array[] = [];
	for (let place = 0; place < level.length; place += 2) {
		const [left, right] = level.slice(place, place + 2);
		if (left) pairs.push(right ? pairOf(left, right) : left);
	}
	return pairs;
}

function pairOf(left: Uint8Array, right: Uint8Array): Uint8Array {
	return createHash('sha256').update('\u0001').update(left).update(right).digest();
}
