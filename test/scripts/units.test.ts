import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { packageRoot } from '../../src/base/package.ts';
import { isInstalled } from '../support/installed.ts';
import { tempDir } from '../support/temp.ts';

const folder = join(packageRoot, 'deploy', 'systemd');
const isHere = isInstalled('systemd-analyze');
const name = (title: string) => (isHere ? title : `${title} (left out: no systemd-analyze)`);

/** The units as they would be installed: the program is one that is there, and the template has an instance. */
async function installed(edit: (text: string) => string = (text) => text) {
	const dir = await tempDir();
	const units: string[] = [];
	for (const file of await readdir(folder)) {
		const text = edit(await readFile(join(folder, file), 'utf8'));
		const target = file.endsWith('.conf') ? join('steward-node@ship2.service.d', file) : file;
		if (file.endsWith('.conf')) await mkdir(join(dir.path, 'steward-node@ship2.service.d'));
		await writeFile(join(dir.path, target), text.replaceAll('/usr/bin/steward', process.execPath));
		if (file.endsWith('@.service'))
			units.push(...['ship1', 'ship2'].map((ship) => file.replace('@', `@${ship}`)));
		else if (file.endsWith('.service')) units.push(file);
	}
	const analyze = (words: readonly string[]) =>
		new Promise<{ code: number; output: string }>((resolve) => {
			const env = { ...process.env, SYSTEMD_UNIT_PATH: `${dir.path}:` };
			execFile('systemd-analyze', words, { cwd: dir.path, env }, (error, stdout, stderr) =>
				resolve({ code: Number(error?.code ?? 0), output: stdout + stderr }),
			);
		});
	return { units, analyze, [Symbol.asyncDispose]: dir[Symbol.asyncDispose] };
}

test.skipIf(!isHere)(
	name('systemd reads every unit without a complaint, also with full access'),
	async () => {
		await using here = await installed();
		expect(here.units).toHaveLength(4);
		const { code, output } = await here.analyze(['verify', '--man=no', ...here.units]);
		// Of the machine's own units it may complain.
		expect(output.split('\n').filter((line) => line.includes('steward'))).toEqual([]);
		expect(code).toBe(0);
		await using broken = await installed((text) =>
			text.replace('ProtectSystem=strict', 'ProtectSystem=perhaps'),
		);
		expect((await broken.analyze(['verify', '--man=no', 'steward.service'])).output).toContain('perhaps');
	},
);

test.skipIf(!isHere)(name('what a unit leaves open is little, and full access is what it says'), async () => {
	await using here = await installed();
	const exposure = async (unit: string) => {
		const { output } = await here.analyze(['security', '--no-pager', unit, '--offline=true']);
		return Number(/exposure level for .*: (\d+\.\d)/.exec(output)?.[1]);
	};
	for (const unit of ['steward.service', 'steward-central.service', 'steward-node@ship1.service']) {
		expect(await exposure(unit)).toBeLessThanOrEqual(4);
	}
	expect(await exposure('steward-node@ship2.service')).toBeGreaterThan(8);
});

test('every unit is watched, restarted, stopped in an orderly way, and holds its secrets for itself', async () => {
	const files = (await readdir(folder)).filter((file) => file.endsWith('.service'));
	expect(files).toHaveLength(3);
	for (const file of files) {
		const text = await readFile(join(folder, file), 'utf8');
		for (const line of [
			'Type=notify',
			'NotifyAccess=all',
			'Restart=always',
			'KillMode=mixed',
			'DynamicUser=yes',
		]) {
			expect(text.split('\n')).toContain(line);
		}
		for (const part of ['WatchdogSec=', 'UMask=0077', '#LoadCredential='])
			expect(text).toContain(`\n${part}`);
	}
});
