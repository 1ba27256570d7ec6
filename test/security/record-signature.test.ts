import { expect, test } from 'vitest';
import type { ScheduleRecord } from '../../src/domain/schedule.ts';
import type { TrustList } from '../../src/domain/trust.ts';
import { newUserKey, signingKey } from '../../src/security/keys.ts';
import { recordHolds, signRecord, whyNotVouched } from '../../src/security/record-signature.ts';

const now = Date.UTC(2026, 10, 22);
const [alice, bob, mallory] = [1, 2, 3].map(() => signingKey(newUserKey().seed)) as [
	ReturnType<typeof signingKey>,
	ReturnType<typeof signingKey>,
	ReturnType<typeof signingKey>,
];
const list: TrustList = {
	roots: [],
	keys: [
		{ key: alice.publicKey, name: 'alice', role: 'operator', until: now + 1000 },
		{ key: bob.publicKey, name: 'bob', role: 'viewer' },
	],
};
const record: ScheduleRecord = {
	...{ v: 1, name: 'nightly', version: 3, since: now, removed: false },
	form: { name: 'nightly', every: '1h', toNode: 'ship1', message: { method: 'ping', data: [0, 'a', null] } },
	changes: [{ version: 3, at: now, by: 'alice', change: 'added', fields: [] }],
};
const why = (one: ScheduleRecord, at = now) => whyNotVouched(one, list, at, () => recordHolds(one));

test('what an operator signed is vouched for, also after it was written and read again', () => {
	const signed = signRecord(record, alice, now);
	expect(recordHolds(signed)).toBe(true);
	expect(why(JSON.parse(JSON.stringify(signed)))).toBeUndefined();
	expect(why(signRecord(signed, alice, now))).toBeUndefined();
});

test('no field of it can be another', () => {
	const signed = signRecord(record, alice, now);
	const { changes, form } = signed;
	const others: Partial<ScheduleRecord>[] = [
		...[{ name: 'other' }, { version: 4 }, { since: now + 1 }, { removed: true }, { changes: [] }],
		{ changes: changes.map((one) => ({ ...one, by: 'bob' })) },
		{ form: { ...form, every: '2h' } },
		{ form: { ...form, message: { method: 'ping', data: [-0, 'a', null] } } },
		{ form: { ...form, message: { method: 'ping', data: [0, 'a', Number.POSITIVE_INFINITY] } } },
		{ signed: { ...signed.signed, at: now + 1 } as NonNullable<ScheduleRecord['signed']> },
	];
	for (const other of others) {
		expect([other, why({ ...signed, ...other })]).toEqual([
			other,
			'it is not what alice signed: it was altered',
		]);
	}
});

test('it says who did not vouch: nobody, a key that does not count, a role that may not, another in the name of one who may', () => {
	expect(why(record)).toBe('nobody has signed it');
	expect(why(signRecord(record, mallory, now))).toContain(`the key ${mallory.publicKey} (by "alice"`);
	expect(why(signRecord(record, bob, now))).toContain('bob, a viewer');
	expect(why(signRecord(record, alice, now), now + 1000)).toContain('does not name now');
	const borrowed = signRecord(record, mallory, now);
	const { signature = '' } = borrowed.signed ?? {};
	expect(why({ ...borrowed, signed: { key: alice.publicKey, at: now, signature } })).toContain('altered');
});
