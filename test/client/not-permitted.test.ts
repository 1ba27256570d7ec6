import { expect, test } from 'vitest';
import { cliInside } from '../support/cli-inside.ts';
import { eventually } from '../support/eventually.ts';
import { startCentral, startNode } from '../support/fleet.ts';
import { startSecureNats } from '../support/secure-nats.ts';
import { tempDir } from '../support/temp.ts';

test('who asks with the credentials of a node, or a viewer that would change something, is told who may not, and why', async () => {
	await using secure = await startSecureNats();
	await using dir = await tempDir();
	await using _ = await startCentral(secure.url, {}, await secure.credentials('centre', 'centre'));
	const steward = cliInside(dir.path);
	const ask = async (file: string, words: string) => {
		const way = ['--servers', secure.url, '--credentials', file];
		const { code, stderr } = await steward(...words.split(' '), ...way);
		return [words, code, stderr];
	};
	const ship1 = await secure.credentialsFile('node', 'ship1');
	const asked = [
		'nodes ls',
		'list',
		'show ship1.x',
		'backup b',
		'streams plan',
		'trust',
		'schedules ls',
		'dead ls',
	];
	for (const words of [
		...asked,
		'send ship2 ping',
		'cancel ship1.x',
		'nodes decommission ship2 --yes --force',
	]) {
		const who = expect.stringContaining('they are those of ship1, a node, which takes its own commands');
		expect(await ask(ship1, words)).toEqual([words, 10, who]);
	}
	// It asks what a node may, and nothing is wrong with that.
	expect(await ask(ship1, 'doctor')).toEqual(['doctor', 0, '']);
	const eve = await secure.credentialsFile('viewer', 'eve');
	for (const words of ['backup b', 'send ship2 ping', 'nodes decommission ship2 --yes --force']) {
		const who = expect.stringContaining('they are those of eve, a viewer, which only reads');
		expect(await ask(eve, words)).toEqual([words, 10, who]);
	}
	expect((await ask(eve, 'nodes ls'))[1]).toBe(0);
	// What a ship may not send its node may, in its own name.
	const dataDir = `${dir.path}/home/.local/share/steward/nodes/ship1`;
	await using ship = await startNode(secure.url, 'ship1', {
		...{ dataDir, credentials: await secure.credentials('node', 'ship1') },
	});
	expect(ship.part.name).toBe('node ship1');
	const way = ['--servers', secure.url, '--credentials', ship1];
	const sent = await eventually(async () => {
		const { code, stderr } = await cliInside(dir.path)('send', 'ship2', 'ping', ...way);
		return code === 0 && stderr;
	});
	expect(sent).toContain('the credentials are those of ship1, a node; handed to the local node ship1');
});
