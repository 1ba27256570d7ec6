/**
 * Owns Ed25519 keys in the form that NATS gives them (seeds `S…`, public keys of 56 characters), and what is signed with them.
 * Promises that a seed leaves it in no text but its own, that a signature which does not hold is `false` and never an error, and
 * signing in microseconds: Node's own crypto does the work, where the client's JavaScript takes milliseconds. Keeps nothing.
 */

import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { createUser, fromPublic, fromSeed } from '@nats-io/nkeys';
import { StewardError } from '../base/errors.ts';

/** What DER puts before the 32 bytes of a key (RFC 8410). */
const derOfPrivate = Buffer.from('302e020100300506032b657004220420', 'hex');
const derOfPublic = Buffer.from('302a300506032b6570032100', 'hex');
/** Public keys that were read before: reading one takes longer than checking with it. */
const mostRemembered = 1000;
const remembered = new Map<string, KeyObject | undefined>();

/** A key that can sign. Its seed is nowhere to be read. */
export type SigningKey = {
	/** 56 characters; which key it is, wherever one is named. */
	readonly publicKey: string;
	/** 64 bytes as base64url, 86 characters. */
	sign(bytes: Uint8Array): string;
};

/** @throws StewardError `invalid` for what is no seed; its message does not hold the text. */
export function signingKey(seed: string): SigningKey {
	let decoded: Uint8Array;
	try {
		// Checks the sum at its end.
		fromSeed(new TextEncoder().encode(seed.trim()));
		decoded = fromBase32(seed.trim());
	} catch (error) {
		throw new StewardError('invalid', 'the key is no NATS seed: expected a line that begins with S', {
			cause: error instanceof Error ? error.name : undefined,
		});
	}
	const raw = decoded.subarray(2, 34);
	const key = createPrivateKey({ key: Buffer.concat([derOfPrivate, raw]), format: 'der', type: 'pkcs8' });
	const publicKey = publicText(kindOf(decoded), createPublicKey(key));
	return { publicKey, sign: (bytes) => sign(null, bytes, key).toString('base64url') };
}

/** A new key of a user, with its seed. */
export function newUserKey(): { readonly publicKey: string; readonly seed: string } {
	const seed = new TextDecoder().decode(createUser().getSeed());
	return { publicKey: signingKey(seed).publicKey, seed };
}

/** Whether `signature` (base64url) of these bytes was made with the key. */
export function signatureHolds(publicKey: string, bytes: Uint8Array, signature: string): boolean {
	const key = publicKeyObject(publicKey);
	if (!key) return false;
	const raw = Buffer.from(signature, 'base64url');
	return raw.length === 64 && verify(null, bytes, key, raw);
}

function publicKeyObject(text: string): KeyObject | undefined {
	if (remembered.has(text)) return remembered.get(text);
	if (remembered.size >= mostRemembered) remembered.clear();
	const key = readPublicKey(text);
	remembered.set(text, key);
	return key;
}

function readPublicKey(text: string): KeyObject | undefined {
	try {
		// Checks the sum at its end.
		fromPublic(text);
		const raw = fromBase32(text).subarray(1, 33);
		return createPublicKey({ key: Buffer.concat([derOfPublic, raw]), format: 'der', type: 'spki' });
	} catch {
		return undefined;
	}
}

/** A seed is two bytes of prefix, 32 of key, and two of its sum; the first says 'seed' and, over both, of which kind. */
function kindOf(seed: Uint8Array): number {
	const [first = 0, second = 0] = seed;
	return ((first & 0b111) << 5) | (second >>> 3);
}

/** A byte of kind, 32 of key, and two of their sum, the lower one first. */
function publicText(kind: number, key: KeyObject): string {
	const raw = key.export({ format: 'der', type: 'spki' }).subarray(derOfPublic.length);
	const bytes = Buffer.concat([Buffer.from([kind]), raw]);
	const sum = Buffer.alloc(2);
	sum.writeUInt16LE(crc16(bytes));
	return toBase32(Buffer.concat([bytes, sum]));
}

/** CRC-16/XMODEM. */
function crc16(bytes: Uint8Array): number {
	let crc = 0;
	for (const byte of bytes) {
		crc ^= byte << 8;
		for (let bit = 0; bit < 8; bit++) crc = ((crc << 1) ^ (crc & 0x8000 ? 0x1021 : 0)) & 0xffff;
	}
	return crc;
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

function fromBase32(text: string): Uint8Array {
	const bytes: number[] = [];
	let [bits, held] = [0, 0];
	for (const letter of text) {
		held = ((held << 5) | alphabet.indexOf(letter)) & 0xffff;
		bits += 5;
		if (bits < 8) continue;
		bits -= 8;
		bytes.push((held >>> bits) & 0xff);
	}
	return Uint8Array.from(bytes);
}

/** Of a length that makes whole letters. */
function toBase32(bytes: Uint8Array): string {
	let text = '';
	let [bits, held] = [0, 0];
	for (const byte of bytes) {
		held = ((held << 8) | byte) & 0xffff;
		bits += 8;
		for (; bits >= 5; bits -= 5) text += alphabet[(held >>> (bits - 5)) & 31];
	}
	return text;
}
