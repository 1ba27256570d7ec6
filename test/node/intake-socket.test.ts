import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { StewardError } from '../../src/base/errors.ts';
import { silentLog } from '../../src/base/log.ts';
import type { MessageForm } from '../../src/domain/message.ts';
import { IntakeSocket } from '../../src/node/intake/intake-socket.ts';
import { pingSocket, sendViaSocket } from '../../src/node/intake/socket-client.ts';
import { socketPathFor } from '../../src/node/intake/socket-path.ts';
import { LineSplitter } from '../../src/node/intake/socket-protocol.ts';
import { eventually } from '../support/eventually.ts';
import { stressLifecycle } from '../support/lifecycle.ts';
import { tempDir } from '../support/temp.ts';
import { MemoryIntake } from './memory-intake.ts';

const patience = { timeoutMs: 60_000, clock: systemClock };
const command: MessageForm = {
	toNode: 'ship1',
	commandOrEvent: 'command',
	method: 'shellCommand',
	data: ['bash', '-c', 'ls'],
};

function make(
	path: string,
	options: { intake?: MemoryIntake; idleMs?: number; maxConnections?: number } = {},
) {
	const intake = options.intake ?? new MemoryIntake();
	const socket = new IntakeSocket({
		path,
		intake,
		node: 'ship1',
		clock: systemClock,
		log: silentLog,
		...(options.idleMs && { idleMs: options.idleMs }),
		...(options.maxConnections && { maxConnections: options.maxConnections }),
	});
	return { socket, intake, [Symbol.asyncDispose]: () => socket.stop() };
}

