import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connect as connectNats } from '@nats-io/transport-node';
import { expect, test } from 'vitest';
import { buckets, streams, subjects } from '../../src/domain/subject.ts';
import { bucketStream, bucketSubject } from '../../src/jetstream/bucket.ts';
import { effectsIn } from '../support/effects.ts';
import { eventually } from '../support/eventually.ts';
import { openFleet, startCentral, startNode } from '../support/fleet.ts';
import { startNats } from '../support/nats.ts';
import { openRaw } from '../support/raw.ts';
import { tempDir } from '../support/temp.ts';
import { command, event, settled } from './asking.ts';
import { moduleHeader } from './module-source.ts';

test.concurrent('what nodes and the intake refuse is listed with its reason, and runs when it is replayed to a node that can', async () => {
	await using nats = await startNats();
	await using _central = await startCentral(nats.url);
	await using fleet = await openFleet(nats.url);
	await using dir = await tempDir();
	await using nodeDir = await tempDir();
	const effects = effectsIn(dir.path);
	const before = await startNode(nats.url, 'ship1', { dataDir: nodeDir.path });
	await fleet.send(command('unknown', 'unknown', { method: 'later', lane: 'urgent', deliverWithin: '1h' }));
	await fleet.send(command('bad', { comand: ['ls'] }));
	await fleet.send(event('laterEvent', 'event', { id: 'e1' }));
	await fleet.send(event('textLogging', { not: 'text' }, { id: 'e2' }));
	const nc = await connectNats({ servers: nats.url });
	nc.publish('ship1.command.later', 'this is no JSON');
	nc.publish('ship1.event.textLogging', '{"dta":1}');
	await nc.drain();
	const letters = await eventually(async () => {
		const found = await fleet.dead.list();
		return found.length === 6 && found;
	});
	const said = letters.map(({ kind, method, fault, sender, attempts }) =>
		[kind, method, fault.code, sender, attempts].join(' '),
	);
	expect(said.sort()).toEqual([
		'command later invalid _raw 0',
		'command later unknownMethod _operator 0',
		'command shellCommand badData _operator 0',
		'event laterEvent unknownMethod _operator 1',
		'event textLogging badData _operator 1',
		'event textLogging invalid _raw 0',
	]);
	await before.stop();

	const modulePath = join(dir.path, 'module.mjs');
	const source = `const keep = (_, word) => appendFile('${effects.path}', word + '\\n');
	export default [method('later', keep), method('laterEvent', keep, 'event')];`;
	await writeFile(modulePath, (await moduleHeader()) + source);
	const outcomes = await fleet.dead.replay({ node: 'ship1' });
	expect(outcomes.map(({ outcome }) => outcome).sort()).toEqual([
		...['refused', 'refused', 'replayed', 'replayed', 'replayed', 'replayed'],
	]);
	await using _after = await startNode(nats.url, 'ship1', {
		dataDir: nodeDir.path,
		node: { modules: [modulePath] },
	});
	expect((await effects.reach(2)).sort()).toEqual(['event', 'unknown']);
	const [unknown] = await fleet.dead.get('ship1.unknown');
	const [view] = await settled(fleet, [unknown?.replayed?.as.slice('ship1.'.length) ?? '']);
	expect(view).toMatchObject({
		...{ state: 'succeeded', lane: 'urgent', sender: '_operator' },
		lineage: { kind: 'replay', of: 'ship1.unknown' },
	});
	expect((await fleet.get('ship1.unknown'))?.state).toBe('rejected');
	// What is still wrong comes back as a letter of its own, which knows where it comes from.
	const again = await eventually(async () => {
		const found = await fleet.dead.list({ replayed: false, code: 'badData' });
		return found.length === 2 && found;
	});
	expect(again.find(({ kind }) => kind === 'command')?.lineage).toEqual({ kind: 'replay', of: 'ship1.bad' });
	expect(await effects.words()).toHaveLength(2);
});

