import { chmod, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { isStewardError } from '../../src/base/errors.ts';
import { changeKeyFolder, readKeyFolder } from '../../src/security/key-folder.ts';
import { makeFleet } from '../../src/security/new-fleet.ts';
import { tempDir } from '../support/temp.ts';
import { fleet, makeKeyFolder, nowMs } from './fleet-keys.ts';

async function filesBelow(path: string): Promise<string[]> {
	const entries = await readdir(path, { recursive: true, withFileTypes: true });
	return entries.map((entry) => join(entry.parentPath, entry.name));
}

async function refusalOf(work: Promise<unknown>): Promise<{ code: string; message: string }> {
	return work.then(
		() => ({ code: 'none', message: '' }),
		(error) => (isStewardError(error) ? error : { code: 'defect', message: String(error) }),
	);
}

describe('the folder of keys', () => {
	test('is its owner’s alone, with all that is in it', async () => {
		await using keys = await makeKeyFolder();
		const modes = await Promise.all(
			[keys.path, ...(await filesBelow(keys.path))].map(async (path) => {
				const found = await stat(path);
				return `${found.isDirectory() ? 'folder' : 'file'} ${(found.mode & 0o777).toString(8)}`;
			}),
		);
		expect(new Set(modes)).toEqual(new Set(['folder 700', 'file 600']));
		expect(modes.length).toBeGreaterThan(10);
	});

	test('is not changed by a second run', async () => {
		await using keys = await makeKeyFolder();
		const all = async () =>
			Promise.all(
				(await filesBelow(keys.path)).map(async (path) => [path, (await stat(path)).mtimeMs] as const),
			);
		const before = await all();
		expect(await makeFleet(keys.path, { ...fleet, port: 5000 }, nowMs + 1)).toBe(false);
		expect(await all()).toEqual(before);
		expect(await readdir(keys.parent)).toEqual(['keys']);
	});

	test('of two who make it at once one does, and nothing of the other is left', async () => {
		await using dir = await tempDir();
		const path = join(dir.path, 'deeper', 'keys');
		const made = await Promise.allSettled([1, 2, 3].map(() => makeFleet(path, fleet, nowMs)));
		expect(made.filter((one) => one.status === 'fulfilled' && one.value)).toHaveLength(1);
		expect(await readdir(join(dir.path, 'deeper'))).toEqual(['keys']);
		await readKeyFolder(path);
	});

	test('is never put into a folder that holds something else, nor into the place of a damaged one', async () => {
		await using keys = await makeKeyFolder();
		const root = await readFile(join(keys.path, 'operator.nk'), 'utf8');
		await rm(join(keys.path, 'fleet.json'));
		const refusal = await refusalOf(makeFleet(keys.path, fleet, nowMs));
		expect(refusal).toMatchObject({ code: 'refused', message: expect.stringContaining('--keys') });
		expect(await readFile(join(keys.path, 'operator.nk'), 'utf8')).toBe(root);
	});

	test.each([
		['the folder', '', 0o750, 'chmod 700'],
		['its list', 'enrolled.json', 0o640, 'chmod 600'],
		['its seeds', 'accounts.json', 0o604, 'chmod 600'],
	])('is refused where others may read %s, with what helps', async (_what, name, mode, help) => {
		await using keys = await makeKeyFolder();
		const path = join(keys.path, name);
		await chmod(path, mode);
		const { code, message } = await refusalOf(readKeyFolder(keys.path));
		expect(code).toBe('invalid');
		expect(message).toContain(`${help} ${path.replace(/\/$/, '')}`);
	});

	test('says what is damaged and shows nothing of it', async () => {
		await using keys = await makeKeyFolder();
		const path = join(keys.path, 'accounts.json');
		const text = await readFile(path, 'utf8');
		const [seed = ''] = /S[A-Z2-7]{57}/.exec(text) ?? [];
		for (const broken of [text.slice(0, -20), text.replace(seed, seed.slice(0, -1))]) {
			await writeFile(path, broken);
			const { code, message } = await refusalOf(readKeyFolder(keys.path));
			expect(code).toBe('invalid');
			expect(message).toContain('accounts.json');
			expect(message).not.toMatch(/S[A-Z2-7]{20}/);
		}
	});

	test('is where it is looked for, or the error says how to make it', async () => {
		await using dir = await tempDir();
		await mkdir(join(dir.path, 'empty'));
		for (const name of ['empty', 'none']) {
			const { code, message } = await refusalOf(readKeyFolder(join(dir.path, name)));
			expect([code, message]).toEqual(['not-found', expect.stringContaining('steward init --secure')]);
		}
	});

	test('is changed by one process at a time', async () => {
		await using keys = await makeKeyFolder();
		const { code } = await changeKeyFolder(keys.path, () =>
			refusalOf(changeKeyFolder(keys.path, async () => undefined)),
		);
		expect(code).toBe('already-running');
		expect(await changeKeyFolder(keys.path, async () => 'free again')).toBe('free again');
	});
});
