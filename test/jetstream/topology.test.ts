import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { packageRoot, streamsDir } from '../../src/base/package.ts';
import { shardOf } from '../../src/domain/subject.ts';
import { openConnection } from '../../src/jetstream/connection.ts';
import { loadDefinitions } from '../../src/jetstream/definitions.ts';
import {
	applyTopology,
	planTopology,
	readTopology,
	requireTopology,
	summarizeStreams,
} from '../../src/jetstream/topology.ts';
import { startNats } from '../support/nats.ts';
import { openRaw } from '../support/raw.ts';
import { tempDir } from '../support/temp.ts';
import { startBroker } from './setup.ts';

const names = (changes: readonly { name: string; change: string }[], change: string) =>
	changes.filter((each) => each.change === change).map(({ name }) => name);

async function edited(edits: Record<string, Record<string, unknown>>) {
	const dir = await tempDir();
	await cp(streamsDir, dir.path, { recursive: true });
	for (const [file, fields] of Object.entries(edits)) {
		const path = join(dir.path, file);
		await writeFile(path, JSON.stringify({ ...JSON.parse(await readFile(path, 'utf8')), ...fields }));
	}
	return dir;
}

test('every stream is made as its file says, and applying again changes nothing', async () => {
	await using broker = await startBroker({ shards: 3 });
	const again = await applyTopology(broker.connection, { dir: streamsDir });
	expect(again.shards).toBe(3);
	expect(names(again.changes, 'unchanged')).toHaveLength(again.changes.length);
	for (const definition of await loadDefinitions(streamsDir, 3)) {
		const { config } = await broker.connection.jsm.streams.info(definition.name);
		for (const [field, value] of Object.entries(definition)) {
			const stored: unknown = Reflect.get(config, field);
			if (field === 'metadata') expect(stored).toMatchObject(definition.metadata);
			else expect([field, stored ?? (typeof value === 'boolean' ? false : 0)]).toEqual([field, value]);
		}
	}
	expect((await summarizeStreams(broker.connection)).map(({ name }) => name)).toEqual(
		(await loadDefinitions(streamsDir, 3)).map(({ name }) => name).sort(),
	);
});

test('the count of shards is fixed by the first who sets it up', async () => {
	await using broker = await startBroker({ shards: 4 });
	expect(await requireTopology(broker.connection)).toMatchObject({ shards: 4 });
	await applyTopology(broker.connection, { dir: streamsDir, shards: 4 });
	await expect(applyTopology(broker.connection, { dir: streamsDir, shards: 5 })).rejects.toMatchObject({
		code: 'refused',
		message: expect.stringContaining('4 shards'),
	});
	const subject = `steward.command.${shardOf('ship1', 4)}.ship1.normal.a.b`;
	const streams = await broker.connection.jsm.streams.find(subject);
	expect(streams).toBe(`STEWARD_COMMANDS_${shardOf('ship1', 4)}`);
});

test('a broker that nobody set up is told from one that does not answer', async () => {
	await using nats = await startNats();
	const connection = await openConnection({ servers: [nats.url], name: 'test', timeoutMs: 30_000 });
	try {
		expect(await readTopology(connection)).toBeUndefined();
		await expect(requireTopology(connection)).rejects.toMatchObject({ code: 'no-topology' });
	} finally {
		await connection.nc.close();
	}
	await expect(requireTopology(connection)).rejects.toMatchObject({ code: 'no-broker' });
});

test('one server has no place for three replicas, and says what to do', async () => {
	await using nats = await startNats();
	await using raw = await openRaw(nats.url);
	await expect(applyTopology(raw.connection, { dir: streamsDir, replicas: 3 })).rejects.toMatchObject({
		code: 'refused',
		message: expect.stringMatching(/no place for 3 replicas of stream .*at least 3 servers/),
		details: { replicas: 3 },
	});
	expect(await applyTopology(raw.connection, { dir: streamsDir })).toMatchObject({ replicas: 1 });
});

test('the server’s clock comes with it', async () => {
	await using broker = await startBroker();
	const { serverTime } = await requireTopology(broker.connection);
	expect(Math.abs(serverTime - Date.now())).toBeLessThan(10_000);
});

