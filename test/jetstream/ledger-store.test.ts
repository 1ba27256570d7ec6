import { expect, test } from 'vitest';
import { entryFor, type LedgerEntry } from '../../src/domain/ledger.ts';
import { emptyResult } from '../../src/domain/result.ts';
import { type CommandFacts, ledgerAgeMs } from '../../src/domain/wire.ts';
import { readEntry } from '../../src/jetstream/bucket.ts';
import { LedgerStore, readLedgerSummary } from '../../src/jetstream/ledger-store.ts';
import { isWrongSequence } from '../../src/jetstream/publisher.ts';
import { eventually } from '../support/eventually.ts';
import { startBroker } from './setup.ts';

const handle = { node: 'ship1', id: 'id1' };
const facts: CommandFacts = {
	method: 'shellCommand',
	lane: 'normal',
	sender: '_operator',
	digest: 'digest',
	seq: 7,
	queuedAt: 1000,
	deliverWithinMs: 5000,
};
const queued = entryFor(handle, facts);
const running: LedgerEntry = { ...queued, state: 'running', startedAt: 2000 };
const done: LedgerEntry = { ...running, state: 'succeeded', endedAt: 2900 };
/** As the ledger gives it back: its age counts from here. */
const settled: LedgerEntry = { ...done, settledAt: 3000 };
const ended = { result: { ...emptyResult, exitCode: 0 }, envelope: null };

test('an entry replaces exactly the one that it was folded from', async () => {
	await using broker = await startBroker();
	const store = new LedgerStore(broker.connection);
	expect(await store.read(handle)).toBeUndefined();
	const revision = await store.write(running, 0, undefined, 2000);
	await expect(store.write(running, 0, undefined, 2000)).rejects.toSatisfy(isWrongSequence);
	expect(await store.read(handle)).toEqual({ entry: running, revision });
	await store.write(done, revision, ended, 3000);
	expect((await store.read(handle))?.entry).toEqual(settled);
	expect(await store.readEnd(handle)).toEqual(ended);
	expect([...(await store.readMany(['ship1.id1', 'ship1.id2'])).keys()]).toEqual(['ship1.id1']);
});

test('its headers say what an index needs', async () => {
	await using broker = await startBroker();
	const store = new LedgerStore(broker.connection);
	const attempt = {
		startedAt: 2000,
		endedAt: 2900,
		outcome: 'failed',
		exitCode: 1,
		signal: null,
		fault: null,
	} as const;
	// A long list lacks its middle: the numbers tell.
	const attempts = [1, 40].map((number) => ({ attempt: number, ...attempt }));
	await store.write({ ...done, attempts }, 0, undefined, 3000);
	const entry = await readEntry(broker.connection, 'steward-ledger', 'ship1.id1');
	expect(entry && readLedgerSummary(entry.header)).toEqual({
		...{ state: 'succeeded', method: 'shellCommand', lane: 'normal' },
		...{ queuedAt: 1000, seq: 7, endedAt: 2900, deadlineAt: 6000, settledAt: 3000, lostAt: null },
		...{ startedAt: 2000, starts: 40 },
		schedule: null,
	});
	await store.write({ ...queued, id: 'id2' }, 0, undefined, 2000);
	const unstarted = await readEntry(broker.connection, 'steward-ledger', 'ship1.id2');
	expect(unstarted && readLedgerSummary(unstarted.header)).toMatchObject({ startedAt: null, starts: 0 });
	expect(readLedgerSummary(() => '')).toBeUndefined();
});

test('a final entry and its result carry the rest of their time on every write, an open one has no end', async () => {
	await using broker = await startBroker();
	const store = new LedgerStore(broker.connection);
	const ttl = async () =>
		(await readEntry(broker.connection, 'steward-ledger', 'ship1.id1'))?.header('Nats-TTL') ?? '';
	let revision = await store.write(running, 0, undefined, 2000);
	expect(await ttl()).toBe('');
	revision = await store.write(done, revision, ended, 3000);
	expect(await ttl()).toBe(`${30 * 86_400}s`);
	const later = 3000 + ledgerAgeMs - 60_000;
	revision = await store.write(
		{ ...settled, late: [{ event: 'failed', at: later, key: 'x' }] },
		revision,
		undefined,
		later,
	);
	expect(await ttl()).toBe('60s');
	await store.write(settled, revision, ended, 3000 + ledgerAgeMs);
	expect(await ttl()).toBe('1s');
	await eventually(async () => (await store.read(handle)) === undefined);
	expect(await store.readEnd(handle)).toBeUndefined();
});

test('what does not fit one message is cut to what does: a value first, then outputs, then the message itself', async () => {
	await using broker = await startBroker();
	const store = new LedgerStore(broker.connection);
	const text = (kib: number) => 'x'.repeat(kib * 1024);
	const fault = { code: 'failed', message: text(2) };
	const attempt = { startedAt: 1, endedAt: 2, outcome: 'failed', exitCode: 1, signal: null, fault } as const;
	const attempts = Array.from({ length: 600 }, (_, n) => ({ attempt: n + 1, ...attempt }));
	const output = { head: text(150), tail: '', bytes: 7, sha256: 's', encoding: 'utf8', cut: 0 } as const;
	const result = { ...emptyResult, exitCode: 1, stdout: output, stderr: output, value: text(250) };
	const envelope = { v: 1, id: 'id1', node: 'ship1', method: 'm', lane: 'normal', sender: 's' } as const;
	const end = (kib: number) => ({
		result,
		envelope: { ...envelope, data: text(kib), deliverWithinMs: null },
	});
	const kept: unknown[] = [];
	let revision = 0;
	for (const kib of [300, 500, 1000, 1100]) {
		revision = await store.write({ ...done, state: 'failed', attempts }, revision, end(kib), 3000);
		const read = await store.readEnd(handle);
		const { value, stdout } = read?.result ?? {};
		kept.push([typeof value, stdout?.head.length, stdout?.cut, String(read?.envelope?.data).length]);
	}
	const whole = 150 * 1024;
	expect(kept).toEqual([
		['string', whole, 0, 300 * 1024],
		['object', whole, 0, 500 * 1024],
		['object', 0, 7, 1000 * 1024],
		['object', 0, 7, 'undefined'.length],
	]);
	expect((await store.read(handle))?.entry.attempts.map((told) => told.attempt)).toEqual([600]);
});
