import { chmod, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { addToken, digestOf, idOf, isExpired, readTokens, removeToken } from '../../src/security/tokens.ts';
import { tempDir } from '../support/temp.ts';

const now = Date.UTC(2026, 10, 23);
const ada = { name: 'ada', role: 'operator', expiresAt: null, now } as const;

test('there are none where there is no file', async () => {
	await using folder = await tempDir();
	expect(await readTokens(join(folder.path, 'tokens.json'))).toEqual([]);
});

test('the file holds the digest of a token, is its owner’s alone, and nothing in it is the token', async () => {
	await using folder = await tempDir();
	const path = join(folder.path, 'deep', 'tokens.json');
	const { token, entry } = await addToken(path, ada);
	expect(token).toMatch(/^stw_[a-z0-9]{8}_[A-Za-z0-9_-]{43}$/);
	expect(idOf(token)).toBe(entry.id);
	expect(entry.sha256).toBe(digestOf(token).toString('hex'));
	const text = await readFile(path, 'utf8');
	expect(text).not.toContain(token.split('_').slice(2).join('_'));
	expect((await stat(path)).mode & 0o777).toBe(0o600);
	expect(await readTokens(path)).toEqual([entry]);
});

test('a name is given once, and one that is no name is refused', async () => {
	await using folder = await tempDir();
	const path = join(folder.path, 'tokens.json');
	await addToken(path, ada);
	await expect(addToken(path, ada)).rejects.toMatchObject({ code: 'refused' });
	for (const name of ['', '-x', 'a b', 'a/b', 'x'.repeat(64), 'ä', '__proto__'])
		await expect(addToken(path, { ...ada, name })).rejects.toMatchObject({ code: 'invalid' });
	expect(await readTokens(path)).toHaveLength(1);
});

test('two that add at once both are there, or one is told to try again', async () => {
	await using folder = await tempDir();
	const path = join(folder.path, 'tokens.json');
	const names = ['a', 'b', 'c', 'd'];
	const told = await Promise.allSettled(names.map((name) => addToken(path, { ...ada, name })));
	const added = told.filter(({ status }) => status === 'fulfilled');
	for (const one of told) {
		if (one.status === 'rejected') expect(one.reason).toMatchObject({ code: 'already-running' });
	}
	expect(added.length).toBeGreaterThan(0);
	expect(await readTokens(path)).toHaveLength(added.length);
});

test('one is taken back by its id or its name', async () => {
	await using folder = await tempDir();
	const path = join(folder.path, 'tokens.json');
	const { entry } = await addToken(path, ada);
	const bob = await addToken(path, { ...ada, name: 'bob', role: 'viewer' });
	expect(await removeToken(path, entry.id)).toEqual(entry);
	expect(await readTokens(path)).toEqual([bob.entry]);
	await removeToken(path, 'bob');
	expect(await readTokens(path)).toEqual([]);
	await expect(removeToken(path, 'bob')).rejects.toMatchObject({ code: 'not-found' });
});

test('it expires at its time', async () => {
	await using folder = await tempDir();
	const { entry } = await addToken(join(folder.path, 'tokens.json'), { ...ada, expiresAt: now + 1000 });
	expect([isExpired(entry, now), isExpired(entry, now + 999), isExpired(entry, now + 1000)]).toEqual([
		false,
		false,
		true,
	]);
	expect(isExpired({ ...entry, expiresAt: null }, Number.MAX_SAFE_INTEGER)).toBe(false);
});

test('a file that others may read, or that is damaged, is refused', async () => {
	await using folder = await tempDir();
	const path = join(folder.path, 'tokens.json');
	await addToken(path, ada);
	await chmod(path, 0o644);
	await expect(readTokens(path)).rejects.toMatchObject({ code: 'invalid' });
	await expect(addToken(path, { ...ada, name: 'bob' })).rejects.toMatchObject({ code: 'invalid' });
	await writeFile(path, '{"v":1,"tokens":[{}]}', { mode: 0o600 });
	await chmod(path, 0o600);
	await expect(readTokens(path)).rejects.toMatchObject({ code: 'invalid' });
});

test('what is no token has no id', () => {
	for (const text of [
		'',
		'stw_',
		'stw_abcdefgh_short',
		`x${'stw_abcdefgh_'.padEnd(56, 'a')}`,
		'stw_ABCDEFGH_'.padEnd(56, 'a'),
	])
		expect(idOf(text)).toBeUndefined();
});
