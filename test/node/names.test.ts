import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { Claims } from '../../src/jetstream/claims.ts';
import { Commands } from '../../src/jetstream/commands.ts';
import { closeConnection, openConnection } from '../../src/jetstream/connection.ts';
import { effectsIn } from '../support/effects.ts';
import { eventually } from '../support/eventually.ts';
import { openFleet, startCentral, startNode } from '../support/fleet.ts';
import { shortenLeases } from '../support/leases.ts';
import { recordingLog } from '../support/log.ts';
import { startNats } from '../support/nats.ts';
import { tempDir } from '../support/temp.ts';
import { command, ends, settled } from './asking.ts';

test('two nodes of one name are noticed and told, and each command runs on one of them only', async () => {
	await using nats = await startNats();
	await using _central = await startCentral(nats.url);
	await using fleet = await openFleet(nats.url);
	await using dir = await tempDir();
	const effects = effectsIn(dir.path);
	await using atCentral = await startNode(nats.url, 'central');
	const log = recordingLog();
	await using one = await startNode(nats.url, 'ship1', { log });
	await using two = await startNode(nats.url, 'ship1', { log });
	expect(one.dataDir).not.toBe(two.dataDir);
	const conflict = await eventually(async () => (await fleet.node('ship1'))?.conflict);
	expect(conflict.machines).toHaveLength(2);
	const ids = Array.from({ length: 8 }, (_, n) => `c${n}`);
	for (const id of ids) await fleet.send(command(id, effects.shell(id)));
	expect(ends(await settled(fleet, ids))).toEqual(ids.map(() => 'succeeded 1'));
	expect((await effects.words()).sort()).toEqual(ids);
	await eventually(() => log.lines.some(({ message }) => message.includes('uses the name ship1')));
	const errors = join(atCentral.dataDir, 'logs', 'errors.jsonl');
	await eventually(async () => (await readFile(errors, 'utf8')).includes('uses the name ship1 too'));
});

test('what a machine had claimed that was replaced is interrupted or run again by policy, and its lane goes on', async () => {
	await using nats = await startNats();
	await using _central = await startCentral(nats.url);
	await using fleet = await openFleet(nats.url);
	await using dir = await tempDir();
	const effects = effectsIn(dir.path);
	await shortenLeases(nats.url, 'ship1');
	const rerun = { onInterrupt: 'rerun', attempts: 2 } as const;
	await fleet.send(command('old', effects.shell('old')));
	await fleet.send(command('again', effects.shell('again'), rerun));
	await fleet.send(command('next', effects.shell('next')));
	const connection = await openConnection({ servers: [nats.url], name: 'test', timeoutMs: 30_000 });
	for (const id of ['old', 'again']) {
		const stored = await new Commands(connection, 1).find('ship1', id);
		if (!stored) throw new Error(`${id} is not on its stream`);
		const { facts } = stored;
		const gone = { epoch: 'gone', boot: 'gone', machine: 'gone' };
		const claim = { v: 1, by: 'node', event: 'started', at: facts.queuedAt, facts, ...gone } as const;
		await new Claims(connection).write({ node: 'ship1', id }, claim);
	}
	await closeConnection(connection, systemClock);
	await using _ship = await startNode(nats.url, 'ship1', { nameQuietMs: 2000 });
	const views = await settled(fleet, ['old', 'again', 'next']);
	expect(ends(views)).toEqual(['interrupted 1', 'succeeded 2', 'succeeded 1']);
	expect(views[0]?.fault?.message).toContain('machine gone claimed it');
	expect(await effects.words()).toEqual(['again', 'next']);
});
