/**
 * Owns what it means that the record of a schedule is signed: which bytes, and whether somebody who may vouches for it.
 * Promises that nothing of a record is left out of what is signed, and that no other signature of the same key is one of these.
 * Keeps nothing.
 */

import { canonicalJson } from '../base/ids.ts';
import { type ScheduleRecord, scheduleRecordSchema } from '../domain/schedule.ts';
import { bytesToSign, isExact } from '../domain/signed-bytes.ts';
import { type TrustList, trustedKey } from '../domain/trust.ts';
import { type SigningKey, signatureHolds } from './keys.ts';

/** Made once: making a schema takes longer than signing. */
const contentSchema = scheduleRecordSchema.omit({ signed: true });

/**
 * Signs a record, also one that was signed before. Signed is, for the purpose `schedule` ({@link bytesToSign}), the whole record as JSON
 * in its canonical form (RFC 8785), with `signed: { at, key }`, without `signed.signature` only.
 * @param now By the own clock of who signs, milliseconds since the epoch: a broker must have no word in it.
 */
export function signRecord(record: ScheduleRecord, key: SigningKey, now: number): ScheduleRecord {
	const signed = { key: key.publicKey, at: Math.round(now) };
	// What arrives is signed: whatever JSON makes of the form.
	const travels = contentSchema.parse(JSON.parse(JSON.stringify(record)));
	return { ...travels, signed: { ...signed, signature: key.sign(recordBytes({ ...travels, signed })) } };
}

function recordBytes(record: Omit<ScheduleRecord, 'signed'> & { readonly signed: object }): Uint8Array {
	return bytesToSign('schedule', canonicalJson(record));
}

/** Whether it is what the key that it names has signed; whose key that is says {@link whyNotVouched}. */
export function recordHolds(record: ScheduleRecord): boolean {
	if (!record.signed || !isExact(record.form)) return false;
	const { signature, ...signed } = record.signed;
	return signatureHolds(signed.key, recordBytes({ ...record, signed }), signature);
}

/** Why nobody vouches for a record, as the end of a sentence about it; undefined where an operator does.
 * @param holds What {@link recordHolds} says.
 */
export function whyNotVouched(
	{ signed, changes }: ScheduleRecord,
	list: TrustList,
	at: number,
	holds: () => boolean,
): string | undefined {
	if (!signed) return 'nobody has signed it';
	const entry = trustedKey(list, signed.key, at);
	if (!entry) {
		const by = changes.at(-1)?.by ?? '';
		return `it was signed with the key ${signed.key}${by === '' ? '' : ` (by "${by}", as it says)`}, which the trust list does not name now; steward trust publish names whoever is enrolled`;
	}
	if (entry.role !== 'operator')
		return `it was signed by ${entry.name}, a ${entry.role}: operators sign schedules`;
	return holds() ? undefined : `it is not what ${entry.name} signed: it was altered`;
}
