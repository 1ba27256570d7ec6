import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { streams, subjects } from '../../src/domain/subject.ts';
import { closeConnection, openConnection } from '../../src/jetstream/connection.ts';
import { effectsIn } from '../support/effects.ts';
import { eventually } from '../support/eventually.ts';
import { openFleet, startCentral, startNode } from '../support/fleet.ts';
import { shortenLeases } from '../support/leases.ts';
import { startNats } from '../support/nats.ts';
import { tempDir } from '../support/temp.ts';
import { command, ends, settled } from './asking.ts';

const hourMs = 3_600_000;

for (const { clock, offsetMs } of [
	{ clock: 'right', offsetMs: 0 },
	{ clock: 'an hour slow', offsetMs: -hourMs },
	{ clock: 'an hour fast', offsetMs: hourMs },
]) {
	test.concurrent(`a deadline counts in server time, with no centre alive (the node's clock is ${clock})`, async () => {
		await using nats = await startNats();
		await using central = await startCentral(nats.url);
		await using fleet = await openFleet(nats.url);
		await using dir = await tempDir();
		const effects = effectsIn(dir.path);
		await shortenLeases(nats.url, 'ship1');
		await central.stop();
		await fleet.send(command('late', effects.shell('late'), { deliverWithin: '1s' }));
		await fleet.send(command('early', effects.shell('early'), { deliverWithin: '10m' }));
		const connection = await openConnection({ servers: [nats.url], name: 'test', timeoutMs: 30_000 });
		// The server's own clock says when the deadline has passed.
		await eventually(async () => {
			const info = await connection.jsm.streams.info(streams.commands(0));
			return Date.parse(info.ts ?? '') - Date.parse(info.state.first_ts) > 1100;
		});
		const shifted = { ...systemClock, now: () => systemClock.now() + offsetMs };
		await using _ship = await startNode(nats.url, 'ship1', { clock: shifted });
		await effects.reach(1);
		const claim = await eventually(() =>
			connection.jsm.direct.getMessage(streams.claims, { last_by_subj: subjects.claim('ship1', 'late') }),
		);
		expect(claim.json()).toMatchObject({ by: 'node', event: 'expired' });
		const state = await connection.jsm.direct.getMessage(streams.state, {
			last_by_subj: 'steward.state.ship1',
		});
		expect(Math.abs((state?.json<{ clockOffsetMs: number }>().clockOffsetMs ?? 1e9) + offsetMs)).toBeLessThan(
			60_000,
		);
		await closeConnection(connection, systemClock);
		await using _again = await startCentral(nats.url);
		expect(ends(await settled(fleet, ['late', 'early']))).toEqual(['expired 0', 'succeeded 1']);
		expect(await effects.words()).toEqual(['early']);
	});
}

test.concurrent('what cannot run is rejected with its reason, a dead letter and an error for the centre; the lane goes on', async () => {
	await using nats = await startNats();
	await using _central = await startCentral(nats.url);
	await using fleet = await openFleet(nats.url);
	await using dir = await tempDir();
	const effects = effectsIn(dir.path);
	await using atCentral = await startNode(nats.url, 'central');
	await fleet.send(command('unknown', null, { method: 'shelCommand' }));
	await fleet.send(command('bad', { comand: ['ls'] }));
	const connection = await openConnection({ servers: [nats.url], name: 'test', timeoutMs: 30_000 });
	await connection.js.publish(
		subjects.command(0, { node: 'ship1', lane: 'normal', method: 'shellCommand', id: 'broken' }),
		'{"v":1,"id":"another"',
		{ headers: await rawHeaders({ 'Steward-Deliver-Within': 'never', 'Steward-Sender': '_operator' }) },
	);
	await fleet.send(command('good', effects.shell('good')));
	await using _ship = await startNode(nats.url, 'ship1');
	const views = await settled(fleet, ['unknown', 'bad', 'broken', 'good']);
	expect(ends(views)).toEqual(['rejected 0', 'rejected 0', 'rejected 0', 'succeeded 1']);
	expect(views.map(({ fault }) => fault?.code)).toEqual([
		'unknownMethod',
		'badData',
		'undecodable',
		undefined,
	]);
	expect(views[0]?.fault?.message).toContain('did you mean "shellCommand"?');
	expect(views[1]?.fault?.message).toContain('command');
	const deadSubjects = await eventually(async () => {
		const info = await connection.jsm.streams.info(streams.dead, { subjects_filter: 'steward.dead.>' });
		const found = Object.keys(info.state.subjects ?? {});
		return found.length === 3 && found.sort();
	});
	expect(deadSubjects).toEqual([
		'steward.dead.ship1.command.shelCommand.unknown',
		'steward.dead.ship1.command.shellCommand.bad',
		'steward.dead.ship1.command.shellCommand.broken',
	]);
	await closeConnection(connection, systemClock);
	const errors = await eventually(async () => {
		const lines = await jsonLines(join(atCentral.dataDir, 'logs', 'errors.jsonl'));
		return lines.length >= 3 && lines;
	});
	expect(errors.map(({ sender, error }) => `${sender} ${error.code} ${error.handle}`)).toEqual([
		'ship1 unknownMethod ship1.unknown',
		'ship1 badData ship1.bad',
		'ship1 undecodable ship1.broken',
	]);
	expect(await effects.words()).toEqual(['good']);
	await eventually(async () => (await fleet.queue('ship1')).length === 0);
});

async function rawHeaders(fields: Record<string, string>) {
	const { headers } = await import('@nats-io/transport-node');
	const made = headers();
	for (const [name, value] of Object.entries(fields)) made.set(name, value);
	return made;
}

async function jsonLines(
	path: string,
): Promise<{ sender: string; error: { code: string; handle: string } }[]> {
	const text = await readFile(path, 'utf8').catch(() => '');
	return text
		.split('\n')
		.filter((line) => line !== '')
		.map((line) => JSON.parse(line));
}
