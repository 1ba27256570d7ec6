/**
 * Owns what it means that a command is signed: which bytes, for how long, and whether it holds.
 * Promises that no two envelopes give the same bytes, and that nothing else which a key signs (a broker's challenge at a connect, a
 * batch of reports) can be taken for a command. Keeps nothing.
 */

import { createHash } from 'node:crypto';
import { canonicalJson } from '../base/ids.ts';
import { type Envelope, envelopeSchema, type Signed } from '../domain/envelope.ts';
import { bytesToSign, isExact } from '../domain/signed-bytes.ts';
import { type SigningKey, signatureHolds } from './keys.ts';

const hourMs = 3_600_000;
/** Clocks of signer and node may differ, and a command is stored a moment after it was signed. */
const clockMarginMs = hourMs;
/** What waits for its time may be queued late, where no centre runs then. */
const laterMarginMs = 24 * hourMs;
/** Of a command that is never too late. */
const neverMs = 365 * 24 * hourMs;

/** Made once: making a schema takes longer than signing. */
const contentSchema = envelopeSchema.omit({ signed: true });

/** A command with its issuer's signature. */
export type SignedEnvelope = Envelope & { readonly signed: Signed };

/**
 * Signs a command, also one that was signed before. Signed is, for the purpose `command` ({@link bytesToSign}), the whole envelope as
 * JSON in its canonical form (RFC 8785), with `signed: { at, key, until }`, without `signed.signature` only. The signature is Ed25519
 * by the key whose NATS public key is `signed.key`, 64 bytes in base64url without padding.
 * @param now Server time, milliseconds since the epoch.
 */
export function signEnvelope(envelope: Envelope, key: SigningKey, now: number): SignedEnvelope {
	const { signed: _, ...content } = envelope;
	const signed = { key: key.publicKey, at: now, until: startUntil(envelope, now) };
	// What arrives is signed: whatever JSON makes of the data, and of a field that is undefined.
	const travels = contentSchema.parse(JSON.parse(JSON.stringify(content)));
	const signature = key.sign(commandBytes({ ...travels, signed }));
	return { ...travels, signed: { ...signed, signature } };
}

/**
 * {@link signEnvelope} of the moment; undefined where there is nothing to sign with.
 * @param serverNow A program that slept must not sign with the time of before: its commands would be too late when they are sent.
 */
export function signingWith(
	key: SigningKey | undefined,
	serverNow: () => number | Promise<number>,
): ((envelope: Envelope) => Promise<Envelope>) | undefined {
	return key && (async (envelope) => signEnvelope(envelope, key, Math.round(await serverNow())));
}

/** When its deadline has passed whatever the clocks say; counted from its time, where it waits for one. */
function startUntil({ notBefore, deliverWithinMs }: Envelope, now: number): number {
	const margin = notBefore === undefined ? clockMarginMs : laterMarginMs;
	return Math.round(Math.max(now, notBefore ?? 0) + (deliverWithinMs ?? neverMs) + margin);
}

function commandBytes(
	envelope: Omit<Envelope, 'signed'> & { signed: Omit<Signed, 'signature'> },
): Uint8Array {
	return bytesToSign('command', canonicalJson(envelope));
}

/**
 * A name for what was signed, undefined where the signature does not hold. Of one signature that is written in two ways there is one
 * name.
 */
export function signedContent(envelope: SignedEnvelope): string | undefined {
	const { signature, ...signed } = envelope.signed;
	if (!isExact(envelope.data)) return undefined;
	const bytes = commandBytes({ ...envelope, signed });
	if (!signatureHolds(signed.key, bytes, signature)) return undefined;
	return createHash('sha256').update(bytes).digest('base64url');
}
