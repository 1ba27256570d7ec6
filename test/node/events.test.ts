import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { streams } from '../../src/domain/subject.ts';
import { closeConnection, openConnection } from '../../src/jetstream/connection.ts';
import { Events } from '../../src/jetstream/events.ts';
import { effectsIn } from '../support/effects.ts';
import { eventually } from '../support/eventually.ts';
import { openFleet, startCentral, startNode } from '../support/fleet.ts';
import { shortenLeases } from '../support/leases.ts';
import { startNats } from '../support/nats.ts';
import { keepRunning } from '../support/node-process.ts';
import { tempDir } from '../support/temp.ts';
import { event } from './asking.ts';
import { moduleHeader } from './module-source.ts';

function logOf(dataDir: string, sender: string): Promise<string> {
	return readFile(join(dataDir, 'logs', `${sender}.log`), 'utf8').catch(() => '');
}

async function deadLetters(url: string): Promise<{ subject: string; letter: Record<string, unknown> }[]> {
	const connection = await openConnection({ servers: [url], name: 'test', timeoutMs: 30_000 });
	try {
		const info = await connection.jsm.streams.info(streams.dead, { subjects_filter: 'steward.dead.>' });
		return await Promise.all(
			Object.keys(info.state.subjects ?? {}).map(async (subject) => {
				const stored = await connection.jsm.direct.getMessage(streams.dead, { last_by_subj: subject });
				return { subject, letter: stored?.json<Record<string, unknown>>() ?? {} };
			}),
		);
	} finally {
		await closeConnection(connection, systemClock);
	}
}

test.concurrent('text appended to inmsg.txt on a ship is logged on central, and the other way round', async () => {
	await using nats = await startNats();
	await using _central = await startCentral(nats.url);
	await using atCentral = await startNode(nats.url, 'central');
	await using ship = await startNode(nats.url, 'ship1');
	const text = (toNode: string, message: string) =>
		JSON.stringify([{ toNode, commandOrEvent: 'event', method: 'textLogging', data: [message] }]);
	await appendFile(join(ship.dataDir, 'inmsg.txt'), text('central', 'some message\n'));
	await appendFile(join(atCentral.dataDir, 'inmsg.txt'), text('ship1', 'an answer\n'));
	await eventually(async () => (await logOf(atCentral.dataDir, 'ship1')) === 'some message\n');
	await eventually(async () => (await logOf(ship.dataDir, 'central')) === 'an answer\n');
});

test.concurrent('a repeat under the same key is dropped, also over a restart of the receiver', async () => {
	await using nats = await startNats();
	await using _central = await startCentral(nats.url);
	await using ship = await startNode(nats.url, 'ship1');
	const connection = await openConnection({ servers: [nats.url], name: 'test', timeoutMs: 30_000 });
	const events = new Events(connection);
	const send = (n: number, epoch = 'first') =>
		events.publish(
			{ node: 'ship1', sender: 'ship2', method: 'textLogging', id: `e${n}`, data: `${epoch} ${n}` },
			{ epoch, n },
		);
	await send(1);
	await send(3);
	await send(1);
	await send(2);
	await eventually(async () => (await logOf(ship.dataDir, 'ship2')) === 'first 1\nfirst 3\nfirst 2\n');
	await ship.stop();
	await using again = await startNode(nats.url, 'ship1', { dataDir: ship.dataDir });
	for (const n of [3, 2, 1, 4]) await send(n);
	const last = await send(1, 'second');
	await events.waitDelivered(
		{ node: 'ship1', method: 'textLogging', id: 'e1', seq: last },
		systemClock,
		20_000,
	);
	await closeConnection(connection, systemClock);
	expect(await logOf(again.dataDir, 'ship2')).toBe('first 1\nfirst 3\nfirst 2\nfirst 4\nsecond 1\n');
});

test.concurrent('an event whose method throws is tried again, then a dead letter; the lane goes on', async () => {
	await using nats = await startNats();
	await using _central = await startCentral(nats.url);
	await using fleet = await openFleet(nats.url);
	await using dir = await tempDir();
	const effects = effectsIn(dir.path);
	const modulePath = join(dir.path, 'module.mjs');
	const source = `export default [
		method('throws', async ({ attempt }, path) => { await appendFile(path, attempt + '\\n'); throw new Error('not today'); }, 'event'),
	];`;
	await writeFile(modulePath, (await moduleHeader()) + source);
	await using ship = await startNode(nats.url, 'ship1', { node: { modules: [modulePath] } });
	await fleet.send(event('throws', effects.path, { id: 'e1' }));
	await fleet.send(event('nowhere', null, { id: 'e2' }));
	await fleet.send(event('textLogging', { not: 'text' }, { id: 'e3' }));
	const [receipt] = await fleet.send(event('textLogging', ['after\n']));
	if (!receipt) throw new Error('no receipt');
	await fleet.waitDelivered(receipt, { timeoutMs: 60_000 });
	expect(await logOf(ship.dataDir, '_operator')).toBe('after\n');
	expect(await effects.words()).toEqual(['1', '2', '3', '4', '5']);
	const letters = await eventually(async () => {
		const found = await deadLetters(nats.url);
		return found.length === 3 && found;
	});
	expect(letters.map(({ subject, letter }) => `${subject} ${letter.attempts}`).sort()).toEqual([
		'steward.dead.ship1.event.nowhere.e2 1',
		'steward.dead.ship1.event.textLogging.e3 1',
		'steward.dead.ship1.event.throws.e1 5',
	]);
});

test.concurrent('an event that kills its node ends as a dead letter, and the lane goes on', async () => {
	await using nats = await startNats();
	await using _central = await startCentral(nats.url);
	await using fleet = await openFleet(nats.url);
	await shortenLeases(nats.url, 'ship1', 500);
	await using dir = await tempDir();
	await using nodeDir = await tempDir();
	const effects = effectsIn(dir.path);
	const modulePath = join(dir.path, 'module.mjs');
	const source = `export default method('kills', (_, path) => {
		appendFileSync(path, 'killed\\n');
		process.kill(process.ppid, 'SIGKILL');
		return new Promise(() => undefined);
	}, 'event');`;
	await writeFile(modulePath, (await moduleHeader()) + source);
	await fleet.send(event('kills', effects.path, { id: 'e1' }));
	const [receipt] = await fleet.send(event('textLogging', ['after\n']));
	if (!receipt) throw new Error('no receipt');
	await using _ship = keepRunning(nats.url, 'ship1', nodeDir.path, { node: { modules: [modulePath] } });
	await fleet.waitDelivered(receipt, { timeoutMs: 60_000 });
	expect((await effects.words()).length).toBeLessThanOrEqual(6);
	const [dead] = await eventually(async () => {
		const found = await deadLetters(nats.url);
		return found.length === 1 && found;
	});
	expect(dead?.letter).toMatchObject({ attempts: 5, fault: { code: 'interrupted' } });
});
