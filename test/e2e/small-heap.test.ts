/**
 * Owns what a node's wish for a small heap comes to on the Node.js that runs it, with the flags that `steward` starts with.
 * Promises a process of its own: the wish holds for a whole process.
 * It ends with the test.
 */

import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { cliPath } from '../support/cli.ts';
import { tempDir } from '../support/temp.ts';

/** At the end of the process: half a million things, many of which outlive a look at the young ones. Then the bytes of both generations. */
const churnAtExit = `
	import { getHeapSpaceStatistics } from 'node:v8';
	process.on('exit', () => {
		let kept = [];
		for (let n = 0; n < 500_000; n++) {
			kept.push({ n, of: [n], text: 'x' + n });
			if (kept.length === 50_000) kept = [];
		}
		const sizes = getHeapSpaceStatistics().map(({ space_name, space_size }) => [space_name, space_size]);
		console.log(JSON.stringify(Object.fromEntries(sizes)));
	});
`;

/** `steward <command>`, which says how it is used and ends. */
async function heapOf(command: string): Promise<Record<string, number>> {
	await using home = await tempDir();
	const [first = ''] = readFileSync(cliPath, 'utf8').split('\n', 1);
	const flags = first.split(' ').filter((word) => word.startsWith('--'));
	const hook = `--import=data:text/javascript,${encodeURIComponent(churnAtExit)}`;
	const env = { HOME: home.path, PATH: process.env.PATH };
	return await new Promise((resolve, reject) => {
		execFile(
			process.execPath,
			[...flags, hook, cliPath, command],
			{ env, cwd: home.path },
			(error, stdout) => {
				if (error?.code === 2) resolve(JSON.parse(stdout));
				else reject(error ?? new Error(`steward ${command} found nothing missing`));
			},
		);
	});
}

const mebibyte = 1024 * 1024;

test('the young generation of a node stays small, where that of other commands grows', async () => {
	const [node, other] = [await heapOf('node'), await heapOf('logs')];
	expect(node.new_space).toBeLessThanOrEqual(8 * mebibyte);
	expect(other.new_space).toBeGreaterThanOrEqual(16 * mebibyte);
});

/** At the end of the process: what it was started with, and what the programs that it starts are given. */
const environmentAtExit = `
	import { readFileSync } from 'node:fs';
	process.on('exit', () => {
		const given = readFileSync('/proc/self/environ', 'latin1').split('\\0');
		console.log(JSON.stringify([given.find((one) => one.startsWith('MALLOC_')), process.env.MALLOC_ARENA_MAX ?? null]));
	});
`;

test('threads share one heap of the C library, and the programs that steward starts learn nothing of it', async () => {
	await using home = await tempDir();
	const hook = `--import=data:text/javascript,${encodeURIComponent(environmentAtExit)}`;
	const env = { HOME: home.path, PATH: process.env.PATH, NODE_OPTIONS: hook };
	const said = await new Promise((resolve, reject) => {
		execFile(cliPath, ['node'], { env, cwd: home.path }, (error, stdout) => {
			if (error?.code === 2) resolve(JSON.parse(stdout));
			else reject(error ?? new Error('steward node found nothing missing'));
		});
	});
	expect(said).toEqual(['MALLOC_ARENA_MAX=1', null]);
});
