import { join } from 'node:path';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { packageRoot } from '../../src/base/package.ts';
import { subjects } from '../../src/domain/subject.ts';
import { Link } from '../../src/jetstream/connection.ts';
import { ensureLaneConsumer } from '../../src/jetstream/consumers.ts';
import { Puller } from '../../src/jetstream/pull.ts';
import { applyTopology } from '../../src/jetstream/topology.ts';
import { ControlFirst } from '../../src/node/delivery/control-first.ts';
import { manualClock } from '../support/clock.ts';
import { effectsIn } from '../support/effects.ts';
import { eventually } from '../support/eventually.ts';
import { openFleet, startCentral, startNode } from '../support/fleet.ts';
import { stressLifecycle } from '../support/lifecycle.ts';
import { recordingLog } from '../support/log.ts';
import { startNats } from '../support/nats.ts';
import { startProxy } from '../support/proxy.ts';
import { openRaw } from '../support/raw.ts';
import { tempDir } from '../support/temp.ts';
import { command } from './asking.ts';

async function linkTo(url: string) {
	const link = new Link({ servers: [url], name: 'ship1', clock: systemClock, log: recordingLog() });
	await link.start();
	await link.whenUp(new AbortController().signal);
	return { link, [Symbol.asyncDispose]: () => link.stop() };
}

test.concurrent('the other lanes begin when the control lane has nothing more, or is silent for ten seconds, anew with each connect', async () => {
	await using nats = await startNats();
	await using place = await linkTo(nats.url);
	const { link } = place;
	const clock = manualClock();
	const log = recordingLog();
	let begun = 0;
	const first = new ControlFirst({
		...{ link, clock, log },
		onBegin: () => {
			begun += 1;
		},
	});
	await first.start();
	expect(first.hasBegun).toBe(false);
	first.caughtUp();
	first.caughtUp();
	expect([first.hasBegun, begun]).toEqual([true, 1]);
	expect(clock.pending).toBe(0);

	await nats.restart();
	await eventually(() => clock.pending === 1 && !first.hasBegun);
	await clock.advance(9999);
	expect(first.hasBegun).toBe(false);
	await clock.advance(1);
	expect([first.hasBegun, begun]).toEqual([true, 2]);
	expect(log.lines.at(-1)?.message).toContain('the other lanes begin');

	await first.stop();
	expect(first.hasBegun).toBe(false);
	await stressLifecycle(() => first, { rounds: 10 });
	expect(clock.pending).toBe(0);
});

test.concurrent('work on the control lane is no silence, and holds the other lanes up for minutes at most', async () => {
	await using nats = await startNats();
	await using place = await linkTo(nats.url);
	const clock = manualClock();
	const log = recordingLog();
	const first = new ControlFirst({ link: place.link, clock, log, onBegin: () => undefined });
	await first.start();
	for (let n = 0; n < 20; n++) {
		await clock.advance(9000);
		first.progress();
	}
	expect(first.hasBegun).toBe(false);
	await clock.advance(9999);
	expect(first.hasBegun).toBe(false);
	await clock.advance(1);
	expect(first.hasBegun).toBe(true);
	expect(log.lines.at(-1)?.message).toContain('silent');
	first.progress();
	expect(clock.pending).toBe(0);
	await first.stop();

	// Begun anew: somebody sends words without an end.
	await first.start();
	const from = clock.monotonic();
	for (let n = 0; n < 60 && !first.hasBegun; n++) {
		await clock.advance(9000);
		first.progress();
	}
	expect([first.hasBegun, clock.monotonic() - from]).toEqual([true, 306_000]);
	expect(log.lines.at(-1)?.message).toContain('has no end');
	await first.stop();
	expect(clock.pending).toBe(0);
});

test.concurrent('a pause behind many other words, on a slow link, is in effect before anything else starts', async () => {
	await using nats = await startNats();
	await using dir = await tempDir();
	await using proxy = await startProxy(nats.port);
	await using _central = await startCentral(nats.url);
	await using fleet = await openFleet(nats.url);
	const effects = effectsIn(dir.path);
	const first = await startNode(nats.url, 'ship1');
	await eventually(async () => (await fleet.node('ship1'))?.lanes.length);
	await first[Symbol.asyncDispose]();
	await fleet.send(command('a', effects.shell('a')));
	for (let n = 0; n < 3; n++) {
		await fleet.pause('ship1', { lanes: ['normal'], reason: `n${n}` });
		await fleet.resume('ship1', { reason: `n${n}` });
	}
	const last = await fleet.pause('ship1', { reason: 'must not start' });
	proxy.latency(200);
	await using _ship = await startNode(proxy.url, 'ship1');
	await fleet.wait([last.handle], { timeoutMs: 60_000 });
	// The last word counts: their order was kept. Those before it are seen on the way.
	await eventually(async () => {
		const lanes = (await fleet.node('ship1'))?.lanes ?? [];
		const normal = lanes.find(({ lane, status }) => lane === 'normal' && status === 'paused');
		expect(normal?.pause?.reason).toBe('must not start');
		return true;
	});
	expect((await fleet.get('ship1.a'))?.state).toBe('queued');
	expect(await effects.words()).toEqual([]);
});

test.concurrent('a puller that is asked to says once for each connect that nothing waits, after it took what did, one by one', async () => {
	await using nats = await startNats();
	await using raw = await openRaw(nats.url);
	await applyTopology(raw.connection, { dir: join(packageRoot, 'streams') });
	await ensureLaneConsumer(raw.connection, { node: 'ship1', shard: 0, lane: 'control', capacity: 4 });
	const publish = (id: string) =>
		raw.js.publish(subjects.command(0, { node: 'ship1', lane: 'control', method: 'pause', id }), '{}');
	for (const id of ['a', 'b']) await publish(id);
	await using place = await linkTo(nats.url);
	const words: string[] = [];
	const puller = new Puller({
		link: place.link,
		stream: () => 'STEWARD_COMMANDS_0',
		consumer: 'ship1-control',
		freeSlots: () => 4,
		onDelivery: (delivery) => {
			words.push(delivery.subject.split('.').at(-1) ?? '');
			delivery.ack();
			puller.poke();
		},
		onCaughtUp: () => words.push('caught up'),
		clock: systemClock,
	});
	await puller.start();
	await eventually(() => words.includes('caught up'));
	await publish('c');
	await eventually(() => words.includes('c'));
	expect(words).toEqual(['a', 'b', 'caught up', 'c']);
	await nats.restart();
	// What the broker had not written down of the acks comes again, and is taken before.
	await eventually(() => words.filter((word) => word === 'caught up').length === 2);
	expect(words.at(-1)).toBe('caught up');
	await puller.stop();
});
