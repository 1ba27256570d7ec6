/**
 * Owns finding promtool, Prometheus' own judge of rules and of what exporters say.
 * Promises to say where this machine has none; `.ci/run` fetches it into .cache.
 * Keeps nothing.
 */

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const cached = fileURLToPath(new URL('../../.cache/promtool', import.meta.url));

const found = [
	...(process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, 'promtool')),
	cached,
].find((path) => existsSync(path));

export const hasPromtool = found !== undefined;

/** Everything it said, with its exit code. */
export async function promtool(
	args: readonly string[],
	input = '',
): Promise<{ readonly code: number | null; readonly said: string }> {
	if (found === undefined)
		throw new Error("there is no promtool: it is in Debian's package prometheus (.ci/run fetches it)");
	const child = spawn(found, args);
	let said = '';
	for (const stream of [child.stdout, child.stderr]) {
		stream.setEncoding('utf8').on('data', (text: string) => {
			said += text;
		});
	}
	child.stdin.on('error', () => undefined);
	child.stdin.end(input);
	const code = await new Promise<number | null>((resolve, reject) => {
		child.once('error', reject);
		child.once('close', resolve);
	});
	return { code, said };
}
