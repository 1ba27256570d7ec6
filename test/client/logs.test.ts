import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import type { LogPiece } from '../../src/client/logs.ts';
import { streams, subjects } from '../../src/domain/subject.ts';
import { type Connection, closeConnection, openConnection } from '../../src/jetstream/connection.ts';
import { outputRequest } from '../../src/jetstream/output.ts';
import { Publisher } from '../../src/jetstream/publisher.ts';
import { command } from '../node/asking.ts';
import { effectsIn } from '../support/effects.ts';
import { eventually } from '../support/eventually.ts';
import { openFleet, startCentral, startNode } from '../support/fleet.ts';
import { readLogs, sha256 } from '../support/logs.ts';
import { startNats } from '../support/nats.ts';
import { startProxy } from '../support/proxy.ts';
import { tempDir } from '../support/temp.ts';

async function parts() {
	const nats = await startNats();
	const central = await startCentral(nats.url);
	const fleet = await openFleet(nats.url);
	const connection = await openConnection({ servers: [nats.url], name: 'test', timeoutMs: 30_000 });
	const dir = await tempDir();
	return {
		...{ nats, fleet, connection, dir, effects: effectsIn(dir.path) },
		[Symbol.asyncDispose]: async () => {
			await closeConnection(connection, systemClock);
			await fleet.close();
			await central.stop();
			await nats[Symbol.asyncDispose]();
			await dir[Symbol.asyncDispose]();
		},
	};
}

/** Sequences of a command's chunks on the stream, in order. */
async function chunkSeqs({ jsm }: Connection, id: string): Promise<number[]> {
	const seqs: number[] = [];
	const { state } = await jsm.streams.info(streams.output);
	for (let seq = state.first_seq; seq <= state.last_seq; seq++) {
		try {
			const message = await jsm.streams.getMessage(streams.output, { seq });
			if (message?.subject === subjects.output('ship1', id)) seqs.push(seq);
		} catch {
			// Deleted.
		}
	}
	return seqs;
}

test.concurrent('follows a command live, both streams, and replays the same afterwards', async () => {
	await using place = await parts();
	const { nats, fleet, effects } = place;
	await using _ship = await startNode(nats.url, 'ship1');
	const script = `echo one; ${effects.gate('two')}; echo two >&2; ${effects.gate('three')}; printf three`;
	await fleet.send(command('a', ['bash', '-c', script]));
	const seen: LogPiece[] = [];
	const text = () =>
		seen.map((piece) => (piece.kind === 'chunk' ? Buffer.from(piece.data).toString() : '')).join('');
	const following = (async () => {
		for await (const piece of fleet.logs('ship1.a', { follow: true })) seen.push(piece);
	})();
	await eventually(() => text() === 'one\n');
	await effects.open('two');
	await eventually(() => text() === 'one\ntwo\n');
	expect((await fleet.get('ship1.a'))?.state).toBe('running');
	const soFar = await readLogs(fleet, 'ship1.a');
	expect(soFar.stdout.text + soFar.stderr.text).toBe('one\ntwo\n');
	expect(soFar.end).toEqual({ kind: 'end', attempt: 1, state: 'running', complete: false });
	await effects.open('three');
	await following;
	expect(text()).toBe('one\ntwo\nthree');
	expect(seen.at(0)).toEqual({ kind: 'attempt', attempt: 1 });
	expect(seen.at(-1)).toEqual({ kind: 'end', attempt: 1, state: 'succeeded', complete: true });
	const again = await readLogs(fleet, 'ship1.a');
	expect([again.stdout.text, again.stderr.text, again.gaps]).toEqual(['one\nthree', 'two\n', []]);
	expect(again.end).toMatchObject({ complete: true });
	expect((await readLogs(fleet, 'ship1.a', { streams: ['stderr'] })).stdout.bytes).toBe(0);
});

