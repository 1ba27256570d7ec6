/**
 * Owns what is said of the machine that measures: figures mean nothing without it.
 * Promises no name of a host, a user or a path. Reads only.
 */

import { execFile } from 'node:child_process';
import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { availableParallelism, cpus, loadavg, release, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findNatsServer } from '../../dist/broker/find.js';
import { median } from './figures.mjs';

const run = promisify(execFile);
const flushes = 200;
const page = Buffer.alloc(4096, 'x');

/** @param programs As they were provided, with their versions; undefined what no chosen peer needs. */
export async function describeMachine({ node, redis, postgres }) {
	const lock = JSON.parse(await readFile(new URL('package-lock.json', import.meta.url), 'utf8'));
	const product = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8'));
	const packages = Object.keys(lock.packages[''].dependencies).map((name) => [
		name,
		lock.packages[`node_modules/${name}`].version,
	]);
	const { stdout } = await run(node ?? process.execPath, ['--version']);
	const disk = await run('df', ['--output=fstype', tmpdir()]).then(
		({ stdout: text }) => text.trim().split('\n').at(-1),
		() => 'unknown',
	);
	return {
		processor: `${availableParallelism()} x ${cpus()[0]?.model ?? 'unknown'}`,
		memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
		'file system of the stores': disk,
		'flush of 4 KiB there': `${(await flushMs()).toFixed(2)} ms`,
		kernel: release(),
		'load at the start': loadavg()
			.map((value) => value.toFixed(1))
			.join(' '),
		node: stdout.trim(),
		steward: product.version,
		'nats-server': (await findNatsServer({ env: process.env })).version,
		...(redis && { redis: redis.version }),
		...(postgres && { postgresql: postgres.version }),
		...(node && Object.fromEntries(packages)),
	};
}

/** What every durable write waits for, at the median. */
async function flushMs() {
	const folder = await mkdtemp(join(tmpdir(), 'steward-bench-'));
	const file = await open(join(folder, 'flush'), 'w');
	try {
		const taken = [];
		for (let n = 0; n < flushes; n++) {
			await file.write(page);
			const began = performance.now();
			await file.datasync();
			taken.push(performance.now() - began);
		}
		return median(taken);
	} finally {
		await file.close();
		await rm(folder, { recursive: true, force: true });
	}
}
