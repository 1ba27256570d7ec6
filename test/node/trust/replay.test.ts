import { expect, test } from 'vitest';
import type { Envelope } from '../../../src/domain/envelope.ts';
import { streams, subjects } from '../../../src/domain/subject.ts';
import type { Delivery } from '../../../src/jetstream/pull.ts';
import { localMessage, readStoredCommand } from '../../../src/jetstream/stored-command.ts';
import { journalAgeMs } from '../../../src/node/store/journal.ts';
import type { Store } from '../../../src/node/store/store.ts';
import { makeGuard } from '../../../src/node/trust/guard.ts';
import { Spent } from '../../../src/node/trust/spent.ts';
import { newUserKey, signingKey } from '../../../src/security/keys.ts';
import { signEnvelope, signedContent } from '../../../src/security/signature.ts';
import { eventually } from '../../support/eventually.ts';
import { pipelineParts } from '../pipeline-parts.ts';

const dayMs = 86_400_000;
const alice = signingKey(newUserKey().seed);
const list = { roots: [], keys: [{ key: alice.publicKey, name: 'alice', role: 'operator' as const }] };

function guardOf(store: Store) {
	return makeGuard({ node: 'ship1', trust: () => list, spent: new Spent(store) });
}

function envelope(more: Partial<Envelope> = {}): Envelope {
	return {
		...{ v: 1, id: 'a', node: 'ship1', method: 'm', lane: 'normal', data: 'honest', sender: '_operator' },
		deliverWithinMs: null,
		...more,
	};
}

/** As a broker hands it over that stored it at this moment; `digest`: in its header, where it says another. */
function handOver(sent: Envelope, storedAt: number, seq: number, digest?: string): Delivery {
	const message = localMessage(sent, storedAt);
	const header = (name: string) =>
		digest !== undefined && name === 'Steward-Digest' ? digest : message.header(name);
	return {
		...{ ...message, header, seq, reply: `$JS.ACK.stream.consumer.1.${seq}.1.1.0`, deliveries: 1 },
		ackAck: async () => true,
		ack: () => undefined,
		nak: () => undefined,
		term: () => undefined,
		working: () => undefined,
	};
}

async function replayed({ isTrusting }: { isTrusting: boolean }): Promise<string[]> {
	await using world = await pipelineParts(isTrusting ? undefined : guardOf);
	const { pipeline, journal, told, hold, shift, store } = world;
	const stopping = new AbortController().signal;
	const now = world.serverTime.now();
	const sent = signEnvelope(envelope(), alice, now);
	const mark = signedContent(sent) ?? '';
	let isSpentAtStart = false;
	hold.onRun = () => {
		isSpentAtStart ||= store.isOnDisk('spent', mark) && new Spent(store).has(mark);
	};
	await pipeline.handle(handOver(sent, now, 1), true, stopping);
	expect({ runs: told.runs, isSpentAtStart }).toEqual({ runs: ['a 1 honest'], isSpentAtStart: !isTrusting });
	await eventually(() => journal.get('a')?.reportedAt !== null && journal.get('a')?.ackedAt !== null);
	// Beyond the journal's memory; the claim goes as well, since whoever replays it owns the broker.
	for (const clock of ['wall', 'monotonic'] as const) shift[clock] += journalAgeMs + dayMs;
	await eventually(async () => {
		// What is not on the disk yet is not looked at.
		await journal.prune(now + journalAgeMs + dayMs);
		return journal.get('a') === undefined;
	});
	await new Spent(store).prune({ server: world.serverTime.now(), own: now + journalAgeMs + dayMs });
	await world.connection.jsm.streams.purge(streams.claims, { filter: subjects.claim('ship1', 'a') });
	world.readClock();
	await pipeline.handle(handOver(sent, world.serverTime.now(), 2), true, stopping);
	return told.runs;
}

test('what the journal has forgotten is no new command while its signature lasts', async () => {
	expect(await replayed({ isTrusting: false })).toEqual(['a 1 honest']);
	// The control: without a trust list it is.
	expect(await replayed({ isTrusting: true })).toEqual(['a 1 honest', 'a 1 honest']);
});

async function swapped({ isTrusting }: { isTrusting: boolean }): Promise<string[]> {
	await using world = await pipelineParts(isTrusting ? undefined : guardOf);
	const { pipeline, journal, told } = world;
	const stopping = new AbortController().signal;
	const now = world.serverTime.now();
	const honest = signEnvelope(envelope({ attempts: 3 }), alice, now);
	const message = handOver(honest, now, 1);
	const digest = message.header('Steward-Digest');
	const facts = readStoredCommand(message)?.facts;
	if (!facts) throw new Error('no facts');
	// Its first attempt failed, and the second is due.
	const attempt = {
		attempt: 1,
		startedAt: now,
		endedAt: now,
		outcome: 'failed',
		exitCode: 1,
		signal: null,
		fault: null,
	};
	await journal.recordRetry('a', facts, [{ ...attempt, outcome: 'failed' }], now, now, null);
	const other = { ...honest, data: 'forged' };
	await pipeline.handle(handOver(other, now, 1, digest), true, stopping);
	return told.runs;
}

test('between two attempts no other body takes its place', async () => {
	expect(await swapped({ isTrusting: false })).toEqual([]);
	expect(await swapped({ isTrusting: true })).toEqual(['a 2 forged']);
});

test('who is taken off the list between two attempts has no other, also where the slot is held meanwhile', async () => {
	let keys = list.keys;
	await using world = await pipelineParts((store) =>
		makeGuard({ node: 'ship1', trust: () => ({ roots: [], keys }), spent: new Spent(store) }),
	);
	const { pipeline, journal, told, hold } = world;
	const now = world.serverTime.now();
	const backoff = { kind: 'fixed', initialMs: 1, capMs: 1, jitter: 0 } as const;
	const sent = signEnvelope(envelope({ attempts: 3, backoff }), alice, now);
	let starts = 0;
	hold.onRun = () => {
		starts += 1;
		// The list is another one while the method runs.
		keys = [];
		throw new Error('it did not work');
	};
	await pipeline.handle(handOver(sent, now, 1), true, new AbortController().signal);
	expect({ starts, runs: told.runs }).toEqual({ starts: 1, runs: [] });
	expect(journal.get('a')).toMatchObject({
		state: 'finished',
		final: { event: 'refused', fault: { code: 'untrusted' } },
	});
});

test('starts are forgotten when both clocks say that they can come no more, and then nothing of that time is started', async () => {
	await using world = await pipelineParts();
	const spent = new Spent(world.store);
	const until = Date.UTC(2026, 4, 1);
	await world.store.commit((writes) => {
		spent.add(writes, { mark: 'one', until });
		spent.add(writes, { mark: 'two', until: until + 10 * dayMs });
	});
	const later = until + 2 * dayMs;
	expect(await spent.prune({ server: later, own: until })).toBe(0);
	expect(await spent.prune({ server: until, own: later })).toBe(0);
	expect([spent.has('one'), spent.floor]).toEqual([true, 0]);
	expect(await spent.prune({ server: later, own: later })).toBe(1);
	expect([spent.has('one'), spent.has('two'), spent.floor]).toEqual([false, true, until]);
});
