import { chmod, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { createLog } from '../../../src/base/log.ts';
import { TokenFile } from '../../../src/http/security/token-file.ts';
import { addToken, removeToken } from '../../../src/security/tokens.ts';
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
