import { execFile } from 'node:child_process';
import { appendFile, copyFile, mkdir, readdir, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import type { OutputChunk } from '../../../src/domain/output.ts';
import { SpoolBudget } from '../../../src/node/output/budget.ts';
import { frameHeaderBytes } from '../../../src/node/output/frames.ts';
import { RunWriter } from '../../../src/node/output/run-writer.ts';
import { Segment } from '../../../src/node/output/segment.ts';
import { runsOf, type Shipment, SpooledRun } from '../../../src/node/output/spooled-run.ts';
import { eventually } from '../../support/eventually.ts';
import { recordingLog } from '../../support/log.ts';
import { tempDir } from '../../support/temp.ts';

const run = promisify(execFile);
const largest = 64 * 1024;
const name = { id: 'a-b_c', attempt: 3, token: 'tok-en_1' };

async function spool(mostBytes = 64 * 1024 * 1024) {
	const dir = await tempDir();
	const log = recordingLog();
	const budget = new SpoolBudget(mostBytes, log);
	const options = { dir: dir.path, budget, onWritten: () => undefined, log };
	return {
		...{ dir, log, budget, options },
		run: new SpooledRun(name, options),
		/** What the next process of the node finds. */
		async found(folder = dir.path) {
			const [first] = runsOf(await readdir(folder));
			if (!first) throw new Error(`nothing in ${folder}`);
			const again = { ...options, dir: folder, budget: new SpoolBudget(mostBytes, log) };
			return SpooledRun.found(first.name, first.segments, again);
		},
		/** All that it sends, until nothing is left. */
		async rest() {
			const again = await this.found();
			const chunks = await drain(again);
			await again.close();
			return chunks;
		},
		/** A copy of the folder, as a crash would leave it now. */
		async crash() {
			const copy = join(dir.path, `crash-${(await readdir(dir.path)).length}`);
			await mkdir(copy);
			for (const file of await readdir(dir.path)) {
				if (file.startsWith(name.id)) await copyFile(join(dir.path, file), join(copy, file));
			}
			return copy;
		},
		[Symbol.asyncDispose]: dir[Symbol.asyncDispose],
	};
}

const next = (run: SpooledRun, limit = largest) => run.next(limit, () => true, Number.POSITIVE_INFINITY);

/** All that comes, each confirmed when it has come. */
async function drain(run: SpooledRun, limit = largest): Promise<OutputChunk[]> {
	const chunks: OutputChunk[] = [];
	for (let shipment = await next(run, limit); shipment; shipment = await next(run, limit)) {
		chunks.push(...shipment.chunks);
		run.confirm(shipment);
	}
	return chunks;
}

function brief(chunk: OutputChunk): string {
	switch (chunk.kind) {
		case 'data':
			return `${chunk.number} ${chunk.stream} ${chunk.offset}+${chunk.data.length}`;
		case 'cut':
			return `${chunk.number} ${chunk.stream} cut ${chunk.offset}+${chunk.bytes}`;
		case 'end':
			return `${chunk.number} ${chunk.how} ${chunk.totals.stdout}/${chunk.totals.stderr}`;
	}
}

function bytesOf(chunks: readonly OutputChunk[]): Buffer {
	return Buffer.concat(chunks.flatMap((chunk) => (chunk.kind === 'data' ? [chunk.data] : [])));
}

describe('one attempt in the spool', () => {
	test('what is there goes at once; what gathers meanwhile goes together, one chunk a stream', async () => {
		await using parts = await spool();
		const { run } = parts;
		await run.append('stdout', 0, Buffer.from('one'));
		const first = await next(run);
		expect(first?.chunks.map(brief)).toEqual(['1 stdout 0+3']);
		await run.append('stderr', 0, Buffer.from('x'));
		await run.append('stdout', 3, Buffer.from('two'));
		await run.append('stderr', 1, Buffer.from('y'));
		expect(await next(run)).toBe(undefined);
		run.confirm(first as Shipment);
		const second = await next(run);
		await run.close();
		expect(second?.chunks.map(brief)).toEqual(['2 stderr 0+2', '3 stdout 3+3']);
		expect(bytesOf(second?.chunks ?? []).toString()).toBe('xytwo');
	});

	test('full chunks go beside each other, and an end that was said goes with what is left', async () => {
		await using parts = await spool();
		const { run, dir } = parts;
		for (let n = 0; n < 3; n++) await run.append('stdout', n * 50_000, Buffer.alloc(50_000, n));
		run.finish({ how: 'ended', totals: { stdout: 150_000, stderr: 0 } });
		const shipments: Shipment[] = [];
		for (let one = await next(run); one; one = await next(run)) shipments.push(one);
		expect(shipments.flatMap(({ chunks }) => chunks.map(brief))).toEqual([
			'1 stdout 0+65536',
			'2 stdout 65536+65536',
			'3 stdout 131072+18928',
			'4 ended 150000/0',
		]);
		// Answers come in any order.
		for (const shipment of shipments.reverse()) run.confirm(shipment);
		expect(run.isOver).toBe(true);
		await run.close();
		expect(await readdir(dir.path)).toEqual([]);
	});

	test('what was under way when the link was lost goes again, the same', async () => {
		await using parts = await spool();
		const { run } = parts;
		await run.append('stdout', 0, Buffer.alloc(200_000, 'a'));
		const [one, two] = [await next(run), await next(run)];
		run.rewind();
		expect([await next(run), await next(run)]).toEqual([one, two]);
		await run.close();
	});

	test('segments leave the disk when they are confirmed, and not before', async () => {
		await using parts = await spool(2 * 1024 * 1024);
		const { run, dir, budget } = parts;
		// A segment is an eighth of a MiB here.
		for (let n = 0; n < 12; n++) await run.append('stdout', n * 65_536, Buffer.alloc(65_536, n));
		const segments = async () => (await readdir(dir.path)).filter((file) => file.endsWith('.segment')).length;
		expect(await segments()).toBe(6);
		const shipments: Shipment[] = [];
		for (let n = 0; n < 5; n++) shipments.push((await next(run)) as Shipment);
		for (const shipment of shipments.slice(1)) run.confirm(shipment);
		await run.close();
		expect(await segments()).toBe(6);
		run.confirm(shipments[0] as Shipment);
		await run.close();
		expect(await segments()).toBe(4);
		expect(budget.take(2 * 1024 * 1024 - 8 * (65_536 + frameHeaderBytes))).toBe(true);
		expect(budget.take(1)).toBe(false);
	});

	test('what does not fit is refused at once, and marked when there is room again, and at the end', async () => {
		await using parts = await spool(300_000);
		const { run, log } = parts;
		for (let n = 0; n < 8; n++) await run.append('stdout', n * 50_000, Buffer.alloc(50_000, n));
		expect((await drain(run)).map(brief)).toEqual([
			'1 stdout 0+65536',
			'2 stdout 65536+65536',
			'3 stdout 131072+18928',
			'4 stdout 150000+65536',
			'5 stdout 215536+34464',
		]);
		await run.append('stdout', 400_000, Buffer.alloc(10));
		run.finish({ how: 'ended', totals: { stdout: 500_000, stderr: 7 } });
		await run.close();
		expect((await drain(run)).map(brief)).toEqual([
			'6 stdout cut 250000+150000',
			'7 stdout 400000+10',
			'8 stdout cut 400010+99990',
			'9 stderr cut 0+7',
			'10 ended 500000/7',
		]);
		expect(log.lines.filter(({ message }) => message.includes('its spool is full'))).toHaveLength(1);
	});

	test('a disk that is full costs bytes, said in the chunks and once in the log', async () => {
		await using parts = await spool();
		const { budget, log } = parts;
		const writer = new RunWriter({ pathOf: () => '/dev/full', budget, onWritten: () => undefined });
		await writer.append('stdout', 0, Buffer.alloc(1000));
		await writer.append('stdout', 1000, Buffer.alloc(1000));
		await writer.close();
		expect(writer.segments.map(({ size }) => size)).toEqual([0]);
		await writer.segments[0]?.close();
		expect(log.lines.filter(({ level }) => level === 'error')).toHaveLength(1);
		expect(budget.take(64 * 1024 * 1024)).toBe(true);
	});

	test('memory is bounded where nobody waits: what is too much is refused', async () => {
		await using parts = await spool();
		const { run } = parts;
		for (let n = 0; n < 400; n++) void run.append('stdout', n * 10_000, Buffer.alloc(10_000));
		run.finish({ how: 'ended', totals: { stdout: 4_000_000, stderr: 0 } });
		await run.close();
		const chunks = await drain(run);
		const kept = bytesOf(chunks).length;
		expect(kept).toBeGreaterThan(1_000_000);
		expect(kept).toBeLessThan(1_200_000);
		expect(chunks.slice(-2).map(brief)).toEqual([
			expect.stringContaining(`cut ${kept}+${4_000_000 - kept}`),
			expect.stringContaining('ended 4000000/0'),
		]);
	});
});

describe('after a crash', () => {
	test('the same chunks are made again under the same numbers, then the rest, then the end that says so', async () => {
		await using parts = await spool(2 * 1024 * 1024);
		const { run } = parts;
		let offset = { stdout: 0, stderr: 0 };
		const say = async (stream: 'stdout' | 'stderr', size: number) => {
			await run.append(stream, offset[stream], Buffer.alloc(size, `${stream}${size}`));
			offset = { ...offset, [stream]: offset[stream] + size };
		};
		for (const size of [10, 70_000, 3, 65_000, 90_000, 1]) {
			await say('stdout', size);
			await say('stderr', Math.floor(size / 2) + 1);
		}
		const before: Shipment[] = [];
		// A limit that changes, as the window does.
		for (const limit of [100, 5000, largest, 30_000, largest]) {
			const shipment = await next(run, limit);
			if (shipment) before.push(shipment);
			if (shipment && !shipment.isFull) run.confirm(shipment);
		}
		expect(before.length).toBeGreaterThan(3);
		const again = await parts.found(await parts.crash());
		const made: OutputChunk[] = [];
		for (let one = await next(again); one; one = await next(again)) {
			made.push(...one.chunks);
			if (!one.isFull) again.confirm(one);
		}
		const sent = before.flatMap(({ chunks }) => chunks);
		expect(made.slice(0, sent.length)).toEqual(sent);
		expect(made.map(({ number }) => number)).toEqual(made.map((_, index) => index + 1));
		expect(made.at(-1)).toMatchObject({ kind: 'end', how: 'cutOff', totals: offset });
		const total = (stream: string) =>
			made.reduce(
				(sum, one) => sum + (one.kind === 'data' && one.stream === stream ? one.data.length : 0),
				0,
			);
		expect([total('stdout'), total('stderr')]).toEqual([offset.stdout, offset.stderr]);
		await Promise.all([run.close(), again.close()]);
	});

	test('a segment that was confirmed is not sent again, and numbers and offsets go on', async () => {
		await using parts = await spool(2 * 1024 * 1024);
		const { run } = parts;
		for (let n = 0; n < 6; n++) await run.append('stdout', n * 65_536, Buffer.alloc(65_536, n));
		for (let n = 0; n < 4; n++) run.confirm((await next(run)) as Shipment);
		await run.append('stderr', 0, Buffer.from('x'));
		await run.close();
		const again = await parts.found();
		expect((await drain(again)).map(brief)).toEqual([
			'3 stdout 131072+65536',
			'4 stdout 196608+65536',
			'5 stdout 262144+65536',
			'6 stdout 327680+65536',
			'7 stderr 0+1',
			'8 cutOff 393216/1',
		]);
		await again.close();
		expect(again.isOver).toBe(true);
	});

	test('an end that was said stays as it was; a frame that is not whole is no more', async () => {
		await using parts = await spool();
		const { run, dir } = parts;
		await run.append('stdout', 0, Buffer.from('whole'));
		run.finish({ how: 'ended', totals: { stdout: 9, stderr: 0 } });
		await run.close();
		const file = join(dir.path, (await readdir(dir.path))[0] ?? '');
		const whole = await readFile(file);
		expect((await parts.rest()).map(brief)).toEqual(['1 stdout 0+5', '2 stdout cut 5+4', '3 ended 9/0']);
		for (let size = frameHeaderBytes + 5; size < whole.length; size++) {
			await writeFile(file, whole);
			await truncate(file, size);
			expect((await parts.rest()).map(brief)).toEqual(['1 stdout 0+5', '2 cutOff 5/0']);
		}
		await writeFile(file, whole.subarray(0, frameHeaderBytes + 3));
		expect((await parts.rest()).map(brief)).toEqual(['1 cutOff 0/0']);
		await writeFile(file, 'anything else');
		expect((await parts.rest()).map(brief)).toEqual(['1 cutOff 0/0']);
	});

	test('marks that do not fit the bytes are left, and what follows has numbers of its own', async () => {
		await using parts = await spool();
		const { run, dir } = parts;
		await run.append('stdout', 0, Buffer.from('one'));
		await next(run);
		await run.append('stdout', 3, Buffer.from('two'));
		await run.close();
		const marks = (await readdir(dir.path)).find((file) => file.endsWith('.marks')) ?? '';
		const good = await readFile(join(dir.path, marks));
		// As if more had been sent than the disk still knows of.
		await appendFile(join(dir.path, marks), good);
		expect((await parts.rest()).map(brief)).toEqual(['1 stdout 0+3', '3 stdout 3+3', '4 cutOff 6/0']);
	});

	test('files that are not its own are left alone', () => {
		expect(
			runsOf([
				'x',
				'a.1.t.1.segment',
				'a.1.t.2.segment',
				'a.1.t.marks',
				'b.2.u.marks',
				'../a.1.t.marks',
				'a.1.t.1.other',
			]),
		).toEqual([
			{ name: { id: 'a', attempt: 1, token: 't' }, segments: [1, 2] },
			{ name: { id: 'b', attempt: 2, token: 'u' }, segments: [] },
		]);
	});
});

test('attempts that have ended keep no file open while nothing can be sent', async () => {
	await using parts = await spool();
	const open = async () => (await readdir('/proc/self/fd')).length;
	const before = await open();
	const runs = Array.from({ length: 50 }, (_, n) => new SpooledRun({ ...name, id: `c${n}` }, parts.options));
	for (const run of runs) {
		await run.append('stdout', 0, Buffer.from('said'));
		run.finish({ how: 'ended', totals: { stdout: 4, stderr: 0 } });
	}
	await eventually(async () => (await open()) < before + 5);
	for (const run of runs) expect((await drain(run)).map(brief)).toEqual(['1 stdout 0+4', '2 ended 4/0']);
	await Promise.all(runs.map((run) => run.close()));
	expect(await readdir(parts.dir.path)).toEqual([]);
});

const isRoot = process.getuid?.() === 0;

// Only root can mount the small disk that it needs.
test.skipIf(!isRoot)('a write that a full disk cut short leaves nothing that could be read', async () => {
	await using dir = await tempDir();
	await run('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', dir.path]);
	try {
		const path = join(dir.path, 'segment');
		const segment = new Segment(1, path);
		await segment.append(Buffer.alloc(150_000, 'a'));
		await expect(segment.append(Buffer.alloc(150_000, 'b'))).rejects.toMatchObject({ code: 'ENOSPC' });
		expect([segment.size, (await stat(path)).size]).toEqual([150_000, 150_000]);
		await segment.append(Buffer.from('fits'));
		expect((await segment.read(149_999, 100)).toString()).toBe('afits');
		await segment.close();
	} finally {
		await run('umount', [dir.path]);
	}
});
