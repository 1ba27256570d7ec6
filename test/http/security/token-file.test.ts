import { execFile } from 'node:child_process';
import { chmod, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { createLog } from '../../../src/base/log.ts';
import { TokenFile } from '../../../src/http/security/token-file.ts';
import { addToken, removeToken } from '../../../src/security/tokens.ts';
import { builtFile } from '../../support/built.ts';
import { tempDir } from '../../support/temp.ts';

const log = await createLog({ level: 'silent', pretty: false });
const start = Date.UTC(2026, 10, 23);

function open(path: string, now = () => start) {
	return new TokenFile(path, { clock: { ...systemClock, now }, log });
}

test('a token counts from when it was made until it is taken back, without a restart', async () => {
	await using folder = await tempDir();
	const path = join(folder.path, 'tokens.json');
	const file = open(path);
	expect(await file.isEmpty()).toBe(true);
	const { token, entry } = await addToken(path, { name: 'ada', role: 'viewer', expiresAt: null, now: start });
	expect(await file.find(token)).toEqual(entry);
	expect(await file.isEmpty()).toBe(false);
	expect(await file.entryOf(entry.id)).toEqual(entry);
	await removeToken(path, 'ada');
	expect(await file.find(token)).toBeUndefined();
	expect(await file.entryOf(entry.id)).toBeUndefined();
});

test('another secret under the same id is none, nor is anything that is no token', async () => {
	await using folder = await tempDir();
	const path = join(folder.path, 'tokens.json');
	const { token } = await addToken(path, { name: 'ada', role: 'viewer', expiresAt: null, now: start });
	const file = open(path);
	const last = token.at(-1) === 'A' ? 'B' : 'A';
	for (const text of [
		`${token.slice(0, -1)}${last}`,
		`${token}x`,
		token.slice(0, -1),
		'',
		'stw',
		token.toUpperCase(),
	])
		expect(await file.find(text)).toBeUndefined();
});

test('one that has expired counts no more, and keeps the door shut', async () => {
	await using folder = await tempDir();
	const path = join(folder.path, 'tokens.json');
	let now = start;
	const file = open(path, () => now);
	const { token, entry } = await addToken(path, {
		name: 'ada',
		role: 'viewer',
		expiresAt: start + 5000,
		now,
	});
	expect(await file.find(token)).toBeDefined();
	now += 5000;
	expect(await file.find(token)).toBeUndefined();
	expect(await file.entryOf(entry.id)).toBeUndefined();
	expect(await file.isEmpty()).toBe(false);
});

test.each([
	['that is damaged', (path: string) => writeFile(path, 'tokens')],
	['that others may read', (path: string) => chmod(path, 0o604)],
])('a file %s lets nobody in, and is not taken for an empty one', async (_what, spoil) => {
	await using folder = await tempDir();
	const path = join(folder.path, 'tokens.json');
	const file = open(path);
	const { token } = await addToken(path, { name: 'ada', role: 'viewer', expiresAt: null, now: start });
	expect(await file.find(token)).toBeDefined();
	await spoil(path);
	expect(await file.find(token)).toBeUndefined();
	expect(await file.isEmpty()).toBe(false);
	await rm(path);
	expect(await file.isEmpty()).toBe(true);
});

/** Asks with all files open that a process may have, and again when it may have one more. */
const outOfFiles = `
import { closeSync, openSync, utimesSync } from 'node:fs';
const [built, path, token] = process.argv.slice(1);
const { TokenFile } = await import(built);
let logged = 0;
const file = new TokenFile(path, { clock: { now: Date.now }, log: { error: () => logged++ } });
const answer = async (asking) => asking.then((found) => (found ? 'yes' : 'no'), ({ code, message }) => code + ': ' + message);
const said = [await answer(file.find(token))];
utimesSync(path, 1, 1);
const open = [];
try { for (;;) open.push(openSync('/dev/null')); } catch {}
said.push(await answer(file.find(token)), await answer(file.isEmpty()));
for (const one of open) closeSync(one);
said.push(await answer(file.find(token)), await answer(file.isEmpty()));
console.log(JSON.stringify({ said, logged }));
`;

test('while the process may open no file nobody is let in, and nothing of that is kept', async () => {
	await using folder = await tempDir();
	const path = join(folder.path, 'tokens.json');
	const { token } = await addToken(path, { name: 'ada', role: 'viewer', expiresAt: null, now: start });
	const built = pathToFileURL(builtFile('http/security/token-file.js')).href;
	const node = [process.execPath, '--input-type=module', '-e', outOfFiles, built, path, token];
	const { stdout } = await promisify(execFile)('sh', ['-c', 'ulimit -n 128 && exec "$@"', 'sh', ...node]);
	const unreadable = 'storage: who may come in cannot be read at the moment: ask again';
	expect(JSON.parse(stdout)).toEqual({ said: ['yes', unreadable, unreadable, 'yes', 'no'], logged: 1 });
});

test('while it cannot be read, a session of before is not taken for one that has ended', async () => {
	await using folder = await tempDir();
	const path = join(folder.path, 'tokens.json');
	const file = open(path);
	const { entry } = await addToken(path, { name: 'ada', role: 'viewer', expiresAt: null, now: start });
	expect(await file.entryOf(entry.id)).toEqual(entry);
	await rename(path, `${path}.away`);
	// What is there now can be looked at, and not be read.
	await mkdir(path, { mode: 0o700 });
	await expect(file.entryOf(entry.id)).rejects.toMatchObject({ code: 'storage' });
	await expect(file.isEmpty()).rejects.toMatchObject({ code: 'storage' });
	await rm(path, { recursive: true });
	await rename(`${path}.away`, path);
	expect(await file.entryOf(entry.id)).toEqual(entry);
});
