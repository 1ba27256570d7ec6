import fc from 'fast-check';
import { expect, test } from 'vitest';
import { canonicalJson } from '../../../src/base/ids.ts';
import { type Envelope, envelopeSchema } from '../../../src/domain/envelope.ts';
import type { Role, TrustedKey, TrustList } from '../../../src/domain/trust.ts';
import { type CommandFacts, decode } from '../../../src/domain/wire.ts';
import { localMessage, readStoredCommand } from '../../../src/jetstream/stored-command.ts';
import { makeGuard } from '../../../src/node/trust/guard.ts';
import { newUserKey, signingKey } from '../../../src/security/keys.ts';
import { type SignedEnvelope, signEnvelope } from '../../../src/security/signature.ts';

const now = Date.UTC(2026, 4, 1);
const minuteMs = 60_000;
const root = `O${'A'.repeat(55)}`;

function issuer(name: string, role: Role = 'operator', span: Pick<TrustedKey, 'from' | 'until'> = {}) {
	const key = signingKey(newUserKey().seed);
	return { key, trusted: { key: key.publicKey, name, role, ...span } };
}

const alice = issuer('alice');
const mallory = issuer('mallory');

const envelope: Envelope = {
	v: 1,
	id: 'a',
	node: 'ship1',
	method: 'shellCommand',
	lane: 'normal',
	data: { command: ['rm', 'a'], n: 1 },
	sender: '_operator',
	deliverWithinMs: 60 * minuteMs,
	runForMs: 5000,
	attempts: 2,
	backoff: { kind: 'fixed', initialMs: 1, capMs: 2, jitter: 0 },
	onInterrupt: 'report',
	patienceMs: 9000,
	lineage: { kind: 'retry', of: 'ship1.b' },
	schedule: { name: 's', tick: null, version: 3 },
};

/** What its headers say, as the node reads them from a stream. */
function factsOf(sent: Envelope): CommandFacts {
	const facts = readStoredCommand({ ...localMessage(sent, now), seq: 7 })?.facts;
	if (!facts) throw new Error('no facts');
	return facts;
}

function guardOf(
	keys: readonly TrustedKey[] | undefined,
	more: Partial<Parameters<typeof makeGuard>[0]> = {},
) {
	const trust = (): TrustList | undefined => keys && { roots: [root], keys: [...keys] };
	return makeGuard({ node: 'ship1', trust, spent: { has: () => false, floor: 0 }, ...more });
}

const guard = guardOf([alice.trusted]);
const signed = signEnvelope(envelope, alice.key, now);

async function reason(judged: ReturnType<typeof guard>): Promise<string> {
	const answer = await judged;
	if (answer.allowed) return 'allowed';
	expect(answer.fault.code).toBe('untrusted');
	return answer.fault.message;
}

test('what a trusted key signed is allowed, and says whose it is and what its start uses up', async () => {
	expect(await guard(signed, factsOf(signed), now)).toEqual({
		allowed: true,
		issuer: alice.trusted,
		spends: { mark: expect.stringMatching(/^.{43}$/), until: signed.signed.until },
	});
});

test('without a trust list whatever comes is allowed; with one, what is unsigned or of another key is not', async () => {
	const theirs = signEnvelope(envelope, mallory.key, now);
	expect(await guardOf(undefined)(envelope, factsOf(envelope), now)).toEqual({ allowed: true });
	expect(await reason(guard(envelope, factsOf(envelope), now))).toContain('not signed');
	expect(await reason(guard(theirs, factsOf(theirs), now))).toContain('not in this node');
	const forged = { ...theirs, signed: { ...theirs.signed, key: alice.trusted.key } };
	expect(await reason(guard(forged, factsOf(forged), now))).toContain('altered');
	expect(await reason(guardOf([])(signed, factsOf(signed), now))).toContain('not in this node');
});