test.concurrent('follows from before the start, through attempts, and ends at once where nothing was said', async () => {
	await using place = await parts();
	const { nats, fleet } = place;
	const backoff = { kind: 'fixed', initial: '10ms' } as const;
	const script = 'echo attempt $STEWARD_ATTEMPT; [ $STEWARD_ATTEMPT = 3 ]';
	await fleet.send(command('a', ['bash', '-c', script], { attempts: 3, backoff }));
	await fleet.send(command('silent', ['true']));
	const following = readLogs(fleet, 'ship1.a', { follow: true, patienceMs: 30_000 });
	const silent = readLogs(fleet, 'ship1.silent', { follow: true, patienceMs: 30_000 });
	await using _ship = await startNode(nats.url, 'ship1');
	const { pieces, end } = await following;
	expect(
		pieces.map((piece) => (piece.kind === 'chunk' ? Buffer.from(piece.data).toString() : piece.kind)),
	).toEqual(['attempt', 'attempt 1\n', 'attempt', 'attempt 2\n', 'attempt', 'attempt 3\n', 'end']);
	expect(end).toMatchObject({ attempt: 3, state: 'succeeded', complete: true });
	expect((await silent).pieces).toEqual([{ kind: 'end', attempt: 1, state: 'succeeded', complete: true }]);
	await expect(readLogs(fleet, 'ship1.unknown')).rejects.toMatchObject({ code: 'not-found' });
});

test.concurrent('says what is missing: chunks taken from the middle, an evicted beginning, an end that never came', async () => {
	await using place = await parts();
	const { nats, fleet, connection, dir } = place;
	await using _ship = await startNode(nats.url, 'ship1');
	const file = join(dir.path, 'bytes');
	await fleet.send(
		command('a', ['bash', '-c', `head -c 1000000 /dev/urandom | tee ${file}; head -c 200000 /dev/zero >&2`]),
	);
	const { end, stdout, stderr } = await readLogs(fleet, 'ship1.a', { follow: true });
	expect(end?.complete).toBe(true);
	const bytes = await readFile(file);
	expect([stdout.sha256, stdout.bytes, stderr.bytes]).toEqual([sha256(bytes), 1_000_000, 200_000]);

	const seqs = await chunkSeqs(connection, 'a');
	const whole = await readLogs(fleet, 'ship1.a');
	const first = whole.pieces.findIndex((piece) => piece.kind === 'chunk');
	const sizeAt = (index: number) => {
		const piece = whole.pieces[first + index];
		return piece?.kind === 'chunk' ? piece.data.length : Number.NaN;
	};
	// The third to the fifth chunk: of stdout, because stderr comes last.
	for (const seq of seqs.slice(2, 5)) await connection.jsm.streams.deleteMessage(streams.output, seq);
	const holed = await readLogs(fleet, 'ship1.a');
	const missing = sizeAt(2) + sizeAt(3) + sizeAt(4);
	expect(holed.gaps).toEqual([
		{ kind: 'gap', attempt: 1, stream: 'stdout', bytes: missing, reason: 'missing' },
	]);
	expect(holed.stdout.bytes).toBe(1_000_000 - missing);
	expect(holed.end?.complete).toBe(true);

	await connection.jsm.streams.purge(streams.output, { seq: (seqs[6] ?? 0) + 1 });
	const evicted = await readLogs(fleet, 'ship1.a');
	const gone = Array.from({ length: 7 }, (_, index) => sizeAt(index)).reduce((sum, size) => sum + size, 0);
	expect(evicted.pieces.slice(0, 2)).toEqual([
		{ kind: 'attempt', attempt: 1 },
		{ kind: 'gap', attempt: 1, stream: 'stdout', bytes: gone, reason: 'missing' },
	]);
	expect(evicted.stdout.sha256).toBe(sha256(bytes.subarray(gone)));

	// The closing chunk and the one before it: the result still knows how much there was.
	for (const seq of seqs.slice(-2)) await connection.jsm.streams.deleteMessage(streams.output, seq);
	const open = await readLogs(fleet, 'ship1.a');
	expect(open.gaps.reduce((sum, gap) => sum + (gap.bytes ?? 0), 0)).toBe(
		1_200_000 - open.stdout.bytes - open.stderr.bytes,
	);
	expect(open.gaps.at(-1)).toMatchObject({ stream: 'stderr', reason: 'missing' });
	expect(open.end).toMatchObject({ state: 'succeeded', complete: false });
	const followed = await readLogs(fleet, 'ship1.a', { follow: true, patienceMs: 100 });
	expect(followed.end).toMatchObject({ state: 'succeeded', complete: false });

	await connection.jsm.streams.purge(streams.output);
	const { result } = (await fleet.get('ship1.a')) ?? {};
	const left = await readLogs(fleet, 'ship1.a');
	expect(left.pieces.map((piece) => (piece.kind === 'chunk' ? piece.data.length : piece.kind))).toEqual([
		'attempt',
		16_384,
		'gap',
		16_384,
		16_384,
		'gap',
		16_384,
		'end',
	]);
	expect(left.gaps[0]).toEqual({
		kind: 'gap',
		attempt: 1,
		stream: 'stdout',
		bytes: result?.stdout?.cut,
		reason: 'missing',
	});
	const ends = Buffer.concat([bytes.subarray(0, 16_384), bytes.subarray(-16_384)]);
	expect(left.stdout.sha256).toBe(sha256(ends));
});

