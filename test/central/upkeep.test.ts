import { rm } from 'node:fs/promises';
import { expect, test } from 'vitest';
import type { Fleet } from '../../src/client/fleet.ts';
import { buckets, streams, subjects } from '../../src/domain/subject.ts';
import type { CommandFacts, NodeClaim, Report } from '../../src/domain/wire.ts';
import { bucketStream, bucketSubject } from '../../src/jetstream/bucket.ts';
import { getLast } from '../../src/jetstream/direct-get.ts';
import { eventually } from '../support/eventually.ts';
import { openFleet, startCentral, startNode } from '../support/fleet.ts';
import { startNats } from '../support/nats.ts';
import { openRaw } from '../support/raw.ts';
import { untilSwept } from './swept.ts';

const day = 86_400_000;

function factsAt(queuedAt: number): CommandFacts {
	return {
		method: 'ping',
		lane: 'normal',
		sender: '_operator',
		digest: 'd',
		seq: 1,
		queuedAt,
		deliverWithinMs: null,
	};
}

function claimAt(at: number): NodeClaim {
	return { v: 1, by: 'node', epoch: 'e', boot: 'b', machine: 'm', event: 'started', at, facts: factsAt(at) };
}

function reportAt(at: number): Report {
	const attempt = {
		attempt: 1,
		startedAt: at,
		endedAt: at,
		outcome: 'succeeded',
		exitCode: null,
		signal: null,
		fault: null,
	} as const;
	const result = { exitCode: null, signal: null, stdout: null, stderr: null, value: 'kept' };
	return {
		v: 1,
		key: { epoch: 'e', n: 1 },
		event: 'succeeded',
		at,
		attempts: [attempt],
		facts: factsAt(at),
		result,
	};
}

async function pinged(fleet: Fleet, node: string): Promise<void> {
	const [receipt] = await fleet.send({ toNode: node, kind: 'command', method: 'ping' });
	await fleet.wait([receipt?.handle ?? ''], { timeoutMs: 60_000 });
}

test.concurrent('an outcome that comes 35 days after its end is kept for its whole age', async () => {
	await using nats = await startNats();
	await using _central = await startCentral(nats.url);
	await using fleet = await openFleet(nats.url);
	await using raw = await openRaw(nats.url);
	const ended = Date.now() - 35 * day;
	await raw.js.publish(subjects.claim('ship1', 'late'), JSON.stringify(claimAt(ended)));
	await raw.js.publish(subjects.report('ship1', 'late'), JSON.stringify(reportAt(ended)));
	await eventually(async () => (await fleet.list({ states: ['succeeded'] })).length === 1);
	const key = bucketSubject(buckets.ledger, 'ship1.late');
	const entry = await getLast(raw.connection, bucketStream(buckets.ledger), key);
	const ttlSeconds = Number.parseInt(entry?.header('Nats-TTL') ?? '0', 10);
	expect(ttlSeconds).toBeGreaterThan(29 * 86_400);
	expect((await fleet.get('ship1.late'))?.result?.value).toBe('kept');
});

test.concurrent('an id that the ledger has forgotten is a new command, also where the index remembers it', async () => {
	await using nats = await startNats();
	await using _central = await startCentral(nats.url, { claimRetentionMs: 0, sweepEveryMs: 200 });
	await using fleet = await openFleet(nats.url);
	await using raw = await openRaw(nats.url);
	const form = {
		toNode: 'ship1',
		kind: 'command',
		method: 'ping',
		id: 'again',
		deliverWithin: '1ms',
	} as const;
	await fleet.send(form);
	await eventually(async () => (await fleet.list({ states: ['expired'] })).length === 1);
	await eventually(async () => (await raw.jsm.streams.info(streams.claims)).state.messages === 0);
	// As the entry's age does it: gone without a marker.
	await raw.jsm.streams.purge(bucketStream(buckets.ledger), {
		filter: bucketSubject(buckets.ledger, 'ship1.again'),
	});
	const [receipt] = await fleet.send({ ...form, deliverWithin: '7d' });
	expect(receipt).toMatchObject({ state: 'queued', duplicate: false });
	await eventually(async () => (await fleet.queue('ship1')).some(({ id }) => id === 'again'));
	expect((await fleet.get('ship1.again'))?.state).toBe('queued');
});

test.concurrent('a broker that lost its store is set up again, swept again, and raw messages run again', async () => {
	await using nats = await startNats();
	await using _central = await startCentral(nats.url, { claimRetentionMs: 0, sweepEveryMs: 200 });
	await using fleet = await openFleet(nats.url);
	await using _ship = await startNode(nats.url, 'ship1');
	await using raw = await openRaw(nats.url);
	const runRaw = async () => {
		raw.nc.publish('ship1.command.ping', JSON.stringify({ data: 'raw' }));
		await eventually(async () =>
			(await fleet.list({ states: ['succeeded'] })).some(({ sender }) => sender === '_raw'),
		);
	};
	for (let n = 0; n < 20; n++) await pinged(fleet, 'ship1');
	await runRaw();
	await untilSwept(raw.connection);

	await nats.kill('SIGKILL');
	await rm(nats.storeDir, { recursive: true });
	await nats.restart();
	await eventually(async () => (await fleet.list().catch(() => [1])).length === 0);
	await eventually(async () => (await fleet.node('ship1').catch(() => undefined))?.presence === 'present', {
		timeoutMs: 60_000,
	});
	await runRaw();
	await pinged(fleet, 'ship1');
	await untilSwept(raw.connection);
});

test.concurrent('one record that cannot be read does not keep the others', async () => {
	await using nats = await startNats();
	await using _central = await startCentral(nats.url);
	await using fleet = await openFleet(nats.url);
	await using raw = await openRaw(nats.url);
	await raw.js.publish(bucketSubject(buckets.ledger, 'ship1.newer'), JSON.stringify({ v: 2 }));
	await raw.js.publish(subjects.claim('ship1', 'newer'), JSON.stringify(claimAt(Date.now())));
	await using _ship = await startNode(nats.url, 'ship1');
	for (let n = 0; n < 3; n++) await pinged(fleet, 'ship1');
	await eventually(async () => (await fleet.list({ states: ['succeeded'] })).length === 3);
	await expect(fleet.get('ship1.newer')).rejects.toMatchObject({ code: 'schema-newer' });
});

test.concurrent('consumers of the centre that are deleted, and a broker that goes away meanwhile, come back', async () => {
	await using nats = await startNats();
	await using _central = await startCentral(nats.url);
	await using fleet = await openFleet(nats.url);
	// A broker that was killed may have forgotten the last ack, which then holds a place of the lane for its ack_wait.
	await using _ship = await startNode(nats.url, 'ship1', { node: { lanes: { normal: 2 } } });
	await pinged(fleet, 'ship1');
	await using raw = await openRaw(nats.url);
	for (const stream of [streams.claims, streams.reports])
		await raw.jsm.consumers.delete(stream, '_projector');
	await nats.restart('SIGKILL');
	const [receipt] = await eventually(() => fleet.send({ toNode: 'ship1', kind: 'command', method: 'ping' }));
	await eventually(async () =>
		(await fleet.list({ states: ['succeeded'] })).some(({ handle }) => handle === receipt?.handle),
	);
});