test('another envelope under its signature is refused, whatever field is another', async () => {
	const paths = leaves(signed);
	expect(paths.length).toBeGreaterThan(25);
	for (const path of paths) {
		const altered = decode(envelopeSchema, JSON.stringify(withOther(signed, path)));
		// What is no envelope any more is refused before.
		if (!altered) continue;
		expect(await reason(guard(altered, factsOf(altered), now)), path.join('.')).not.toBe('allowed');
	}
});

test('a field that goes, or one that comes, is refused as well', async () => {
	await fc.assert(
		fc.asyncProperty(
			fc.constantFrom(...Object.keys(signed)),
			fc.constantFrom('notBefore', 'laneFrom'),
			fc.boolean(),
			async (gone, come, goes) => {
				const changed: Record<string, unknown> = { ...signed };
				if (goes) delete changed[gone];
				else changed[come] = come === 'laneFrom' ? 'method' : now;
				const altered = decode(envelopeSchema, JSON.stringify(changed));
				if (altered) expect(await reason(guard(altered, factsOf(altered), now))).not.toBe('allowed');
			},
		),
	);
});

test('data that is any other JSON is refused', async () => {
	await fc.assert(
		fc.asyncProperty(fc.jsonValue(), fc.jsonValue(), async (one, other) => {
			const sent = signEnvelope({ ...envelope, data: one }, alice.key, now);
			const altered = { ...sent, data: JSON.parse(JSON.stringify(other)) };
			const answer = await guard(altered, factsOf(altered), now);
			expect(answer.allowed).toBe(canonicalJson(altered) === canonicalJson(sent));
		}),
	);
});

test('headers that say something else are refused: journal and ledger go by them', async () => {
	const facts = factsOf(signed);
	const others: Partial<CommandFacts>[] = [
		{ digest: 'x' },
		{ sender: 'ship2' },
		{ deliverWithinMs: null },
		{ runForMs: 1 },
		{ patienceMs: 1 },
		{ notBefore: 1 },
		{ lineage: { kind: 'retry', of: 'ship1.c' } },
		{ schedule: { name: 's', tick: 5, version: 3 } },
	];
	for (const other of others) {
		expect(await reason(guard(signed, { ...facts, ...other }, now))).toContain('headers');
	}
});

test('it is for its node alone', async () => {
	const elsewhere = guardOf([alice.trusted], { node: 'ship2' });
	expect(await reason(elsewhere(signed, factsOf(signed), now))).toContain('for ship1, not for ship2');
});

test('its time: not before it was signed or is due, and not after its until', async () => {
	const { until } = signed.signed;
	const facts = factsOf(signed);
	expect(await reason(guard(signed, facts, now - 4 * minuteMs))).toBe('allowed');
	expect(await reason(guard(signed, facts, now - 6 * minuteMs))).toContain('to come');
	expect(await reason(guard(signed, facts, until))).toBe('allowed');
	expect(await reason(guard(signed, facts, until + 1))).toContain('expired');
	const later = signEnvelope({ ...envelope, notBefore: now + 60 * minuteMs }, alice.key, now);
	expect(await reason(guard(later, factsOf(later), now))).toContain('to come');
	expect(await reason(guard(later, factsOf(later), now + 60 * minuteMs))).toBe('allowed');
});

test('a replay is refused by the memory of starts, and by what that has forgotten', async () => {
	const facts = factsOf(signed);
	const { until } = signed.signed;
	const started = guardOf([alice.trusted], { spent: { has: () => true, floor: 0 } });
	expect(await reason(started(signed, facts, now))).toContain('replay');
	const forgotten = guardOf([alice.trusted], { spent: { has: () => false, floor: until } });
	expect(await reason(forgotten(signed, facts, now))).toContain('forgotten');
	const before = guardOf([alice.trusted], { spent: { has: () => false, floor: until - 1 } });
	expect(await reason(before(signed, facts, now))).toBe('allowed');
	// A retry of what began here is none, and may come late.
	expect(await reason(started(signed, facts, until + 1, true))).toBe('allowed');
});