test.concurrent('a message that is too large to be queued is kept in part, says so, and is not replayed', async () => {
	await using nats = await startNats();
	await using _central = await startCentral(nats.url);
	await using fleet = await openFleet(nats.url);
	const nc = await connectNats({ servers: nats.url });
	const text = JSON.stringify({ data: '"'.repeat(450_000) });
	nc.publish('ship1.command.ping', text);
	await nc.drain();
	const [listed] = await eventually(async () => {
		const found = await fleet.dead.list();
		return found.length === 1 && found;
	});
	expect(listed).toMatchObject({ kept: 'beginning', characters: text.length, fault: { code: 'invalid' } });
	const [outcome] = await fleet.dead.replay([listed?.handle ?? '']);
	expect(outcome).toMatchObject({
		outcome: 'refused',
		why: expect.stringContaining(`${text.length} characters`),
	});
	expect(await fleet.dead.count({ replayed: false })).toBe(1);
});

test.concurrent('a command whose starts were used up by crashes is a letter with its attempts, and runs when it is replayed', async () => {
	await using nats = await startNats();
	await using _central = await startCentral(nats.url);
	await using fleet = await openFleet(nats.url);
	await using dir = await tempDir();
	const effects = effectsIn(dir.path);
	const modulePath = join(dir.path, 'module.mjs');
	const source = `export default method('poison', async (_, path) => {
		appendFileSync(path, 'started\\n');
		if ((await import('node:fs')).readFileSync(path, 'utf8').split('\\n').length < 4) process.exit(9);
	});`;
	await writeFile(modulePath, (await moduleHeader()) + source);
	await using _ship = await startNode(nats.url, 'ship1', { node: { modules: [modulePath] } });
	const poison = { method: 'poison', attempts: 2, backoff: { initial: '10ms' } } as const;
	await fleet.send(command('poison', effects.path, poison));
	const [letter] = await eventually(async () => {
		const found = await fleet.dead.list({ code: 'processDied' });
		return found.length === 1 && found;
	});
	expect(letter).toMatchObject({ handle: 'ship1.poison', attempts: 2, kept: 'whole' });
	const [outcome] = await fleet.dead.replay(['ship1.poison']);
	const [view] = await settled(fleet, [outcome?.as?.slice('ship1.'.length) ?? '']);
	expect(view).toMatchObject({ state: 'succeeded', lineage: { of: 'ship1.poison' } });
	expect(await effects.words()).toHaveLength(3);
});

test.concurrent('another command of an id that was used before is a letter of its own, also when the first was replayed', async () => {
	await using nats = await startNats();
	await using _central = await startCentral(nats.url);
	await using fleet = await openFleet(nats.url);
	await using raw = await openRaw(nats.url);
	await using _ship = await startNode(nats.url, 'ship1');
	const refused = async (day: number) => {
		await fleet.send(command('nightly', { day }, { method: 'later' }));
		await settled(fleet, ['nightly']);
		await eventually(async () => (await raw.jsm.streams.info(streams.commands(0))).state.messages === 0);
	};
	await refused(1);
	await fleet.dead.replay(['ship1.nightly']);
	// As after 30 days: a replay begins the age of its letter anew.
	const forget = async (stream: string, filter: string) => raw.jsm.streams.purge(stream, { filter });
	await forget(bucketStream(buckets.ledger), bucketSubject(buckets.ledger, 'ship1.nightly'));
	await forget(streams.claims, subjects.claim('ship1', 'nightly'));
	await refused(2);
	const days = await eventually(async () => {
		const listed = await fleet.dead.list({ method: 'later' });
		const letters = (await Promise.all(listed.map(({ handle }) => fleet.dead.get(handle)))).flat();
		return letters.length === 3 && letters.map(({ message }) => JSON.parse(message ?? '').data.day);
	});
	expect(days.sort()).toEqual([1, 1, 2]);
});
