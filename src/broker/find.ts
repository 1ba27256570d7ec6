/**
 * Owns the search for a nats-server program on this machine.
 * Promises one that runs and is new enough, or an error that lists what was tried and why each was refused.
 * It only looks; `scripts/setup` is what brings a nats-server here.
 */

import { execFile } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import { delimiter, isAbsolute, join } from 'node:path';
import { messageOf, StewardError, systemCodeOf } from '../base/errors.ts';
import { packageRoot } from '../base/package.ts';

/** Older servers lose fixes that we count on (2026's fixes and advisories). */
const oldestServer = '2.14.3';

export type ServerProgram = { readonly path: string; readonly version: string };

/**
 * The nats-server to run: `NATS_SERVER` if it is set, else the first usable of PATH and `.cache/`.
 * Throws `no-broker`. An explicit `NATS_SERVER` that cannot be used is an error, never passed over.
 */
export async function findNatsServer(options: {
	env: Readonly<Record<string, string | undefined>>;
	root?: string;
}): Promise<ServerProgram> {
	const { env, root = packageRoot } = options;
	const refused: string[] = [];
	for (const candidate of candidates(env, root)) {
		const found = await probe(candidate.path);
		if ('version' in found) return found;
		if (found.reason !== 'not there' || candidate.named) {
			refused.push(`${candidate.from} ${candidate.path}: ${found.reason}`);
		}
	}
	const what = refused.length === 0 ? 'not found on PATH' : `not usable (${refused.join('; ')})`;
	throw new StewardError(
		'no-broker',
		`nats-server ${what}; run scripts/setup, or set NATS_SERVER to a nats-server ${oldestServer} or newer`,
		{ details: { refused } },
	);
}

type Candidate = { from: string; path: string; named: boolean };

function candidates(env: Readonly<Record<string, string | undefined>>, root: string): Candidate[] {
	const explicit = env.NATS_SERVER;
	if (explicit !== undefined && explicit !== '') {
		return [{ from: 'NATS_SERVER', path: explicit, named: true }];
	}
	const onPath = (env.PATH ?? '')
		.split(delimiter)
		.filter(isAbsolute)
		.map((folder) => ({ from: 'PATH', path: join(folder, 'nats-server'), named: false }));
	return [...onPath, { from: 'cache', path: join(root, '.cache', 'nats-server'), named: false }];
}

async function probe(path: string): Promise<ServerProgram | { reason: string }> {
	try {
		await access(path, constants.X_OK);
	} catch (error) {
		return { reason: systemCodeOf(error) === 'ENOENT' ? 'not there' : messageOf(error) };
	}
	const answer = await new Promise<string | Error>((resolve) => {
		execFile(path, ['--version'], { timeout: 10_000 }, (error, stdout) => resolve(error ?? stdout));
	});
	if (answer instanceof Error) return { reason: `does not run (${answer.message.split('\n')[0]})` };
	const version = /^nats-server: v(\d+\.\d+\.\d+\S*)/m.exec(answer)?.[1];
	if (version === undefined) return { reason: 'is no nats-server (its --version says something else)' };
	if (!isAtLeast(version, oldestServer)) return { reason: `is ${version}, older than ${oldestServer}` };
	return { path, version };
}

/** Compares the three numbers; a pre-release (`2.14.3-RC.1`) is older than its release. */
export function isAtLeast(version: string, oldest: string): boolean {
	const [numbers = '', ...preRelease] = version.split('-');
	const have = numbers.split('.').map(Number);
	const want = oldest.split('.').map(Number);
	for (const [index, wanted] of want.entries()) {
		const difference = (have[index] ?? 0) - wanted;
		if (difference !== 0) return difference > 0;
	}
	return preRelease.length === 0;
}
