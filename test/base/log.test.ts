import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { transformWithEsbuild } from 'vite';
import { describe, expect, test } from 'vitest';
import { logLevels, silentLog } from '../../src/base/log.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../', import.meta.url));

/** In a process of its own: the log writes to the process's stderr. Node itself cannot run our sources as they are. */
async function stderrOf(code: string): Promise<string> {
	const source = await readFile(join(root, 'src/base/log.ts'), 'utf8');
	const compiled = await transformWithEsbuild(source, 'log.ts');
	const { stdout, stderr } = await run(
		process.execPath,
		['--input-type=module', '-e', `${compiled.code}\n${code}`],
		{ cwd: root },
	);
	expect(stdout).toBe('');
	return stderr;
}

describe('a line', { timeout: 30_000 }, () => {
	test('is JSON with level, time, fields of its parents and its own', async () => {
		const stderr = await stderrOf(`
			const log = await createLog({ level: 'debug', pretty: false });
			log.child({ node: 'ship1' }).child({ id: 'c1' }).warn({ err: 'why' }, 'it failed');
			log.info('plain');
		`);
		const lines = stderr
			.trim()
			.split('\n')
			.map((line): unknown => JSON.parse(line));
		expect(lines).toEqual([
			{
				level: 'warn',
				time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
				node: 'ship1',
				id: 'c1',
				err: 'why',
				msg: 'it failed',
			},
			expect.objectContaining({ level: 'info', msg: 'plain' }),
		]);
	});

	test('below the level is not written, and silent writes none', async () => {
		const all = logLevels.filter((level) => level !== 'silent');
		const writeAll = all.map((level) => `log.${level}(${JSON.stringify(level)});`).join('\n');
		for (const [index, level] of logLevels.entries()) {
			const stderr = await stderrOf(
				`const log = await createLog({ level: '${level}', pretty: false });\n${writeAll}`,
			);
			const written = stderr
				.split('\n')
				.filter(Boolean)
				.map((line) => JSON.parse(line).level);
			expect(written).toEqual(all.slice(index));
		}
	});

	test('that was written before a crash is there', async () => {
		const stderr = stderrOf(`
			const log = await createLog({ level: 'info', pretty: false });
			log.error('last words');
			process.kill(process.pid, 'SIGKILL');
		`);
		await expect(stderr).rejects.toMatchObject({
			signal: 'SIGKILL',
			stderr: expect.stringContaining('last words'),
		});
	});

	test('for people is no JSON', async () => {
		const stderr = await stderrOf(`
			const log = await createLog({ level: 'info', pretty: true });
			log.info({ part: 'hidden', node: 'ship1' }, 'hello');
		`);
		expect(stderr).toContain('hello');
		expect(stderr).toContain('ship1');
		expect(stderr).not.toContain('hidden');
		expect(stderr.startsWith('{')).toBe(false);
	});
});

test('the silent log is silent, and its children are', () => {
	const child = silentLog.child({ a: 1 });
	for (const log of [silentLog, child]) {
		for (const level of ['debug', 'info', 'warn', 'error'] as const) expect(log[level]('x')).toBeUndefined();
	}
});
