import { join } from 'node:path';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import type { CommandFacts } from '../../src/domain/wire.ts';
import { Link } from '../../src/jetstream/connection.ts';
import { Journal, journalAgeMs } from '../../src/node/store/journal.ts';
import { Outbox } from '../../src/node/store/outbox.ts';
import { Store, type Writes } from '../../src/node/store/store.ts';
import { roomy } from '../support/outbox.ts';
import { tempDir } from '../support/temp.ts';

const facts: CommandFacts = {
	...{ method: 'shellCommand', sender: '_operator', digest: 'd', seq: 1, queuedAt: 1 },
	...{ lane: 'normal', deliverWithinMs: null },
};
const started = {
	...{ attempt: 1, startedAt: 1, endedAt: null, outcome: null, exitCode: null, signal: null, fault: null },
};
const final = { event: 'succeeded', at: 2, result: null, fault: null } as const;

/** Store and outbox without a broker, and a journal whose confirmations the test gives. */
async function makeJournal() {
	const dir = await tempDir();
	const store = new Store(join(dir.path, 'store'), systemClock);
	await store.start();
	const link = new Link({
		servers: ['nats://127.0.0.1:1'],
		name: 'ship1',
		clock: systemClock,
		log: silentLog,
	});
	const outbox = new Outbox({ ...roomy, node: 'ship1', store, link, clock: systemClock, log: silentLog });
	await outbox.start();
	const confirms: ((writes: Writes, id: string) => void)[] = [];
	const port = {
		onConfirmed: (listener: (writes: Writes, id: string) => void) => void confirms.push(listener),
		addReport: outbox.addReport.bind(outbox),
	};
	let now = 1000;
	const journal = new Journal({ store, outbox: port, boot: 'boot', machine: 'machine', now: () => now });
	return {
		journal,
		outbox,
		store,
		confirm: (id: string) => {
			for (const listener of confirms) void store.commitLazily((writes) => listener(writes, id));
		},
		at: (ms: number) => {
			now = ms;
		},
		[Symbol.asyncDispose]: async () => {
			await outbox.stop();
			await store.stop();
			await dir[Symbol.asyncDispose]();
		},
	};
}

test('keeps an outcome together with its report, and both marks of what was confirmed at the same moment', async () => {
	await using parts = await makeJournal();
	const { journal, outbox } = parts;
	expect(journal.get('a')).toBeUndefined();
	await journal.recordStart('a', facts, [started], 1, null);
	expect(journal.get('a')).toMatchObject({ state: 'started', boot: 'boot', child: null });
	expect(outbox.depth).toBe(0);
	await journal.recordChild('a', { pid: 4711, startTime: 1 });
	expect(journal.get('a')?.child).toEqual({ pid: 4711, startTime: 1 });
	await journal.recordFinal('a', facts, [{ ...started, outcome: 'succeeded', endedAt: 2 }], final);
	expect(journal.get('a')).toMatchObject({ state: 'finished', final, reportedAt: null, ackedAt: null });
	expect(outbox.depth).toBe(1);
	parts.confirm('a');
	journal.markAcked('a', 1001);
	expect(journal.get('a')).toMatchObject({ reportedAt: 1000, ackedAt: 1001 });
});

test('says a recorded outcome again only when its report has left the outbox', async () => {
	await using parts = await makeJournal();
	const { journal, outbox } = parts;
	await journal.recordFinal('a', facts, [started], final);
	const waiting = journal.get('a');
	if (waiting) await journal.reportAgain(waiting);
	expect(outbox.depth).toBe(1);
	parts.confirm('a');
	const confirmed = journal.get('a');
	if (confirmed) await journal.reportAgain(confirmed);
	expect(outbox.depth).toBe(2);
});

test('forgets only what was confirmed in full, its age ago', async () => {
	await using parts = await makeJournal();
	const { journal, store } = parts;
	for (const id of ['both', 'ackOnly', 'young', 'running'])
		await journal.recordFinal(id, facts, [started], final);
	await journal.recordStart('running', facts, [started], 1, null);
	parts.confirm('both');
	for (const id of ['both', 'ackOnly', 'young', 'running']) journal.markAcked(id, 1000);
	parts.at(5000);
	parts.confirm('young');
	await store.commit(() => undefined);
	expect(await journal.prune(1001 + journalAgeMs)).toBe(1);
	expect(['both', 'ackOnly', 'young', 'running'].filter((id) => journal.get(id) === undefined)).toEqual([
		'both',
	]);
});

test('forgets what was reported and never acked as well, much later; never what was not reported', async () => {
	await using parts = await makeJournal();
	const { journal, store } = parts;
	for (const id of ['reported', 'unreported']) await journal.recordFinal(id, facts, [started], final);
	parts.confirm('reported');
	journal.markAcked('unreported', 1000);
	await store.commit(() => undefined);
	expect(await journal.prune(1000 + 2 * journalAgeMs)).toBe(0);
	expect(await journal.prune(1001 + 2 * journalAgeMs)).toBe(1);
	expect(['reported', 'unreported'].filter((id) => journal.get(id))).toEqual(['unreported']);
});

test('finds the entry of a command, and not that of another one which had the same id', async () => {
	await using parts = await makeJournal();
	const { journal } = parts;
	await journal.recordFinal('a', facts, [started], final);
	expect(journal.find({ id: 'a', facts: { ...facts, seq: 9 } })).toMatchObject({ state: 'finished' });
	expect(journal.find({ id: 'a', facts: { ...facts, digest: 'other' } })).toBeUndefined();
	expect(journal.find({ id: 'b', facts })).toBeUndefined();
});

test('what was started and never came to an end is forgotten after twice its age', async () => {
	await using parts = await makeJournal();
	const { journal } = parts;
	await journal.recordStart('left', facts, [started], 1, 2);
	expect(await journal.prune(1 + 2 * journalAgeMs)).toBe(0);
	expect(journal.get('left')?.state).toBe('started');
	expect(await journal.prune(2 + 2 * journalAgeMs)).toBe(1);
	expect(journal.get('left')).toBeUndefined();
});