test.concurrent('holds a bounded part of a long output for a slow reader, also through lost links', async () => {
	await using place = await parts();
	const { nats, fleet, connection } = place;
	await fleet.send(command('a', ['true']));
	const publisher = new Publisher(connection, { stream: streams.output, mayLookUp: true });
	const total = 400;
	const digest = createHash('sha256');
	for (let n = 0; n < total; n++) {
		const data = Buffer.alloc(65_536, n);
		digest.update(data);
		const chunk = {
			attempt: 1,
			number: n + 1,
			kind: 'data',
			stream: 'stdout',
			offset: n * 65_536,
			data,
		} as const;
		await publisher.publish(outputRequest('ship1', 'a', chunk));
	}
	await using proxy = await startProxy(nats.port);
	await using slow = await openFleet(proxy.url);
	/** Chunks that the server has not handed over, to whichever of its readers got most. */
	const notHandedOver = async () => {
		const consumers = await connection.jsm.consumers.list(streams.output).next();
		return Math.min(...consumers.map((consumer) => consumer.num_pending));
	};
	const read = createHash('sha256');
	let chunks = 0;
	for await (const piece of slow.logs('ship1.a')) {
		if (piece.kind !== 'chunk') continue;
		read.update(piece.data);
		chunks += 1;
		if (chunks !== 3) continue;
		// Nobody reads on: after one batch nothing more comes, also when the link comes and goes.
		for (let round = 0; round < 3; round++) {
			const accepted = proxy.accepted;
			proxy.cut();
			proxy.heal();
			await eventually(() => proxy.accepted > accepted);
			await eventually(async () => (await slow.get('ship1.a'))?.state === 'queued');
			// Whatever had been asked for would come with these answers.
			for (let asked = 0; asked < 20; asked++) await slow.get('ship1.a');
			expect(await notHandedOver()).toBeGreaterThan(total - 100);
		}
	}
	expect(chunks).toBe(total);
	expect(read.digest('hex')).toBe(digest.digest('hex'));
});

test.concurrent('drops repeats, and puts in order what overtook', async () => {
	await using place = await parts();
	const { fleet, connection } = place;
	await fleet.send(command('a', ['true']));
	const publisher = new Publisher(connection, { stream: streams.output, mayLookUp: true });
	const say = (number: number, text: string, offset: number) =>
		publisher.publish(
			outputRequest('ship1', 'a', {
				...{ attempt: 1, number, kind: 'data', stream: 'stdout', offset },
				data: Buffer.from(text),
			}),
		);
	await say(1, 'one ', 0);
	await say(3, 'three ', 8);
	await say(1, 'one ', 0);
	await say(2, 'two ', 4);
	await say(3, 'three ', 8);
	await say(4, 'four', 14);
	await publisher.publish({ subject: subjects.output('ship1', 'a'), data: 'not a chunk' });
	const { stdout, gaps } = await readLogs(fleet, 'ship1.a');
	expect([stdout.text, gaps]).toEqual(['one two three four', []]);
	await say(6, ' six', 23);
	const holed = await readLogs(fleet, 'ship1.a');
	expect([holed.stdout.text, holed.gaps.map(({ bytes }) => bytes)]).toEqual(['one two three four six', [5]]);
	const ending = new AbortController();
	const live: LogPiece[] = [];
	for await (const piece of fleet.logs('ship1.a', { follow: true, signal: ending.signal })) {
		live.push(piece);
		if (live.length === 7) ending.abort();
	}
	expect(live.map(({ kind }) => kind)).toEqual([
		'attempt',
		'chunk',
		'chunk',
		'chunk',
		'chunk',
		'gap',
		'chunk',
	]);
});
