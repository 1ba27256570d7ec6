import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { findNatsServer, isAtLeast } from '../../src/broker/find.ts';
import { tempDir } from '../support/temp.ts';

async function writeServer(path: string, body: string): Promise<string> {
	await mkdir(dirname(path), { recursive: true });
	await writeFile(path, `#!/bin/sh\n${body}\n`);
	await chmod(path, 0o755);
	return path;
}

const version = (text: string) => `echo "nats-server: v${text}"`;

test('takes NATS_SERVER before PATH, and PATH before the cache', async () => {
	await using dir = await tempDir();
	const explicit = await writeServer(join(dir.path, 'mine'), version('2.14.3'));
	const bin = join(dir.path, 'bin');
	const onPath = await writeServer(join(bin, 'nats-server'), version('2.15.0'));
	const cached = await writeServer(join(dir.path, '.cache', 'nats-server'), version('2.15.1'));
	const find = (env: Record<string, string>) => findNatsServer({ env, root: dir.path });
	expect(await find({ NATS_SERVER: explicit, PATH: bin })).toEqual({ path: explicit, version: '2.14.3' });
	expect(await find({ PATH: `/nowhere:${bin}` })).toEqual({ path: onPath, version: '2.15.0' });
	expect(await find({ PATH: '/nowhere' })).toEqual({ path: cached, version: '2.15.1' });
	await writeServer(onPath, version('2.12.9'));
	expect(await find({ PATH: bin })).toEqual({ path: cached, version: '2.15.1' });
});

test('finding none is no-broker, with the next step', async () => {
	await using dir = await tempDir();
	await expect(findNatsServer({ env: {}, root: dir.path })).rejects.toMatchObject({
		code: 'no-broker',
		message: expect.stringMatching(/not found on PATH; run scripts\/setup, or set NATS_SERVER/),
	});
});

test('an explicit NATS_SERVER that cannot be used is an error that says why', async () => {
	await using dir = await tempDir();
	await writeServer(join(dir.path, '.cache', 'nats-server'), version('2.15.1'));
	const refused = (path: string) => findNatsServer({ env: { NATS_SERVER: path }, root: dir.path });
	await expect(refused(join(dir.path, 'none'))).rejects.toThrow('not there');
	const old = await writeServer(join(dir.path, 'old'), version('2.14.2'));
	await expect(refused(old)).rejects.toThrow('is 2.14.2, older than 2.14.3');
	const other = await writeServer(join(dir.path, 'other'), 'echo something else');
	await expect(refused(other)).rejects.toThrow('is no nats-server');
	const broken = await writeServer(join(dir.path, 'broken'), 'exit 5');
	await expect(refused(broken)).rejects.toThrow('does not run');
});

test('versions compare by number, and a pre-release is older than its release', () => {
	expect(isAtLeast('2.14.3', '2.14.3')).toBe(true);
	expect(isAtLeast('2.14.10', '2.14.3')).toBe(true);
	expect(isAtLeast('3.0.0', '2.14.3')).toBe(true);
	expect(isAtLeast('2.9.99', '2.14.3')).toBe(false);
	expect(isAtLeast('2.14.3-RC.1', '2.14.3')).toBe(false);
	expect(isAtLeast('2.15.0-RC.1', '2.14.3')).toBe(true);
});
