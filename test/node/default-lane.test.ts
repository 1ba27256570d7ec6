import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { effectsIn } from '../support/effects.ts';
import { eventually } from '../support/eventually.ts';
import { openFleet, startCentral, startNode } from '../support/fleet.ts';
import { startNats } from '../support/nats.ts';
import { openRaw } from '../support/raw.ts';
import { tempDir } from '../support/temp.ts';
import { command, settled } from './asking.ts';
import { moduleHeader } from './module-source.ts';

test("a command whose sender names no lane takes its method's, and is the same command whenever that became known", async () => {
	await using nats = await startNats();
	await using dir = await tempDir();
	await using _central = await startCentral(nats.url);
	await using before = await openFleet(nats.url);
	const effects = effectsIn(dir.path);
	const modulePath = join(dir.path, 'module.mjs');
	await writeFile(
		modulePath,
		`${await moduleHeader()}
		const run = (_, word) => appendFileSync(${JSON.stringify(effects.path)}, word + '\\n');
		const lane = (lane) => ({ ...method(lane + 'Word', run), defaults: { lane } });
		export default [lane('urgent'), lane('bulk')];`,
	);
	const word = (id: string, more = {}) => command(id, id, { method: 'urgentWord', ...more });
	expect((await before.send(word('a')))[0]).toMatchObject({ lane: 'normal', duplicate: false });

	await using _ship = await startNode(nats.url, 'ship1', { node: { modules: [modulePath] } });
	await settled(before, ['a']);
	await using fleet = await openFleet(nats.url);
	const methods = (await eventually(() => fleet.node('ship1'))).methods;
	expect(methods.find(({ name }) => name === 'urgentWord')?.lane).toBe('urgent');
	expect((await fleet.send(word('a')))[0]).toMatchObject({ lane: 'normal', duplicate: true });
	expect((await fleet.send(word('b')))[0]).toMatchObject({ lane: 'urgent', duplicate: false });
	expect((await fleet.send(word('b')))[0]?.duplicate).toBe(true);
	await expect(fleet.send(word('b', { data: 'other' }))).rejects.toMatchObject({ code: 'id-conflict' });
	// The sender's own word wins, and a lane that the node does not have is nobody's default.
	expect((await fleet.send(word('c', { lane: 'normal' })))[0]?.lane).toBe('normal');
	expect((await fleet.send(word('d', { method: 'bulkWord' })))[0]?.lane).toBe('normal');

	await using raw = await openRaw(nats.url);
	raw.nc.publish('ship1.command.urgentWord', JSON.stringify({ data: 'raw', id: 'e' }));
	const lane = await eventually(async () => (await fleet.get('ship1.e'))?.lane);
	expect(lane).toBe('urgent');
	expect((await fleet.send(word('e', { data: 'raw' })))[0]?.duplicate).toBe(true);
	await settled(fleet, ['b', 'c', 'd', 'e']);
	expect((await effects.words()).sort()).toEqual(['a', 'b', 'c', 'd', 'raw']);
});

test('a module whose method asks for a lane that does not exist is told so', async () => {
	await using nats = await startNats();
	await using dir = await tempDir();
	const modulePath = join(dir.path, 'module.mjs');
	await writeFile(
		modulePath,
		`${await moduleHeader()} export default { ...method('m', () => 1), defaults: { lane: 'control' } };`,
	);
	await expect(startNode(nats.url, 'ship1', { node: { modules: [modulePath] } })).rejects.toThrow(
		'defaults.lane: expected one of urgent, normal, bulk',
	);
});
