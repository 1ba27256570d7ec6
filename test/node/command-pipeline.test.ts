import { expect, test, vi } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { subjects } from '../../src/domain/subject.ts';
import { eventually } from '../support/eventually.ts';
import { pipelineParts } from './pipeline-parts.ts';

/** A check that waits until `go` is called. */
function gate() {
	let go: () => void = () => undefined;
	const waiting = new Promise<void>((resolve) => {
		go = resolve;
	});
	return { waiting, go };
}

test.concurrent('a command whose link was lost before its claim is left to the next delivery, which runs it', async () => {
	await using parts = await pipelineParts();
	const { told, hold, proxy, link } = parts;
	const { waiting, go } = gate();
	hold.check = waiting;
	const turn = parts.handle('a');
	await eventually(() => told.checks === 1);
	proxy.cut();
	await eventually(() => link.connection === undefined);
	proxy.heal();
	await eventually(() => link.connection !== undefined);
	go();
	await turn;
	expect([told.runs, told.words, await parts.claim('a')]).toEqual([[], [], undefined]);
	await parts.handle('a');
	expect(told).toMatchObject({ runs: ['a 1 d'], words: ['ack a'] });
	expect(await parts.claim('a')).toMatchObject({ event: 'started', boot: 'boot' });
});

test.concurrent('without a link a claim is not waited for: the slot is free at once', async () => {
	await using parts = await pipelineParts();
	parts.proxy.cut();
	await eventually(() => parts.link.connection === undefined);
	await parts.handle('a');
	expect(parts.told).toMatchObject({ runs: [], words: [] });
});

test.concurrent('where a run is to be is written down with its start, and again only where it is elsewhere', async () => {
	await using parts = await pipelineParts();
	const { journal, leaders, hold } = parts;
	const recordChild = vi.spyOn(journal, 'recordChild');
	const [one, other] = [
		{ pid: 4711, startTime: 1 },
		{ pid: 4711, startTime: 2 },
	];
	const seen: unknown[] = [];
	hold.onRun = () => void seen.push(['a', 'b'].map((id) => journal.get(id)?.child));
	leaders.known = one;
	leaders.ofRun = one;
	await parts.handle('a');
	expect(recordChild).not.toHaveBeenCalled();
	leaders.ofRun = other;
	await parts.handle('b');
	expect(recordChild).toHaveBeenCalledExactlyOnceWith('b', other);
	expect(seen).toEqual([
		[one, undefined],
		[null, other],
	]);
});

for (const [what, shift] of [
	['suspended: only its wall clock went on', { wall: 31_000, monotonic: 0 }],
	['stopped: both of its clocks went on', { wall: 31_000, monotonic: 31_000 }],
	['stopped, and its wall clock set back meanwhile', { wall: 0, monotonic: 31_000 }],
] as const) {
	test.concurrent(`a machine that was ${what} claims nothing on an old delivery`, async () => {
		await using parts = await pipelineParts();
		const { told, hold } = parts;
		const { waiting, go } = gate();
		hold.check = waiting;
		const turn = parts.handle('a');
		await eventually(() => told.checks === 1);
		Object.assign(parts.shift, shift);
		parts.readClock();
		go();
		await turn;
		expect([told.runs, told.words, await parts.claim('a')]).toEqual([[], [], undefined]);
	});
}

test.concurrent('a node that stood still while it claimed runs nothing on the old delivery, and once on the next', async () => {
	await using parts = await pipelineParts();
	const { told, proxy } = parts;
	proxy.latency(400);
	const turn = parts.handle('a');
	await eventually(() => parts.claim('a'));
	Object.assign(parts.shift, { wall: 31_000, monotonic: 31_000 });
	await turn;
	expect(told).toMatchObject({ runs: [], words: [] });
	await parts.handle('a');
	expect(told).toMatchObject({ runs: ['a 1 d'], words: ['ack a'] });
});

test.concurrent('a deadline that passes before the claim is tried makes it a claim of expiry', async () => {
	await using parts = await pipelineParts();
	const { told, hold } = parts;
	const { waiting, go } = gate();
	hold.check = waiting;
	const turn = parts.handle('a', { deliverWithinMs: 20_000 });
	await eventually(() => told.checks === 1);
	Object.assign(parts.shift, { wall: 25_000, monotonic: 25_000 });
	go();
	await turn;
	expect(told).toMatchObject({ runs: [], words: ['ack a'] });
	expect(await parts.claim('a')).toMatchObject({ event: 'expired' });
});

