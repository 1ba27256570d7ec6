/**
 * Owns what is said of the machine that measures: figures mean nothing without it.
 * Promises no name of a host, a user or a path. Reads only.
 */

import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { availableParallelism, cpus, loadavg, release, tmpdir, totalmem } from 'node:os';
import { promisify } from 'node:util';
import { findNatsServer } from '../../dist/broker/find.js';

const run = promisify(execFile);

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
