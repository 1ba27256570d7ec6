import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { runBuilt, startCli } from '../support/cli.ts';
import { tempDir } from '../support/temp.ts';

const library = pathToFileURL(fileURLToPath(new URL('../../dist/index.js', import.meta.url))).href;

const module = (methods: string) => `
	import { isMainThread } from 'node:worker_threads';
	import { defineMethod } from '${library}';
	import { z } from '${import.meta.resolve('zod')}';
	const method = (name, isolate, run) => defineMethod({ name, kind: 'command', data: z.any(), isolate, run });
	export default [${methods}];
`;

test("a user's methods run in a child process or in a thread, as they say, from the built command line", async () => {
	await using dir = await tempDir('steward-modules-');
	const modulePath = join(dir.path, 'module.mjs');
	const config = join(dir.path, 'config.yaml');
	await writeFile(config, JSON.stringify({ node: { modules: [modulePath], workers: 1 } }));
	await writeFile(
		modulePath,
		module(`
			method('inChild', undefined, () => ({ pid: process.pid, isMainThread })),
			method('inThread', 'worker', ({ log }) => { console.log('from the thread'); log.info('logged there'); return { pid: process.pid, isMainThread }; }),
			method('exits', 'worker', () => process.exit(3)),
		`),
	);
	await using up = startCli(['up', '--data', dir.path, '--port', '0']);
	await up.printed('Try next');
	const servers = /nats:\/\/[\d.:]+/.exec(up.stdout())?.[0] ?? '';
	const env = { STEWARD_SERVERS: servers, STEWARD_DATA: dir.path };
	await using ship = startCli(['node', '--node', 'ship1', '--config', config], { env });
	const ask = async (method: string) => {
		const { code, stdout } = await runBuilt(['send', 'ship1', method, '--wait', '--json'], { env });
		return { code, view: JSON.parse(stdout) };
	};
	const inChild = (await ask('inChild')).view.result.value;
	const inThread = (await ask('inThread')).view.result.value;
	expect([inChild.isMainThread, inThread.isMainThread]).toEqual([true, false]);
	expect(new Set([inChild.pid, inThread.pid, ship.pid]).size).toBe(3);
	const exits = await ask('exits');
	expect(exits).toMatchObject({ code: 1, view: { state: 'failed', fault: { code: 'processDied' } } });
	expect((await ask('inThread')).code).toBe(0);
	// What a thread prints is log, and never in between what the node itself prints.
	expect(ship.stdout()).not.toContain('from the thread');
	expect(ship.stderr()).toContain('from the thread');
	expect(ship.stderr()).toContain('logged there');
	expect(await ship.stop()).toBe(0);
	await writeFile(modulePath, module(`method('inside', 'none', () => 1)`));
	const refused = await runBuilt(['node', '--node', 'ship1', '--config', config], { env });
	expect(refused.code).toBe(2);
	expect(refused.stderr).toContain(`the module ${modulePath} defines the method inside with isolate: 'none'`);
	expect(refused.stderr).toContain("write isolate: 'worker' or 'child'");
});