test.concurrent('a claim whose answer was lost is found by the next delivery, and runs once', async () => {
	await using parts = await pipelineParts();
	await parts.putClaim('a', { epoch: parts.store.epoch, boot: 'boot', machine: 'machine' });
	await parts.handle('a');
	await parts.handle('a');
	expect(parts.told).toMatchObject({ runs: ['a 1 d'], words: ['ack a', 'ack a'] });
});

test.concurrent("nothing is claimed before the broker's clock is known, whatever the deadline", async () => {
	await using parts = await pipelineParts();
	const { told, shift } = parts;
	shift.wall = -20 * 365 * 86_400_000;
	let wanted = 0;
	parts.serverTime.onWanted(() => {
		wanted += 1;
	});
	const turn = parts.handle('a');
	await eventually(() => wanted === 1);
	expect(told.checks).toBe(0);
	parts.readClock();
	await turn;
	expect(told.runs).toEqual(['a 1 d']);
	expect(Math.abs(((await parts.claim('a'))?.at ?? 0) - systemClock.now())).toBeLessThan(10_000);
});

test.concurrent('another command under an id that ran before runs; the same one, sent anew, is answered by the journal', async () => {
	await using parts = await pipelineParts();
	const { told, journal, connection } = parts;
	await parts.handle('a', { digest: 'first' });
	await eventually(() => journal.get('a')?.reportedAt !== null);
	await parts.handle('a', { digest: 'first', seq: 7 });
	expect(told).toMatchObject({ runs: ['a 1 first'], words: ['ack a', 'ack a'] });
	// The claim of the first is swept long before the id is given again.
	await connection.jsm.streams.purge('STEWARD_CLAIMS');
	await parts.handle('a', { digest: 'second', seq: 9 });
	expect(told).toMatchObject({ runs: ['a 1 first', 'a 1 second'] });
	expect(journal.get('a')).toMatchObject({ state: 'finished', facts: { digest: 'second', seq: 9 } });
});

test.concurrent('another command under the id of one that is at work comes again afterwards', async () => {
	await using parts = await pipelineParts();
	const { told, hold } = parts;
	const { waiting, go } = gate();
	hold.check = waiting;
	const turn = parts.handle('a', { digest: 'first' });
	await eventually(() => told.checks === 1);
	await parts.handle('a', { digest: 'second', seq: 2 });
	expect(told.words).toEqual(['nak a']);
	go();
	await turn;
	expect(told).toMatchObject({ runs: ['a 1 first'], words: ['nak a', 'ack a'] });
});

for (const [whose, claim] of [
	['another machine', {}],
	['a copy of the store', { machine: 'machine', boot: 'boot of the copy', epoch: 'ours' }],
] as const) {
	test.concurrent(`what ${whose} claimed is not touched while that may be alive, and interrupted when it is gone`, async () => {
		await using parts = await pipelineParts();
		const { told, journal, alone } = parts;
		const epoch = 'epoch' in claim ? parts.store.epoch : 'other';
		for (const id of ['a', 'b']) await parts.putClaim(id, { ...claim, epoch });
		await parts.handle('a');
		expect(told).toMatchObject({ runs: [], words: [] });
		expect(told.others).toEqual(['machine' in claim ? 'machine' : 'other']);
		alone.isAlone = true;
		await parts.handle('a');
		expect(told).toMatchObject({ runs: [], words: ['ack a'] });
		expect(journal.get('a')?.final).toMatchObject({ event: 'interrupted', fault: { code: 'interrupted' } });
		await parts.handle('b', { onInterrupt: 'rerun', attempts: 2 });
		expect(told).toMatchObject({ runs: ['b 2 d'], words: ['ack a', 'ack b'] });
	});
}

test.concurrent('a claim that cannot be read ends its command here, and is told to the centre', async () => {
	await using parts = await pipelineParts();
	const { told, connection, log } = parts;
	await connection.js.publish(subjects.claim('ship1', 'a'), JSON.stringify({ v: 2, by: 'node' }));
	await parts.handle('a');
	expect(told).toMatchObject({ runs: [], words: ['ack a'] });
	expect(log.lines.find(({ message }) => message === 'fault')?.fields).toMatchObject({ where: 'claim' });
});