/** A socket file whose process was killed. */
async function leaveDeadSocket(path: string): Promise<void> {
	const script = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.stdout.write('up'))`;
	const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
	const exited = once(child, 'exit');
	await once(child.stdout, 'data');
	child.kill('SIGKILL');
	await exited;
}

/** Whatever went wrong before. */
function closed(socket: Socket): Promise<unknown> {
	return new Promise((resolve) => socket.once('close', resolve));
}

/** Sends raw text and gives all that comes back until the other side ends. */
async function talk(path: string, text: string): Promise<string> {
	const socket = connect(path);
	socket.on('error', () => undefined);
	socket.end(text);
	let answer = '';
	socket.on('data', (chunk) => {
		answer += chunk;
	});
	// Who is ended in the middle of what it says is told so as well, behind the answer.
	await closed(socket);
	return answer;
}

test('accepts a message, gives it an id, and keeps one that it has', async () => {
	await using dir = await tempDir();
	const path = join(dir.path, 'private', 'node.sock');
	await using node = make(path);
	await node.socket.start();
	const [first] = await sendViaSocket(path, command, patience);
	const [second] = await sendViaSocket(path, { ...command, id: 'mine' }, patience);
	expect(first?.nodes).toEqual(['ship1']);
	expect(first?.id).toMatch(/^[0-9A-HJKMNP-TV-Z]{26}$/);
	expect(second?.id).toBe('mine');
	expect(node.intake.ids).toEqual([first?.id, 'mine']);
	await pingSocket(path, patience);
	expect((await stat(path)).mode & 0o777).toBe(0o600);
	expect((await stat(join(dir.path, 'private'))).mode & 0o777).toBe(0o700);
	await node.socket.stop();
	expect(await readdir(join(dir.path, 'private'))).toEqual([]);
});

test('hands back the error of a message that is not valid, or that the outbox refuses', async () => {
	await using dir = await tempDir();
	const path = join(dir.path, 'node.sock');
	await using node = make(path);
	await node.socket.start();
	const misspelt = { ...command, metod: 'x' };
	await expect(sendViaSocket(path, misspelt, patience)).rejects.toMatchObject({
		code: 'invalid',
		details: { problems: ['metod: unknown field; did you mean "method"?'] },
	});
	node.intake.before = () => {
		throw new StewardError('storage', 'the disk is full');
	};
	await expect(sendViaSocket(path, command, patience)).rejects.toMatchObject({ code: 'storage' });
	node.intake.before = () => {
		throw new Error('a bug');
	};
	await expect(sendViaSocket(path, command, patience)).rejects.toMatchObject({ code: 'ambiguous' });
	expect(node.intake.items).toEqual([]);
});

test('answers several requests in their order, and what is no request', async () => {
	await using dir = await tempDir();
	const path = join(dir.path, 'node.sock');
	await using node = make(path);
	await node.socket.start();
	const lines = [
		'{"op":"ping"}',
		'oops',
		'{"op":"sned"}',
		JSON.stringify({ op: 'send', message: { ...command, id: 'a' } }),
	];
	const answers = (await talk(path, `${lines.join('\n')}\n`))
		.trim()
		.split('\n')
		.map((line) => JSON.parse(line));
	expect(answers.map((answer) => answer.code ?? answer.ok)).toEqual([true, 'invalid', 'invalid', true]);
	expect(answers[3].accepted).toEqual([{ id: 'a', nodes: ['ship1'] }]);
});

test('ends a connection that asks too much, says nothing, or is one too many', async () => {
	await using dir = await tempDir();
	const path = join(dir.path, 'node.sock');
	await using node = make(path, { idleMs: 1500, maxConnections: 2 });
	await node.socket.start();
	const tooLong = await talk(path, 'x'.repeat(3 * 1024 * 1024));
	expect(JSON.parse(tooLong)).toMatchObject({ ok: false, code: 'refused' });
	const huge = { ...command, data: 'x'.repeat(2 * 1024 * 1024) };
	await expect(sendViaSocket(path, huge, patience)).rejects.toMatchObject({ code: 'refused' });

	const idle = [connect(path), connect(path)];
	await Promise.all(idle.map((socket) => once(socket, 'connect')));
	await expect(sendViaSocket(path, command, patience)).rejects.toMatchObject({ code: 'refused' });
	await Promise.all(idle.map((socket) => closed(socket.resume())));
	await eventually(() => sendViaSocket(path, command, patience));
});

test('a request that drips in is refused in time, and keeps no place', async () => {
	await using dir = await tempDir();
	const path = join(dir.path, 'node.sock');
	await using node = make(path, { idleMs: 300, maxConnections: 1 });
	await node.socket.start();
	const slow = connect(path);
	slow.on('error', () => undefined);
	let answer = '';
	slow.on('data', (data) => {
		answer += data;
	});
	// Never idle for long: only the whole request counts.
	const drip = setInterval(() => slow.write('{'), 20);
	try {
		await closed(slow);
	} finally {
		clearInterval(drip);
	}
	expect(JSON.parse(answer)).toMatchObject({ ok: false, code: 'refused' });
	// Control: a whole one is taken, on the place that the slow one had.
	await eventually(() => sendViaSocket(path, command, patience));
	expect(node.intake.items).toHaveLength(1);
});

test('a line in pieces takes no more room than its bytes', async () => {
	const gc = exposedGc();
	const held = () => {
		gc();
		return process.memoryUsage().arrayBuffers;
	};
	const pieces = 1500;
	const before = held();
	// As the system hands them over: one byte, of a buffer of 64 KiB.
	const drip = (hold: (chunk: Uint8Array) => unknown) => {
		for (let count = 0; count < pieces; count += 1) hold(Buffer.alloc(65_536, 0x78).subarray(0, 1));
	};
	const lines = new LineSplitter(1_000_000);
	drip((chunk) => lines.push(chunk));
	// What is garbage is given back a moment later.
	await eventually(() => held() - before < 8_000_000);
	expect(lines.push(Buffer.from('\n'))).toEqual(['x'.repeat(pieces)]);
	// Control: held as they come.
	const kept: Uint8Array[] = [];
	drip((chunk) => kept.push(chunk));
	expect(held() - before).toBeGreaterThan(60_000_000);
	expect(kept).toHaveLength(pieces);
});

test.each([1, 2, 3, 7, 100])('lines are cut alike, whatever pieces of %d bytes they come in', (size) => {
	const text = 'one\n\ntwo €\nthree';
	const bytes = Buffer.from(text);
	const lines = new LineSplitter(100);
	const found: string[] = [];
	for (let at = 0; at < bytes.length; at += size) found.push(...lines.push(bytes.subarray(at, at + size)));
	expect(found).toEqual(['one', '', 'two €']);
	expect(lines.isMidLine).toBe(true);
	const short = new LineSplitter(4);
	expect(short.push(Buffer.from('1234\n1234'))).toEqual(['1234']);
	expect(short.push(Buffer.from('5'))).toBe('too-long');
});

function exposedGc(): () => void {
	setFlagsFromString('--expose-gc');
	return runInNewContext('gc');
}

test('answers what it is accepting before it stops', async () => {
	await using dir = await tempDir();
	const path = join(dir.path, 'node.sock');
	await using node = make(path);
	await node.socket.start();
	let finish: (nothing?: undefined) => unknown = () => undefined;
	const held = new Promise<void>((resolve) => {
		finish = resolve;
	});
	node.intake.before = () => held;
	const sent = sendViaSocket(path, { ...command, id: 'last' }, patience);
	await eventually(() => node.intake.calls === 1);
	const stopped = node.socket.stop();
	finish();
	expect(await sent).toEqual([{ id: 'last', nodes: ['ship1'] }]);
	await stopped;
	await expect(sendViaSocket(path, command, patience)).rejects.toMatchObject({ code: 'not-found' });
});

test('says that nobody listens, and when an answer did not come', async () => {
	await using dir = await tempDir();
	const path = join(dir.path, 'node.sock');
	await expect(sendViaSocket(path, command, patience)).rejects.toMatchObject({ code: 'not-found' });
	await leaveDeadSocket(path);
	await expect(sendViaSocket(path, command, patience)).rejects.toMatchObject({ code: 'not-found' });
	const silent = createServer((socket) => socket.resume().on('error', () => undefined));
	silent.listen(join(dir.path, 'silent.sock'));
	await once(silent, 'listening');
	const asked = sendViaSocket(join(dir.path, 'silent.sock'), command, { timeoutMs: 50, clock: systemClock });
	await expect(asked).rejects.toMatchObject({ code: 'ambiguous' });
	silent.close();
});

test('is the lock: a second one fails and names the socket, and the first goes on', async () => {
	await using dir = await tempDir();
	const path = join(dir.path, 'node.sock');
	await using first = make(path);
	await using second = make(path);
	await first.socket.start();
	await expect(second.socket.start()).rejects.toMatchObject({
		code: 'already-running',
		message: expect.stringContaining(path),
	});
	await second.socket.stop();
	await pingSocket(path, patience);
	await first.socket.stop();
	await second.socket.start();
	await pingSocket(path, patience);
});

test('of many starters on a dead socket exactly one wins, each time', async () => {
	await using dir = await tempDir();
	for (let round = 0; round < 10; round += 1) {
		const path = join(dir.path, `${round}`, 'node.sock');
		await mkdir(join(dir.path, `${round}`));
		await leaveDeadSocket(path);
		// A starter that was killed while it held the claim is no obstacle either.
		if (round % 2 === 0) {
			const { dev, ino, mtimeNs } = await stat(path, { bigint: true });
			const dead = JSON.stringify({ pid: 2 ** 22, startTime: 1 });
			await writeFile(`${path}.claim-${dev}-${ino}-${mtimeNs}-000000`, dead);
		}
		const starters = Array.from({ length: 12 }, () => make(path));
		const results = await Promise.allSettled(starters.map(({ socket }) => socket.start()));
		const failures = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
		expect(results.length - failures.length).toBe(1);
		for (const error of failures) expect(error).toMatchObject({ code: 'already-running' });
		await pingSocket(path, patience);
		await Promise.all(starters.map(({ socket }) => socket.stop()));
		expect(await readdir(join(dir.path, `${round}`))).toEqual([]);
	}
});

test('never removes what is no socket', async () => {
	await using dir = await tempDir();
	const path = join(dir.path, 'node.sock');
	await writeFile(path, 'precious');
	await using node = make(path);
	await expect(node.socket.start()).rejects.toMatchObject({ code: 'storage' });
	expect((await stat(path)).size).toBe(8);
});

test('has a path that the kernel takes', async () => {
	expect(socketPathFor('/var/lib/steward', '/run')).toBe('/var/lib/steward/node.sock');
	const long = `/${'x'.repeat(120)}`;
	expect(socketPathFor(long, '/run/user/1')).toMatch(/^\/run\/user\/1\/steward-[0-9a-f]{16}\.sock$/);
	expect(socketPathFor(long, '/run')).not.toBe(socketPathFor(`${long}y`, '/run'));
	const edge = `/${'x'.repeat(106 - '/node.sock'.length)}`;
	expect(Buffer.byteLength(socketPathFor(edge, '/run'))).toBe(107);
	expect(socketPathFor(`${edge}x`, '/run')).toContain('/run/steward-');

	await using dir = await tempDir();
	const filler = 'x'.repeat(107 - dir.path.length - '//node.sock'.length);
	await using node = make(join(dir.path, filler, 'node.sock'));
	await node.socket.start();
	await pingSocket(join(dir.path, filler, 'node.sock'), patience);
});

test('starts and stops in any order', async () => {
	await using dir = await tempDir();
	const path = join(dir.path, 'node.sock');
	await stressLifecycle(() => make(path).socket, {
		afterStop: async () => expect(await readdir(dir.path)).toEqual([]),
	});
});
