import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { isStewardError } from '../../src/base/errors.ts';
import { lockFolder } from '../../src/base/folder-lock.ts';
import { processIdentity } from '../../src/base/process.ts';
import { tempDir } from '../support/temp.ts';

/** The identity of a process that ran and has ended. */
async function deadIdentity() {
	const child = spawn('sleep', ['60'], { stdio: 'ignore' });
	await once(child, 'spawn');
	const identity = processIdentity(child.pid ?? 0);
	child.kill('SIGKILL');
	await once(child, 'exit');
	return identity;
}

test('of twenty who take the lock of a dead process at once, exactly one gets it', async () => {
	await using dir = await tempDir();
	await writeFile(join(dir.path, 'lock.7'), JSON.stringify(await deadIdentity()));
	for (let round = 0; round < 20; round += 1) {
		const tries = await Promise.allSettled(Array.from({ length: 20 }, () => lockFolder(dir.path)));
		const held = tries.flatMap((attempt) => (attempt.status === 'fulfilled' ? [attempt.value] : []));
		expect(held).toHaveLength(1);
		for (const attempt of tries) {
			if (attempt.status === 'rejected') expect(isStewardError(attempt.reason, 'already-running')).toBe(true);
		}
		await held[0]?.release();
		await held[0]?.release();
	}
	expect(await readdir(dir.path)).toHaveLength(1);
});

test('a process with the same pid that started at another time is not the holder', async () => {
	await using dir = await tempDir();
	const self = processIdentity(process.pid);
	if (self === undefined) throw new Error('this process does not run');
	await writeFile(join(dir.path, 'lock.1'), JSON.stringify({ ...self, startTime: self.startTime - 1 }));
	const lock = await lockFolder(dir.path);
	await lock.release();
});

test('a lock file that a power failure left empty is nobody', async () => {
	await using dir = await tempDir();
	await writeFile(join(dir.path, 'lock.3'), '');
	await (await lockFolder(dir.path)).release();
});
