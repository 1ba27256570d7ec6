/**
 * Owns a ship of a test: the built `steward node` as a process of its own.
 * Promises that it has begun when it resolves, and that it is gone when it is disposed of.
 * Its data stay in the folder that the test gave: started again it is the same ship.
 */

import { join } from 'node:path';
import { type RunningCli, startCli } from './cli.ts';

export async function startShip(
	servers: string,
	name: string,
	dir: string,
	labels: Readonly<Record<string, string>> = {},
): Promise<RunningCli> {
	const pairs = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
	const flags = pairs.length === 0 ? [] : ['--labels', pairs.join(',')];
	const where = ['--servers', servers, '--data', join(dir, 'ships'), '--log-level', 'warn'];
	const ship = startCli(['node', '--node', name, ...where, ...flags], { cwd: dir });
	await ship.printed(`node ${name} runs`);
	return ship;
}