test('a change that keeps every message is applied, with the room that was given', async () => {
	await using broker = await startBroker();
	const before = (await broker.connection.jsm.streams.info('STEWARD_REPORTS')).config;
	await using dir = await edited({ 'reports.json': { description: 'changed', max_bytes: 1024 } });
	const { changes } = await applyTopology(broker.connection, { dir: dir.path });
	expect(names(changes, 'updated')).toEqual(['STEWARD_REPORTS']);
	const { config } = await broker.connection.jsm.streams.info('STEWARD_REPORTS');
	expect(config).toEqual({ ...before, description: 'changed' });
});

test('a change that loses messages is refused by name', async () => {
	await using broker = await startBroker();
	await using dir = await edited({ 'reports.json': { max_age: 60e9, discard: 'old' } });
	await expect(applyTopology(broker.connection, { dir: dir.path })).rejects.toMatchObject({
		code: 'refused',
		details: { stream: 'STEWARD_REPORTS', fields: ['discard', 'max_age'] },
	});
});

/** Where the definitions of the first commit differ from today's, and what a topology before it would lack. */
const first = {
	'claims.json': { max_bytes: 536_870_912 },
	'kv-ledger.json': { discard: 'new', max_bytes: 2_147_483_648 },
	'kv-results.json': { discard: 'new', max_bytes: 2_147_483_648 },
	'reports.json': { max_bytes: 1_073_741_824, max_consumers: 64 },
};

describe('an older topology', () => {
	test('is planned, refused where something is lost, and brought to today without losing what it holds', async () => {
		await using nats = await startNats();
		await using raw = await openRaw(nats.url);
		await using old = await edited(first);
		await applyTopology(raw.connection, { dir: old.path });
		for (const [subject, count] of [
			['steward.report.ship1.a', 3],
			['$KV.steward-ledger.ship1.a', 1],
		] as const) {
			for (let i = 0; i < count; i++) await raw.js.publish(subject, `${i}`);
		}
		const plan = await planTopology(raw.connection, { dir: streamsDir });
		const differing = plan.streams.filter(({ changes }) => changes.length > 0);
		expect(
			differing.map(({ definition, changes }) => [definition.name, ...changes.map(({ field }) => field)]),
		).toEqual([
			['KV_steward-ledger', 'discard'],
			['KV_steward-results', 'discard'],
			['STEWARD_REPORTS', 'max_consumers'],
		]);
		expect(plan.schema).toEqual({ stored: 1, known: 1 });
		await expect(applyTopology(raw.connection, { dir: streamsDir })).rejects.toMatchObject({
			code: 'refused',
			details: { stream: 'KV_steward-ledger', fields: ['discard'] },
		});
		// Refused before anything was changed.
		expect((await raw.jsm.streams.info('STEWARD_REPORTS')).config.max_consumers).toBe(64);
		await applyTopology(raw.connection, { dir: streamsDir, allowDestructive: true });
		const after = await planTopology(raw.connection, { dir: streamsDir });
		expect(after.streams.flatMap(({ changes }) => changes)).toEqual([]);
		expect((await raw.jsm.streams.info('STEWARD_REPORTS')).state.messages).toBe(3);
		expect((await raw.jsm.streams.info('KV_steward-ledger')).state.messages).toBe(1);
	});

	test('of a schema before the first gets its number last, so that a kill in the middle is repeated', async () => {
		await using broker = await startBroker();
		const { jsm, js } = broker.connection;
		await js.publish('steward.claim.ship1.a', 'x');
		for (const name of ['STEWARD_CLAIMS', 'STEWARD_COMMANDS_0']) {
			const { config } = await jsm.streams.info(name);
			await jsm.streams.update(name, { ...config, metadata: { 'somebody.else': 'stays' } });
		}
		const plan = await planTopology(broker.connection, { dir: streamsDir });
		expect(plan.schema).toEqual({ stored: 0, known: 1 });
		const { changes } = await applyTopology(broker.connection, { dir: streamsDir });
		expect(names(changes, 'updated')).toEqual(['STEWARD_CLAIMS', 'STEWARD_COMMANDS_0']);
		expect(changes.at(-1)?.name).toBe('STEWARD_COMMANDS_0');
		const { config, state } = await jsm.streams.info('STEWARD_CLAIMS');
		expect(config.metadata).toMatchObject({ 'steward.schema': '1', 'somebody.else': 'stays' });
		expect(state.messages).toBe(1);
		expect(await readTopology(broker.connection)).toMatchObject({ schema: 1 });
	});
});

