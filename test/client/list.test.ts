import { expect, test } from 'vitest';
import { cliInside } from '../support/cli-inside.ts';
import { eventually } from '../support/eventually.ts';
import { openFleet, startCentral } from '../support/fleet.ts';
import { startNats } from '../support/nats.ts';
import { tempDir } from '../support/temp.ts';

test('a list is narrowed by a schedule and by a piece of text, in the library and on the command line', async () => {
	await using nats = await startNats();
	await using _central = await startCentral(nats.url);
	await using fleet = await openFleet(nats.url);
	await using folder = await tempDir('steward-list-');
	const steward = cliInside(folder.path);
	const list = async (...words: readonly string[]) => {
		const { code, stdout, stderr } = await steward('list', '--servers', nats.url, '--json', ...words);
		expect([words, code, stderr]).toEqual([words, 0, expect.not.stringContaining('expected')]);
		return (JSON.parse(stdout) as { handle: string }[]).map(({ handle }) => handle).sort();
	};
	const message = { method: 'ping' };
	for (const name of ['nightly', 'weekly'])
		await fleet.schedules.add({ name, every: '30d', toNode: 'ship1', message });
	for (const name of ['nightly', 'weekly']) await fleet.schedules.runNow(name, { id: `${name}-run` });
	for (const [toNode, method] of [
		['ship1', 'textLogging'],
		['ship2', 'ping'],
	] as const)
		await fleet.send({ toNode, method, kind: 'command', id: 'by-hand' });
	const all = ['ship1.by-hand', 'ship1.nightly-run', 'ship1.weekly-run', 'ship2.by-hand'];
	await eventually(async () => (await list()).length === all.length);
	expect(await list()).toEqual(all);
	expect(await list('--schedule', 'nightly')).toEqual(['ship1.nightly-run']);
	expect(await list('--schedule', 'night')).toEqual([]);
	expect(await list('--search', 'SHIP1.')).toEqual(all.slice(0, 3));
	expect(await list('--search', 'logg')).toEqual(['ship1.by-hand']);
	expect(await list('--search', 'run', '--schedule', 'weekly', '--state', 'queued')).toEqual([
		'ship1.weekly-run',
	]);
	expect((await fleet.list({ search: 'hand', node: 'ship2' })).map(({ handle }) => handle)).toEqual([
		'ship2.by-hand',
	]);
	expect((await fleet.list({ schedule: 'weekly' })).map(({ schedule }) => schedule?.name)).toEqual([
		'weekly',
	]);
	for (const words of [
		['--schedule', 'no.name'],
		['--search', ''],
		['--search', 'x'.repeat(201)],
	]) {
		const { code, stderr } = await steward('list', '--servers', nats.url, ...words);
		expect([words, code, stderr]).toEqual([words, 2, expect.stringContaining(`${words[0]}: expected`)]);
	}
	const none = await steward('list', '--servers', nats.url, '--search', 'nothing');
	expect(none.stderr).toContain('no command matches');
});
