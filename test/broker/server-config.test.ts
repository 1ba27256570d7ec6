import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { expect, test } from 'vitest';
import { packageRoot } from '../../src/base/package.ts';
import { reserveBytes, storageBudget } from '../../src/broker/disk.ts';
import { serverConfig } from '../../src/broker/server-config.ts';
import { startNats } from '../support/nats.ts';

const settings = { host: '127.0.0.1', port: 0, storeDir: '/data/it "is"/store', maxFileBytes: 5_000_000 };

test('sets its lines in the shipped file and leaves all others as they are', async () => {
	const shipped = await readFile(join(packageRoot, 'nats-server.conf'), 'utf8');
	const config = serverConfig(shipped, settings);
	const changed = config.split('\n').filter((line) => !shipped.split('\n').includes(line));
	expect(changed.map((line) => line.trim())).toEqual([
		expect.stringMatching(/^# Made by steward/),
		'host: "127.0.0.1"',
		'port: -1',
		'http: "127.0.0.1:-1"',
		'store_dir: "/data/it \\"is\\"/store"',
		'max_file: 5000000',
	]);
	expect(config).toContain('sync_interval: always');
});

test('a shipped file without one of its lines is refused by the name of the line', () => {
	expect(() => serverConfig('host: a\nport: 1\nhttp: "x"\nstore_dir: "x"\n', settings)).toThrow(
		/exactly one line "max_file: …", got 0/,
	);
});

test('the shipped file runs by hand, with strict durability, on this machine alone', async () => {
	await using nats = await startNats();
	const varz = await (await fetch(`${nats.monitorUrl}/varz`)).text();
	expect(JSON.parse(varz)).toMatchObject({
		host: '127.0.0.1',
		http_host: '127.0.0.1',
		max_payload: 1024 * 1024,
		ping_interval: 15_000_000_000,
		ping_max: 2,
		jetstream: { config: { sync_always: true } },
	});
	expect(nats.output()).not.toMatch(/\[(WRN|ERR)\]/);
});

test('what any client publishes to a public subject reaches the intake stream, and nothing else does', async () => {
	await using nats = await startNats();
	const nc = await connect({ servers: nats.url });
	const jsm = await jetstreamManager(nc);
	await jsm.streams.add({ name: 'INTAKE', subjects: ['steward.intake.>'] });
	nc.publish('ship1.command.shellCommand', '{}');
	nc.publish('ship1.event.textLogging', '{}');
	nc.publish('ship1.command.two.tokens', '{}');
	nc.publish('ship1.other.shellCommand', '{}');
	await jetstream(nc).publish('ship2.command.shellCommand', 'with an acknowledgement');
	const { subjects } = (await jsm.streams.info('INTAKE', { subjects_filter: '>' })).state;
	expect(subjects).toEqual({
		'steward.intake.ship1._raw.command.shellCommand': 1,
		'steward.intake.ship1._raw.event.textLogging': 1,
		'steward.intake.ship2._raw.command.shellCommand': 1,
	});
	await nc.close();
});

test('the store may grow to what is free less a reserve of 5 %, at least 1 GiB', () => {
	const gib = 2 ** 30;
	expect(reserveBytes({ freeBytes: 0, totalBytes: 10 * gib })).toBe(gib);
	expect(reserveBytes({ freeBytes: 0, totalBytes: 100 * gib })).toBe(5 * gib);
	expect(storageBudget({ freeBytes: 40 * gib, totalBytes: 100 * gib }, 10 * gib)).toBe(45 * gib);
	expect(storageBudget({ freeBytes: 0, totalBytes: 100 * gib }, 0)).toBe(64 * 2 ** 20);
});