test('room that is there is compared with a budget only where one is named', async () => {
	await using broker = await startBroker();
	const { jsm, js, connection } = { ...broker.connection, connection: broker.connection };
	for (let i = 0; i < 40; i++) await js.publish('steward.output.ship1.a', new Uint8Array(60_000));
	const { bytes } = (await jsm.streams.info('STEWARD_OUTPUT')).state;
	const budgetBytes = 10 * 2 ** 20;
	const without = await planTopology(connection, { dir: streamsDir, budgetBytes });
	expect(without.streams.flatMap(({ changes }) => changes)).toEqual([]);
	const sized = { dir: streamsDir, budgetBytes, sizes: true };
	const lossy = (await planTopology(connection, sized)).streams.flatMap(({ definition, changes }) =>
		changes.some(({ destructive }) => destructive !== null) ? [definition.name] : [],
	);
	expect(lossy).toEqual(['STEWARD_OUTPUT']);
	await expect(applyTopology(connection, sized)).rejects.toMatchObject({ code: 'refused' });
	await applyTopology(connection, { ...sized, allowDestructive: true });
	expect((await jsm.streams.info('STEWARD_OUTPUT')).state.bytes).toBeLessThan(bytes);
});

test('streams of a newer program are left alone', async () => {
	await using broker = await startBroker();
	const { config } = await broker.connection.jsm.streams.info('STEWARD_COMMANDS_0');
	await broker.connection.jsm.streams.update('STEWARD_COMMANDS_0', {
		...config,
		metadata: { ...config.metadata, 'steward.schema': '2' },
	});
	await expect(applyTopology(broker.connection, { dir: streamsDir })).rejects.toMatchObject({
		code: 'schema-newer',
	});
	await expect(requireTopology(broker.connection)).rejects.toMatchObject({ code: 'schema-newer' });
});

test('a file that is no definition is named', async () => {
	await using dir = await edited({ 'dead.json': { max_bytes: 'much' } });
	await expect(loadDefinitions(dir.path, 1)).rejects.toMatchObject({
		code: 'invalid',
		message: expect.stringContaining('streams/dead.json'),
	});
});

test('the streams fit into the shipped config, and into a budget, whatever the count of shards', async () => {
	const conf = await readFile(join(packageRoot, 'nats-server.conf'), 'utf8');
	const maxFile = Number(/^\s*max_file: (\d+)GB/m.exec(conf)?.[1]) * 1e9;
	expect(maxFile).toBeGreaterThan(0);
	const onFile = async (shards: number, budget?: number) =>
		(await loadDefinitions(streamsDir, shards, budget === undefined ? {} : { budgetBytes: budget }))
			.filter(({ storage }) => storage === 'file')
			.reduce((sum, { max_bytes }) => sum + max_bytes, 0);
	for (const shards of [1, 7, 64]) {
		expect(await onFile(shards)).toBeLessThan(maxFile);
		expect(await onFile(shards, 500e6)).toBeLessThanOrEqual(500e6);
		expect(await onFile(shards, 500e6)).toBeGreaterThan(499e6);
	}
	expect(await onFile(1, 1e15)).toBe(await onFile(1));
});

test('a broker without room says how much is needed, and a budget makes it fit', async () => {
	await using nats = await startSmallNats();
	const connection = await openConnection({ servers: [nats.url], name: 'test', timeoutMs: 30_000 });
	try {
		await expect(applyTopology(connection, { dir: streamsDir })).rejects.toMatchObject({
			code: 'refused',
			message: expect.stringMatching(/stream STEWARD_\w+ needs .*GiB.*max_file.*--budget/),
			details: {
				stream: expect.any(String),
				neededBytes: expect.any(Number),
				givenBytes: expect.any(Number),
			},
		});
	} finally {
		await connection.nc.close();
	}
	await using other = await startSmallNats();
	const small = await openConnection({ servers: [other.url], name: 'test', timeoutMs: 30_000 });
	try {
		await applyTopology(small, { dir: streamsDir, budgetBytes: 1e9 });
		const { changes } = await applyTopology(small, { dir: streamsDir });
		expect(names(changes, 'unchanged')).toHaveLength(changes.length);
	} finally {
		await small.nc.close();
	}
});

/** A server whose config gives a tenth of the shipped room. */
async function startSmallNats() {
	await using dir = await tempDir();
	const conf = await readFile(join(packageRoot, 'nats-server.conf'), 'utf8');
	const config = join(dir.path, 'small.conf');
	await writeFile(config, conf.replace(/max_file: \d+GB/, 'max_file: 1GB'));
	// Its config is read by then, and the folder may go.
	return await startNats({ config });
}
