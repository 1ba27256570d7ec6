import { expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { streams } from '../../src/domain/subject.ts';
import { closeConnection, openConnection } from '../../src/jetstream/connection.ts';
import { effectsIn } from '../support/effects.ts';
import { eventually } from '../support/eventually.ts';
import { openFleet, startCentral, startNode } from '../support/fleet.ts';
import { startNats } from '../support/nats.ts';
import { tempDir } from '../support/temp.ts';
import { command, ends, settled } from './asking.ts';

test.concurrent('a broker that is killed during a run and comes back: no second run, the result is there', async () => {
	await using nats = await startNats();
	await using _central = await startCentral(nats.url);
	await using fleet = await openFleet(nats.url);
	await using dir = await tempDir();
	const effects = effectsIn(dir.path);
	await using _ship = await startNode(nats.url, 'ship1');
	await fleet.send(command('a', effects.shell('a', `${effects.gate('a')}; echo over`)));
	await fleet.send(command('b', effects.shell('b')));
	await effects.reach(1);
	await nats.kill();
	await effects.open('a');
	await nats.restart();
	const views = await settled(fleet, ['a', 'b']);
	expect(ends(views)).toEqual(['succeeded 1', 'succeeded 1']);
	expect(views[0]?.result?.stdout?.head).toBe('over\n');
	expect(await effects.words()).toEqual(['a', 'b']);
});

test.concurrent('a consumer that is deleted under its node is made again, and nothing runs twice', async () => {
	await using nats = await startNats();
	await using central = await startCentral(nats.url);
	await using fleet = await openFleet(nats.url);
	await using dir = await tempDir();
	const effects = effectsIn(dir.path);
	await using _ship = await startNode(nats.url, 'ship1');
	const lane = async () => (await fleet.node('ship1'))?.lanes.find(({ lane }) => lane === 'normal')?.status;
	await fleet.send(command('a', effects.shell('a')));
	await settled(fleet, ['a']);
	await eventually(async () => (await lane()) === 'ready');
	await fleet.send(command('b', effects.shell('b', effects.gate('b'))));
	await fleet.send(command('c', effects.shell('c')));
	await effects.reach(2);
	const connection = await openConnection({ servers: [nats.url], name: 'test', timeoutMs: 30_000 });
	await connection.jsm.consumers.delete(streams.commands(0), 'ship1-normal');
	await effects.open('b');
	const views = await settled(fleet, ['b', 'c']);
	expect(ends(views)).toEqual(['succeeded 1', 'succeeded 1']);
	expect(await effects.words()).toEqual(['a', 'b', 'c']);

	// With no centre that leads, the node waits and says so; the next leader makes the consumer.
	await central.stop();
	await connection.jsm.consumers.delete(streams.commands(0), 'ship1-normal');
	await fleet.send(command('d', effects.shell('d')));
	await eventually(async () => {
		const stored = await connection.jsm.direct.getMessage(streams.state, {
			last_by_subj: 'steward.state.ship1',
		});
		return stored?.string().includes('"lane":"normal","capacity":1,"running":0,"status":"waiting"');
	});
	await closeConnection(connection, systemClock);
	await using _next = await startCentral(nats.url);
	expect(ends(await settled(fleet, ['d']))).toEqual(['succeeded 1']);
	await eventually(async () => (await lane()) === 'ready');
	expect(await effects.words()).toEqual(['a', 'b', 'c', 'd']);
});

test.concurrent('a broker that lost its whole store: nothing that ran runs again, and the node goes on', async () => {
	await using first = await startNats();
	await using central = await startCentral(first.url);
	await using fleet = await openFleet(first.url);
	await using dir = await tempDir();
	const effects = effectsIn(dir.path);
	await using ship = await startNode(first.url, 'ship1');
	await fleet.send(command('a', effects.shell('a')));
	await settled(fleet, ['a']);
	await ship.stop();
	await central.stop();
	await using second = await startNats();
	await using _central = await startCentral(second.url);
	await using again = await openFleet(second.url);
	// The same command, sent again by somebody who does not know: the journal does.
	await again.send(command('a', effects.shell('a')));
	await again.send(command('b', effects.shell('b')));
	await using _ship = await startNode(second.url, 'ship1', { dataDir: ship.dataDir });
	expect(ends(await settled(again, ['a', 'b']))).toEqual(['succeeded 1', 'succeeded 1']);
	expect(await effects.words()).toEqual(['a', 'b']);
});
