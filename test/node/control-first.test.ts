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
import { eventually } from '../support/eventually.ts';
import { stressLifecycle } from '../support/lifecycle.ts';
import { recordingLog } from '../support/log.ts';
import { startNats } from '../support/nats.ts';
import { openRaw } from '../support/raw.ts';

async function linkTo(url: string) {
	const link = new Link({ servers: [url], name: 'ship1', clock: systemClock, log: recordingLog() });
	await link.start();
	await link.whenUp(new AbortController().signal);
	return { link, [Symbol.asyncDispose]: () => link.stop() };
}

test('the other lanes begin when the control lane has nothing more, or after ten seconds, anew with each connect', async () => {
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

test('a puller that is asked to says once for each connect that nothing waits, after it took what did, one by one', async () => {
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
	await eventually(() => words.filter((word) => word === 'caught up').length === 2, { timeoutMs: 20_000 });
	expect(words.at(-1)).toBe('caught up');
	await puller.stop();
});
