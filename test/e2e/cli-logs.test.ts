import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { viewSchemas } from '../../src/domain/view-schema.ts';
import { cleanEnv, cliPath, runBuilt, startCli } from '../support/cli.ts';
import { sha256 } from '../support/logs.ts';
import { startNats } from '../support/nats.ts';
import { tempDir } from '../support/temp.ts';

async function place() {
	const nats = await startNats();
	const dir = await tempDir();
	const env = { STEWARD_SERVERS: nats.url, STEWARD_DATA: dir.path };
	expect((await runBuilt(['init'], { env })).code).toBe(0);
	const central = startCli(['central'], { env });
	const node = startCli(['node', '--node', 'ship1'], { env });
	const steward = (...args: string[]) => runBuilt(args, { env });
	return {
		...{ nats, dir, env, steward },
		send: (id: string, script: string, ...more: string[]) =>
			steward('send', 'ship1', 'shellCommand', '--id', id, ...more, '--', 'bash', '-c', script),
		[Symbol.asyncDispose]: async () => {
			await node[Symbol.asyncDispose]();
			await central[Symbol.asyncDispose]();
			await nats[Symbol.asyncDispose]();
			await dir[Symbol.asyncDispose]();
		},
	};
}

test('logs prints each stream to its own descriptor, byte for byte, and says what it does not know', async () => {
	await using parts = await place();
	const { dir, env, steward, send } = parts;
	const bytes = Buffer.from(Array.from({ length: 100_000 }, (_, n) => (n * 7919) % 256));
	const file = join(dir.path, 'bytes');
	await writeFile(file, bytes);
	const sent = await send('a', `cat ${file}; printf 'warned\\033[31m' >&2`, '--wait');
	expect(sent.code).toBe(0);
	const all = await steward('logs', '--follow', 'ship1.a');
	expect([all.code, sha256(all.bytes), all.stderr]).toEqual([0, sha256(bytes), 'warned\u001b[31m']);
	const err = await steward('logs', 'ship1.a', '--stderr');
	expect([err.code, err.stdout, err.stderr]).toEqual([0, '', 'warned\u001b[31m']);
	const out = await steward('logs', 'ship1.a', '--stdout');
	expect([sha256(out.bytes), out.stderr]).toEqual([sha256(bytes), '']);

	const json = await steward('logs', '--json', 'ship1.a');
	const pieces = json.stdout
		.trimEnd()
		.split('\n')
		.map((line) => viewSchemas.log.strict().parse(JSON.parse(line)));
	expect(pieces.at(0)).toMatchObject({ handle: 'ship1.a', kind: 'attempt', attempt: 1, data: null });
	expect(pieces.at(-1)).toMatchObject({ kind: 'end', state: 'succeeded', complete: true });
	const said = (stream: string) =>
		Buffer.concat(
			pieces
				.filter((piece) => piece.stream === stream)
				.map(({ data, encoding }) => Buffer.from(data ?? '', encoding ?? 'utf8')),
		);
	expect(said('stdout').equals(bytes)).toBe(true);
	expect(said('stderr').toString()).toBe('warned\u001b[31m');
	expect(pieces.find(({ stream }) => stream === 'stderr')?.encoding).toBe('utf8');
	expect(pieces.find(({ stream }) => stream === 'stdout')?.encoding).toBe('base64');

	expect((await steward('logs', 'ship1.unknown')).code).toBe(4);
	expect((await steward('logs', 'nonsense')).code).toBe(2);
	expect((await steward('logs')).code).toBe(2);
	const help = await steward('logs', '--help');
	for (const word of ['--follow', '--stdout', '--stderr', 'Examples:']) expect(help.stdout).toContain(word);

	await send('b', 'echo begun; sleep 1000', '--run-for', '1h');
	const following = startCli(['logs', '-f', 'ship1.b'], { env });
	await following.printed('begun\n');
	const running = await steward('logs', 'ship1.b');
	expect([running.code, running.stdout]).toEqual([0, 'begun\n']);
	expect(running.stderr).toContain(
		'[steward: ship1.b is running: steward logs --follow ship1.b shows what comes]',
	);
	await following[Symbol.asyncDispose]();

	// Whoever stops reading ends it, quietly.
	const reader = spawn(
		'bash',
		['-c', `"$0" "$1" logs ship1.a | head -c 10 | wc -c; echo \${PIPESTATUS[0]}`, process.execPath, cliPath],
		{
			env: cleanEnv(env),
		},
	);
	let text = '';
	reader.stdout.setEncoding('utf8').on('data', (chunk: string) => {
		text += chunk;
	});
	await new Promise((resolve) => reader.once('close', resolve));
	expect(text.trim().split(/\s+/)).toEqual(['10', '0']);
});
