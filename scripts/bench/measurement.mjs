/**
 * Owns the process of one measurement: one peer, one work, in an empty folder.
 * Promises its figures, or the reason why there are none or not all of them, and an end: by itself, after its longest time, or when it is called off.
 * If this process dies, the kernel ends it, and its servers with it.
 */

import { existsSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { spawnTied } from '../../dist/broker/tied-child.js';
import { works } from './works.mjs';

const measurement = fileURLToPath(new URL('measure.mjs', import.meta.url));
/** For what is on other machines' disks in a real fleet. */
const inMemory = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
const longestMs = { whole: 900_000 };
const usualLongestMs = 120_000;

/** One peer, one work, in a process of its own. @returns `{ figures }` or `{ error }`; both where it was ended on the way. */
export async function measure({ peer, work, tier, size, programs }, signal) {
	const [folder, ram] = await Promise.all(
		[tmpdir(), inMemory].map((place) => mkdtemp(join(place, 'steward-bench-'))),
	);
	try {
		await chmod(folder, 0o711);
		const wish = { peer, work, tier, size, folder, ram };
		const commands = { redis: programs.redis?.command, postgres: programs.postgres?.command };
		const child = await spawnTied(
			programs.node ?? process.execPath,
			[measurement, JSON.stringify({ ...wish, programs: commands })],
			{ cwd: folder },
		);
		let said = '';
		child.process.stdout.setEncoding('utf8').on('data', (text) => {
			said += text;
		});
		child.process.stderr.pipe(process.stderr);
		const longest = works[work].longestMs ?? longestMs[size] ?? usualLongestMs;
		let reason;
		const end = (why) => () => {
			reason = why;
			child.process.kill('SIGKILL');
		};
		const late = setTimeout(end(`it took longer than ${longest / 1000} s`), longest);
		const onAbort = end('it was called off');
		signal.addEventListener('abort', onAbort, { once: true });
		const { code, signal: by } = await child.exited;
		clearTimeout(late);
		signal.removeEventListener('abort', onAbort);
		const last = said.trim().split('\n').at(-1);
		if (!last?.startsWith('{')) return { error: reason ?? `it ended with ${by ?? code}, and told nothing` };
		return { ...JSON.parse(last), ...(reason === undefined ? {} : { error: reason }) };
	} finally {
		for (const place of [folder, ram])
			await rm(place, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
	}
}