const longAgo = () => systemClock.now() - 40 * 86_400_000;

test('a wish to cancel is meant for one command: another that is given its id runs', async () => {
	await using parts = await pipelineParts();
	const old = { reason: 'the old one', actor: 'anna' };
	expect(await parts.pipeline.callOff('a', longAgo(), old)).toBe('noted');
	await parts.handle('a', { digest: 'another' });
	expect(parts.told.runs).toEqual(['a 1 another']);
	// Noted before its start, it is met by the start.
	expect(await parts.pipeline.callOff('b', systemClock.now(), old)).toBe('noted');
	await parts.handle('b');
	expect(parts.told.runs).toEqual(['a 1 another']);
	expect(parts.journal.get('b')?.final).toMatchObject({ event: 'cancelled', closed: old });
	expect(await parts.pipeline.callOff('a', systemClock.now(), old)).toBe('tooLate');
	expect(await parts.pipeline.callOff('a', longAgo(), old)).toBe('noted');
});

test('the same content under the same id is another command once the ledger has forgotten the first', async () => {
	await using parts = await pipelineParts();
	await parts.handle('a', { queuedAt: longAgo() });
	await parts.handle('a', { queuedAt: longAgo(), seq: 2 });
	expect(parts.told.runs).toEqual(['a 1 d']);
	await parts.handle('a', { seq: 900 });
	expect(parts.told.runs).toEqual(['a 1 d', 'a 1 d']);
});

test.concurrent('what a refusal quotes is without secrets and cut, in the claim, the log and what is told to the centre', async () => {
	await using parts = await pipelineParts();
	const { told, hold, log, store } = parts;
	hold.problems = ['token: no vault takes tok-123', 'x'.repeat(5000)];
	await parts.handle('a');
	expect(told).toMatchObject({ runs: [], words: ['ack a'] });
	const fault = (await parts.claim('a'))?.fault;
	expect(fault?.message).toMatch(
		/^data does not fit m: token: no vault takes \[redacted\]; x+… \(cut: \d+ characters\)$/,
	);
	expect(fault?.message.length).toBeLessThan(2100);
	// Claimed before, and refused by what the node has become since.
	await parts.putClaim('b', { epoch: store.epoch, boot: 'boot', machine: 'machine' });
	await parts.handle('b');
	expect(parts.journal.get('b')?.final).toMatchObject({ event: 'refused', fault: { code: 'badData' } });
	const said = JSON.stringify([log.lines, parts.journal.get('b'), [...store.range('outbox', {})]]);
	expect(said).toContain('no vault takes [redacted]');
	expect(said).not.toContain('tok-123');
});

test.concurrent('an attempt that another machine’s journal is to start is left to it while that may be alive', async () => {
	await using parts = await pipelineParts();
	const { told, store, alone, journal } = parts;
	const given = { attempts: 3, onInterrupt: 'rerun', queuedAt: Date.now() } as const;
	await parts.handle('a', given);
	await parts.putClaim('b', { epoch: store.epoch });
	const facts = { ...journal.get('a')?.facts, queuedAt: given.queuedAt };
	const attempt = { attempt: 1, startedAt: 1, endedAt: 2, outcome: 'failed', exitCode: 1, signal: null };
	// As a copy of the store has it.
	const entry = { ...journal.get('a'), id: 'b', facts, state: 'retrying', machine: 'other', boot: 'other' };
	const copied = { ...entry, attempts: [{ ...attempt, fault: null }], nextAttemptAt: 3, final: null };
	await store.commit((writes) => writes.put('journal', 'b', copied));
	await parts.handle('b', given);
	expect(told).toMatchObject({ runs: ['a 1 d'], others: ['other'] });
	expect(await parts.pipeline.callOff('b', given.queuedAt, { reason: 'r', actor: 'a' })).toBe('noted');
	expect(journal.get('b')?.state).toBe('retrying');
	parts.cancellations.forget('b');
	alone.isAlone = true;
	await parts.handle('b', given);
	expect(told.runs).toEqual(['a 1 d', 'b 2 d']);
});
