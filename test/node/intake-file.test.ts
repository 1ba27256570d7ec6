import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import {
	appendFile,
	chmod,
	link,
	mkdir,
	open,
	readdir,
	readFile,
	rename,
	rm,
	stat,
	writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { StewardError } from '../../src/base/errors.ts';
import type { Log } from '../../src/base/log.ts';
import { silentLog } from '../../src/base/log.ts';
import { IntakeFile } from '../../src/node/intake/intake-file.ts';
import { manualClock } from '../support/clock.ts';
import { eventually } from '../support/eventually.ts';
import { stressLifecycle } from '../support/lifecycle.ts';
import { tempDir } from '../support/temp.ts';
import { MemoryIntake } from './memory-intake.ts';

type Line = { level: string; text: string };

function recordingLog(lines: Line[]): Log {
	const at = (level: string) => (first: unknown, second?: string) => {
		lines.push({ level, text: second ?? String(first) });
	};
	return {
		debug: at('debug'),
		info: at('info'),
		warn: at('warn'),
		error: at('error'),
		child: () => recordingLog(lines),
	};
}

/** A folder with an intake over it; `again` is what a new process finds after a crash. */
async function setup(intake = new MemoryIntake()) {
	const dir = await tempDir();
	const clock = manualClock();
	const lines: Line[] = [];
	const path = join(dir.path, 'inmsg.txt');
	const make = () => new IntakeFile({ path, intake, node: 'ship1', clock, log: recordingLog(lines) });
	let file = make();
	const rejectedFolder = join(dir.path, 'inmsg.rejected');
	return {
		path,
		dir: dir.path,
		clock,
		intake,
		lines,
		pass: () => file.runOnce(),
		append: (text: string | Uint8Array) => appendFile(path, text),
		again() {
			file = make();
		},
		async wait(ms: number) {
			await clock.advance(ms);
			return file.runOnce();
		},
		/** Runs until nothing is left to wait for. */
		async drain() {
			for (let pass = 0; pass < 20; pass += 1) {
				const done = await file.runOnce();
				if (done.waiting === 0 && done.taken === 0 && !existsSync(path)) return;
				await clock.advance(pass < 3 ? 1100 : 15_000);
			}
			throw new Error(`never finished: ${await readdir(dir.path)}`);
		},
		/** What was rejected, in order: text and reason. */
		async rejected() {
			const names = existsSync(rejectedFolder) ? (await readdir(rejectedFolder)).sort() : [];
			const texts = names.filter((name) => name.endsWith('.json'));
			return Promise.all(
				texts.map(async (name) => ({
					text: await readFile(join(rejectedFolder, name), 'utf8'),
					reason: await readFile(join(rejectedFolder, name.replace('.json', '.reason.txt')), 'utf8'),
				})),
			);
		},
		names: async () => (await readdir(dir.path)).sort(),
		[Symbol.asyncDispose]: () => dir[Symbol.asyncDispose](),
	};
}

/** Park and Miller's generator: the same seed gives the same mixture, so that a failure can be seen again. */
function repeatableRandom(seed: number): () => number {
	let state = seed * 7919;
	return () => {
		state = (state * 48_271) % 2_147_483_647;
		return state / 2_147_483_647;
	};
}

const message = (data: unknown, more: Record<string, unknown> = {}) => ({
	toNode: 'ship1',
	commandOrEvent: 'command',
	method: 'shellCommand',
	data,
	...more,
});
const line = (...data: unknown[]) => `${JSON.stringify(data.map((item) => message(item)))}\n`;

test('takes the two examples word for word', async () => {
	await using box = await setup();
	await box.append(
		'[{"toNode":"ship1","data":["bash","-c","ls -l ../"],"commandOrEvent":"command","method":"shellCommand"}]',
	);
	expect(await box.pass()).toMatchObject({ taken: 1, accepted: 1, rejected: 0 });
	await box.append(
		'[{"toNode":"central","data":["some message sent from a ship for testing\\n"],"commandOrEvent":"event","method":"textLogging"}]',
	);
	expect(await box.pass()).toMatchObject({ taken: 1, accepted: 1, rejected: 0 });
	expect(
		box.intake.items.map(({ message }) => [message.target, message.kind, message.method, message.data]),
	).toEqual([
		[{ nodes: ['ship1'] }, 'command', 'shellCommand', ['bash', '-c', 'ls -l ../']],
		[{ nodes: ['central'] }, 'event', 'textLogging', ['some message sent from a ship for testing\n']],
	]);
	await box.drain();
	expect(await box.names()).toEqual([]);
	expect([...box.intake.progressOf]).toEqual([]);
});

test('runs the same text twice when it is appended twice, and keeps an id that a message names', async () => {
	await using box = await setup();
	await box.append(line('a') + line('a'));
	await box.pass();
	await box.append(line('a'));
	await box.append(`${JSON.stringify(message('b', { id: 'mine' }))}`);
	await box.drain();
	expect(box.intake.data).toEqual(['a', 'a', 'a', 'b']);
	expect(new Set(box.intake.ids).size).toBe(4);
	expect(box.intake.ids[3]).toBe('mine');
});

test('takes arrays and objects in any mixture, with CRLF, byte order mark, blank lines and long lines', async () => {
	await using box = await setup();
	const long = 'ü'.repeat(200_000);
	await box.append(
		`\uFEFF${JSON.stringify(message(1))}\r\n\r\n[]${line(2, 3)}${JSON.stringify(message(4), null, 2)}\r\n`,
	);
	await box.append(`${JSON.stringify([message(long)], null, '\t')}${JSON.stringify(message(5))}`);
	await box.drain();
	expect(box.intake.data).toEqual([1, 2, 3, 4, long, 5]);
	expect(await box.rejected()).toEqual([]);
});

test('waits for an unfinished tail, whoever writes the rest, and sends what stands before it at once', async () => {
	await using box = await setup();
	const text = line('second');
	await box.append(line('first') + text.slice(0, 25));
	expect(await box.pass()).toMatchObject({ accepted: 1, waiting: 1 });
	expect((await readFile(box.path, 'utf8')).trim()).toBe(text.slice(0, 25));
	await box.wait(4000);
	await box.append(text.slice(25, 60));
	await box.wait(4000);
	expect(box.lines).toEqual([]);
	await box.append(text.slice(60));
	expect(await box.pass()).toMatchObject({ accepted: 1 });
	await box.drain();
	expect(box.intake.data).toEqual(['first', 'second']);
	expect(await box.names()).toEqual([]);
});

test('waits for the tail of a writer that holds the taken file open', async () => {
	await using box = await setup();
	const writer = await open(box.path, 'a');
	await writer.write(line('first'));
	await box.pass();
	const text = line('second');
	await writer.write(text.slice(0, 30));
	await box.wait(60_000);
	await box.append(line('by another'));
	await box.wait(30_000);
	await writer.write(text.slice(30));
	await box.pass();
	expect(box.intake.data).toEqual(['first', 'by another', 'second']);
	await box.wait(3_600_000);
	await writer.write(line('an hour later'));
	await writer.close();
	await box.drain();
	expect(box.intake.data).toEqual(['first', 'by another', 'second', 'an hour later']);
	expect(box.lines.filter(({ level }) => level !== 'warn')).toHaveLength(1);
	expect(await box.names()).toEqual([]);
});

test('warns of an unfinished tail after 5 s, and rejects it after 60 s without growth', async () => {
	await using box = await setup();
	await box.append('[{"toNode":');
	await box.pass();
	await box.wait(4900);
	expect(box.lines).toEqual([]);
	await box.wait(200);
	await box.wait(1000);
	expect(box.lines.map(({ level }) => level)).toEqual(['warn']);
	await box.append('"sh');
	await box.pass();
	await box.wait(59_900);
	expect(await box.rejected()).toEqual([]);
	expect(await box.wait(200)).toMatchObject({ rejected: 1 });
	expect(await box.rejected()).toEqual([
		{ text: '[{"toNode":"sh', reason: expect.stringContaining('the value has no end') },
	]);
	await box.append(line('next'));
	await box.drain();
	expect(box.intake.data).toEqual(['next']);
});

test('sends the good messages beside bad ones, and keeps the bad ones word for word with all reasons', async () => {
	await using box = await setup();
	const bad = '{"toNode":"ship1", "comandOrEvent":"command" ,"method":"shellCommand","data":1e2}';
	await box.append(`[${JSON.stringify(message(1))}, ${bad} , 7,${JSON.stringify(message(2))}]\n`);
	await box.append(`{"toNode":"ship1"\n${line(3)}oops\n${line(4)}["\xff"]`);
	await box.append(Buffer.from('\n["\xff"]\n\0\0\n', 'latin1'));
	await box.append(line(5));
	await box.drain();
	expect(box.intake.data).toEqual([1, 2, 3, 4, 5]);
	const rejected = await box.rejected();
	expect(rejected.map(({ text }) => text).sort()).toEqual(
		[bad, '7', '{"toNode":"ship1"\n', 'oops\n', '"ÿ"', '["\uFFFD"]', '\0\0\n'].sort(),
	);
	const reason = rejected.find(({ text }) => text === bad)?.reason;
	expect(reason).toContain('comandOrEvent: unknown field; did you mean "commandOrEvent"?');
	expect(reason).toContain('next step');
	const [name = ''] = await readdir(join(box.dir, 'inmsg.rejected'));
	expect((await stat(join(box.dir, 'inmsg.rejected', name))).mode & 0o777).toBe(0o600);
	expect((await stat(join(box.dir, 'inmsg.rejected'))).mode & 0o777).toBe(0o700);
});

test('rejects broken text without a line end soon, and a value that is too large', async () => {
	await using box = await setup();
	await box.append(`[{"toNode": oops}]`);
	await box.pass();
	expect(await box.wait(1000)).toMatchObject({ rejected: 1 });
	const large = `[{"toNode":"ship1","data":"${'x'.repeat(9 * 1024 * 1024)}"}]`;
	await box.append(`${large}\n${line('small')}`);
	await box.drain();
	expect(box.intake.data).toEqual(['small']);
	expect((await box.rejected()).map(({ text }) => text.length)).toEqual([18, large.length]);
});

test('takes a file that is moved over it, also while a tail waits', async () => {
	await using box = await setup();
	const other = join(box.dir, 'other');
	await writeFile(other, line('moved'));
	await rename(other, box.path);
	await box.pass();
	await box.append(`${line('before')}[{"to`);
	await box.pass();
	await writeFile(other, line('over it'));
	await rename(other, box.path);
	await box.pass();
	expect(box.intake.data).toEqual(['moved', 'before', 'over it']);
	await box.wait(60_000);
	await box.drain();
	expect((await box.rejected()).map(({ text }) => text)).toEqual(['[{"to']);
});

test('reads a text that overwrites a waiting tail from its start', async () => {
	await using box = await setup();
	await box.append(`${line('old')}[{"to`);
	await box.pass();
	await writeFile(box.path, `${line('new one')}${line('new two')}`);
	await box.drain();
	expect(box.intake.data).toEqual(['old', 'new one', 'new two']);
});

test('says once what is wrong with the path, and goes on when it is well', async () => {
	await using box = await setup();
	expect(await box.pass()).toEqual({ taken: 0, accepted: 0, rejected: 0, removed: 0, waiting: 0 });
	await mkdir(box.path);
	await box.pass();
	await box.pass();
	expect(box.lines).toHaveLength(1);
	expect(box.lines[0]?.text).toContain('not a regular file');
	await rm(box.path, { recursive: true });
	await box.append(line(1));
	await box.drain();
	expect(box.intake.data).toEqual([1]);
});

test.skipIf(process.getuid?.() === 0)('waits for the right to read the file', async () => {
	await using box = await setup();
	await box.append(line(1));
	await chmod(box.path, 0);
	await box.pass();
	await box.pass();
	expect(box.lines).toHaveLength(1);
	await chmod(box.path, 0o600);
	await box.drain();
	expect(box.intake.data).toEqual([1]);
});

test('keeps the text while the disk of the outbox is full', async () => {
	await using box = await setup();
	box.intake.before = () => {
		throw new StewardError('storage', 'the disk is full');
	};
	await box.append(line(1, 2) + line(3));
	for (let pass = 0; pass < 3; pass += 1) await expect(box.pass()).rejects.toMatchObject({ code: 'storage' });
	await box.append(line(4));
	box.intake.before = () => undefined;
	await box.drain();
	expect(box.intake.data).toEqual([1, 2, 3, 4]);
});

test('retries later and later while the outbox fails', async () => {
	await using dir = await tempDir();
	const clock = manualClock();
	const intake = new MemoryIntake();
	const path = join(dir.path, 'inmsg.txt');
	await writeFile(path, line(1));
	intake.before = () => {
		throw new StewardError('storage', 'the disk is full');
	};
	const file = new IntakeFile({ path, intake, node: 'ship1', clock, log: silentLog });
	await file.start();
	for (const [failures, waitMs] of [
		[1, 1000],
		[2, 2000],
		[3, 4000],
	] as const) {
		await eventually(() => intake.calls === failures && clock.pending === 1);
		await clock.advance(waitMs - 1);
		expect(intake.calls).toBe(failures);
		await clock.advance(1);
	}
	await eventually(() => intake.calls === 4 && clock.pending === 1);
	intake.before = () => undefined;
	await clock.advance(8000);
	await eventually(() => intake.items.length === 1);
	await file.stop();
	expect(clock.pending).toBe(0);
});

test('rejects the one message that the outbox refuses, and sends the others', async () => {
	await using box = await setup();
	box.intake.before = (items) => {
		if (items.some(({ message }) => message.data === 'too large'))
			throw new StewardError('refused', 'larger than the broker takes');
	};
	await box.append(line(1, 'too large', 2) + line(3));
	await box.drain();
	expect(box.intake.data).toEqual([1, 2, 3]);
	const [rejected] = await box.rejected();
	expect(JSON.parse(rejected?.text ?? '')).toEqual(message('too large'));
	expect(rejected?.reason).toContain('larger than the broker takes');
});

test('warns when many rejected texts lie there, and drops none', async () => {
	await using box = await setup();
	await mkdir(join(box.dir, 'inmsg.rejected'));
	for (let n = 0; n < 1000; n += 1) await writeFile(join(box.dir, 'inmsg.rejected', `old-${n}.json`), '');
	await box.append('oops\n');
	await box.drain();
	expect(box.lines.filter(({ text }) => text.includes('1000 rejected'))).toHaveLength(1);
	expect((await readdir(join(box.dir, 'inmsg.rejected'))).length).toBe(1002);
});

test('loses nothing and repeats nothing, wherever a crash comes between two steps', async () => {
	const text = `${line(1, 2)}${JSON.stringify(message(3))}\noops\n${line(4)}[${JSON.stringify(message(5))}, 9]`;
	for (const side of ['before', 'after'] as const) {
		for (let crashAt = 1; crashAt <= 6; crashAt += 1) {
			await using box = await setup();
			const once = (_: unknown, call: number) => {
				if (call === crashAt) throw new Error('crash');
			};
			box.intake[side] = once;
			await box.append(text.slice(0, 90));
			for (const step of [0, 1, 2, 3, 4, 5]) {
				await box.pass().catch(() => box.again());
				if (step === 0) await box.append(text.slice(90));
				await box.clock.advance(3000);
				if (step === 3) await box.append(line(6));
			}
			await box.drain();
			expect(box.intake.data).toEqual([1, 2, 3, 4, 5, 6]);
			expect((await box.rejected()).map((one) => one.text).sort()).toEqual(['9', 'oops\n']);
			expect(await box.names()).toEqual(['inmsg.rejected']);
		}
	}
});

test('finishes what a crash left, oldest first, before what is new', async () => {
	await using box = await setup();
	const taken = (ms: number) => join(box.dir, `inmsg.taken-${ms}-${'x'.repeat(16)}`);
	// Taken, nothing accepted yet.
	await writeFile(taken(1700000000002), line('b1', 'b2'));
	// Partly accepted.
	await writeFile(taken(1700000000001), line('a1') + line('a2', 'a3', 'a4'));
	box.intake.progressOf.set(`inmsg:1700000000001-${'x'.repeat(16)}`, `${line('a1').length}+1`);
	// Wholly accepted, not yet removed.
	await writeFile(taken(1700000000003), line('done'));
	box.intake.progressOf.set(`inmsg:1700000000003-${'x'.repeat(16)}`, `${line('done').length}`);
	// Being detached: a second name of the same file.
	await link(taken(1700000000003), taken(1700000000004));
	await box.append(line('new'));
	await box.drain();
	expect(box.intake.data).toEqual(['a3', 'a4', 'b1', 'b2', 'new']);
	expect(await box.names()).toEqual([]);
	expect([...box.intake.progressOf]).toEqual([]);
});

test('gives the same ids again when an accept was not heard of', async () => {
	await using box = await setup();
	await box.append(line(1, 2));
	const seen: string[][] = [];
	box.intake.before = (items) => {
		seen.push(items.map(({ id }) => id));
		if (seen.length < 3) throw new Error('crash');
	};
	for (let n = 0; n < 2; n += 1) {
		await expect(box.pass()).rejects.toThrow('crash');
		box.again();
	}
	await box.drain();
	expect(seen[1]).toEqual(seen[0]);
	expect(seen[2]).toEqual(seen[0]);
});

/** Appends `text` in random pieces, through one descriptor or opening the file anew for each. */
async function writeFromChild(path: string, text: string, reopen: boolean, seed: number): Promise<void> {
	const script = `
		const fs = require('fs');
		const text = fs.readFileSync(0);
		let seed = ${seed};
		const random = () => (seed = (seed * 1103515245 + 12345) % 2147483648) / 2147483648;
		const fd = ${reopen} ? undefined : fs.openSync(${JSON.stringify(path)}, 'a');
		for (let at = 0; at < text.length; ) {
			const piece = text.subarray(at, at + 1 + Math.floor(random() * 400));
			fs.appendFileSync(fd ?? ${JSON.stringify(path)}, piece);
			at += piece.length;
			if (random() < 0.02) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, random() * 20);
		}`;
	const child = spawn(process.execPath, ['-e', script], { stdio: ['pipe', 'inherit', 'inherit'] });
	child.stdin.end(text);
	const [code] = await once(child, 'exit');
	expect(code).toBe(0);
}

test.each([
	['through one descriptor', false],
	['opening the file anew for each', true],
])(
	'takes 2,000 messages that a process writes in random pieces, %s, once and in order',
	async (_, reopen) => {
		await using dir = await tempDir();
		const intake = new MemoryIntake();
		const path = join(dir.path, 'inmsg.txt');
		const lines: Line[] = [];
		const file = new IntakeFile({
			path,
			intake,
			node: 'ship1',
			clock: systemClock,
			log: recordingLog(lines),
		});
		await file.start();
		const numbers = Array.from({ length: 2000 }, (_, n) => n);
		const text = numbers.map((n) => line(`${n} ${'ü'.repeat(n % 50)}`)).join('');
		await writeFromChild(path, text, reopen, 42);
		await eventually(() => intake.items.length >= 2000, { message: '2,000 messages' });
		await eventually(async () => (await readdir(dir.path)).length === 0);
		await file.stop();
		expect(intake.data.map((data) => Number(String(data).split(' ')[0]))).toEqual(numbers);
		expect(new Set(intake.ids).size).toBe(2000);
		expect([...intake.progressOf]).toEqual([]);
	},
);

test('notices an append at once, and by polling where nothing tells of it', async () => {
	await using dir = await tempDir();
	const intake = new MemoryIntake();
	const path = join(dir.path, 'made', 'inmsg.txt');
	const file = new IntakeFile({
		path,
		intake,
		node: 'ship1',
		clock: systemClock,
		log: silentLog,
		pollMs: 3_600_000,
	});
	await file.start();
	expect((await stat(join(dir.path, 'made'))).mode & 0o777).toBe(0o700);
	for (const n of [1, 2, 3]) {
		await appendFile(path, line(n));
		await eventually(() => intake.items.length === n);
	}
	await file.stop();
	await appendFile(path, line(4));
	await file.start();
	await eventually(() => intake.items.length === 4);
	await file.stop();
});

test('survives any mixture of good and bad lines, in pieces and with crashes: no good line is lost or repeated', async () => {
	for (let seed = 1; seed <= 20; seed += 1) {
		await using box = await setup();
		const random = repeatableRandom(seed);
		const pick = <T>(choices: readonly [T, ...T[]]): T =>
			choices[Math.floor(random() * choices.length)] ?? choices[0];
		let n = 0;
		const good: number[] = [];
		const goodLine = () => {
			const count = 1 + Math.floor(random() * 3);
			const items = Array.from({ length: count }, () => {
				good.push(n);
				return message([n++, pick(['', 'ü€😀', '"]}\\', ' \n\t'])]);
			});
			return count === 1 && random() < 0.5 ? JSON.stringify(items[0]) : JSON.stringify(items);
		};
		const whole = () => JSON.stringify([message(['never', n])]);
		const badLine = () =>
			pick<() => string>([
				() => whole().slice(0, 1 + Math.floor(random() * 70)),
				() => whole().replace(',', ' '),
				() => whole().replace('ship1', 'sh\u0001ip'),
				() => `x${whole()}`,
				() => `${whole().slice(0, -2)}]}`,
				() => '[{"toNode":"_","data":1}]',
				() => '\0\0\0',
				() => 'oops',
				() => '"text"',
				() => '[1,2',
				() => '{"a":[{"b":"',
			])();
		const parts = Array.from({ length: 25 }, () => (random() < 0.5 ? goodLine() : badLine()));
		const bytes = Buffer.from(`${parts.join(pick(['\n', '\r\n']))}\n`);
		const side = pick<'before' | 'after'>(['before', 'after']);
		box.intake[side] = () => {
			if (random() < 0.1) throw new Error('crash');
		};
		for (let at = 0; at < bytes.length; ) {
			const piece = bytes.subarray(at, at + 1 + Math.floor(random() * 300));
			await box.append(piece);
			at += piece.length;
			if (random() < 0.7) await box.pass().catch(() => box.again());
			await box.clock.advance(random() * 900);
		}
		box.intake.before = () => undefined;
		box.intake.after = () => undefined;
		await box.drain();
		const seen = box.intake.data.map((data) => (Array.isArray(data) ? data[0] : data));
		expect({ seed, seen: seen.filter((one) => one !== 'never') }).toEqual({ seed, seen: good });
		expect(new Set(box.intake.ids).size).toBe(box.intake.ids.length);
		expect((await box.names()).filter((name) => name !== 'inmsg.rejected')).toEqual([]);
	}
});

test('takes a large file in bounded memory', async () => {
	await using box = await setup();
	const block = Array.from({ length: 1000 }, () => line('x'.repeat(900))).join('');
	for (let n = 0; n < 40; n += 1) await box.append(block);
	let largest = 0;
	box.intake.after = (items) => {
		largest = Math.max(largest, items.length);
		box.intake.items.length = 0;
	};
	const heldBefore = process.memoryUsage().arrayBuffers;
	expect(await box.pass()).toMatchObject({ accepted: 40_000, rejected: 0 });
	expect(largest).toBeLessThanOrEqual(1100);
	expect(process.memoryUsage().arrayBuffers - heldBefore).toBeLessThan(30 * 1024 * 1024);
});

test('starts and stops in any order', async () => {
	await using dir = await tempDir();
	const path = join(dir.path, 'inmsg.txt');
	await stressLifecycle(
		() =>
			new IntakeFile({ path, intake: new MemoryIntake(), node: 'ship1', clock: systemClock, log: silentLog }),
	);
});
