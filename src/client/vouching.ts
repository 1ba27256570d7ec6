/**
 * Owns who vouches for schedules at a client with credentials: it signs what it writes, and reads whether somebody may have signed what
 * is there. Promises that nobody's key signs, unread, what the broker made of another's schedule, or runs it.
 * Keeps nothing.
 */

import type { Clock } from '../base/clock.ts';
import { StewardError } from '../base/errors.ts';
import type { ScheduleRecord } from '../domain/schedule.ts';
import { type TrustList, trustedKey } from '../domain/trust.ts';
import type { SigningKey } from '../security/keys.ts';
import { recordHolds, signRecord, whyNotVouched } from '../security/record-signature.ts';

export type VouchingOptions = {
	readonly key: SigningKey;
	/** The trust list of the fleet. */
	readonly published: () => Promise<TrustList | undefined>;
	/** What was left on this machine when it was enrolled: counts before there is one. */
	readonly left: TrustList | undefined;
	readonly serverNow: () => number;
	readonly clock: Pick<Clock, 'now'>;
};

export class Vouching {
	readonly #options: VouchingOptions;

	constructor(options: VouchingOptions) {
		this.#options = options;
	}

	sign(record: ScheduleRecord): ScheduleRecord {
		const { key, clock } = this.#options;
		return signRecord(record, key, clock.now());
	}

	/** Why what is stored is not vouched for; undefined where it is. Where no list says who may, everybody's signature is as good. */
	async problemOf(record: ScheduleRecord): Promise<string | undefined> {
		const list = await this.#list();
		if (list) return whyNotVouched(record, list, this.#options.serverNow(), () => recordHolds(record));
		return recordHolds(record) ? undefined : 'nobody has signed it';
	}

	/** Whether a change of what is stored may be signed here: what stays of it is vouched for as well. */
	async mayBuildOn(record: ScheduleRecord): Promise<boolean> {
		if (await this.#list()) return (await this.problemOf(record)) === undefined;
		return record.signed?.key === this.#options.key.publicKey && recordHolds(record);
	}

	/** @throws StewardError `denied` where a signature of this key is worth nothing */
	async assertCounts(): Promise<void> {
		const list = await this.#list();
		const { key, serverNow } = this.#options;
		if (!list || trustedKey(list, key.publicKey, serverNow())?.role === 'operator') return;
		throw new StewardError(
			'denied',
			`the key ${key.publicKey} of these credentials is not that of an operator in the trust list, so nothing of a schedule that it signs would fire: steward trust publish, where the keys of the fleet are, brings whoever is enrolled to the centre`,
			{ details: { key: key.publicKey } },
		);
	}

	/** @throws StewardError `refused` where somebody has to vouch for it, and nobody does */
	async assertVouched(record: ScheduleRecord, what: string): Promise<void> {
		if (!(await this.#list())) return;
		const problem = await this.problemOf(record);
		if (problem === undefined) return;
		const { name } = record;
		throw new StewardError(
			'refused',
			`${what} ${name} would vouch for all of it, and ${problem}: read it (steward schedules show ${name}), then sign it (steward schedules sign ${name}), add it anew (schedules add --replace) or remove it`,
			{ details: { name } },
		);
	}

	async #list(): Promise<TrustList | undefined> {
		return (await this.#options.published()) ?? this.#options.left;
	}
}