test('several keys count at once, each in its span; one that is taken off the list counts no more', async () => {
	const old = issuer('alice', 'operator', { until: now + 10 * minuteMs });
	const fresh = issuer('alice', 'operator', { from: now - 10 * minuteMs });
	const rotating = guardOf([old.trusted, fresh.trusted]);
	const [byOld, byFresh] = [old, fresh].map(({ key }) => signEnvelope(envelope, key, now)) as [
		SignedEnvelope,
		SignedEnvelope,
	];
	const at = (one: SignedEnvelope, when: number) => reason(rotating(one, factsOf(one), when));
	expect([await at(byOld, now), await at(byFresh, now)]).toEqual(['allowed', 'allowed']);
	expect(await at(byOld, now + 10 * minuteMs)).toContain('does not count at this time');
	expect(await at(byFresh, now + 10 * minuteMs)).toBe('allowed');
	expect(await at(byFresh, now - 11 * minuteMs)).toContain('does not count at this time');
	const after = guardOf([fresh.trusted]);
	expect(await reason(after(byOld, factsOf(byOld), now, true))).toContain('not in this node');
});

test.each<[Role, string, string, string]>([
	['operator', 'alice', '_operator', 'allowed'],
	['operator', 'alice', 'ship2', 'cannot command as ship2'],
	['centre', 'central', 'ship2', 'allowed'],
	['centre', 'central', '_raw', 'allowed'],
	['node', 'ship2', 'ship2', 'allowed'],
	['node', 'ship2', 'ship3', 'cannot command as ship3'],
	['node', 'ship2', '_operator', 'cannot command as _operator'],
	['viewer', 'bob', '_operator', 'is a viewer'],
	['viewer', 'bob', 'bob', 'is a viewer'],
])('a key of the role %s named %s, as the sender %s: %s', async (role, name, sender, expected) => {
	const one = issuer(name, role);
	const sent = signEnvelope({ ...envelope, sender }, one.key, now);
	expect(await reason(guardOf([one.trusted])(sent, factsOf(sent), now))).toContain(expected);
});

test('what is allowed to the issuer is asked after that, and what the node made itself is asked nothing', async () => {
	const asked: unknown[] = [];
	const denied = { allowed: false, fault: { code: 'denied', message: 'no' } } as const;
	const access = (who: TrustedKey | undefined, { method }: Envelope) => {
		asked.push([who?.name, method]);
		return denied;
	};
	const strict = guardOf([alice.trusted], { access });
	expect(await strict(signed, factsOf(signed), now)).toEqual(denied);
	expect(await reason(strict(envelope, factsOf(envelope), now))).toContain('not signed');
	expect(await strict(envelope, { ...factsOf(envelope), seq: 0 }, now)).toEqual({ allowed: true });
	expect(await guardOf(undefined, { access })(envelope, factsOf(envelope), now)).toEqual(denied);
	expect(asked).toEqual([
		['alice', 'shellCommand'],
		[undefined, 'shellCommand'],
	]);
});

type Path = readonly string[];

function leaves(value: unknown, path: Path = []): Path[] {
	if (typeof value !== 'object' || value === null) return [path];
	return Object.entries(value).flatMap(([key, field]) => leaves(field, [...path, key]));
}

function withOther(value: unknown, [key, ...rest]: Path): unknown {
	if (key === undefined) return other(value);
	if (Array.isArray(value)) return value.map((item, n) => (String(n) === key ? withOther(item, rest) : item));
	const fields = value as Record<string, unknown>;
	return { ...fields, [key]: withOther(fields[key], rest) };
}

const words = ['control', 'urgent', 'exponential', 'rerun', 'replay'];

/** Another value that still fits where there is one. */
function other(value: unknown): unknown {
	if (typeof value === 'number') return value + 1;
	if (value === null) return 5;
	const taken: Record<string, string | undefined> = {
		normal: words[0],
		fixed: words[2],
		report: words[3],
		retry: words[4],
	};
	const text = String(value);
	if (text.length === 86) return (text.startsWith('A') ? 'B' : 'A') + text.slice(1);
	if (text.length === 56) return mallory.trusted.key;
	return taken[text] ?? `${text}x`;
}
