import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { Link } from '../../src/jetstream/connection.ts';
import type { Delivery } from '../../src/jetstream/delivery.ts';
import { HeldDeliveries } from '../../src/node/delivery/held-deliveries.ts';
import { randomFrom } from '../chaos/random.ts';
import { type Damage, damageNames, damages } from '../support/damage.ts';
import { eventually } from '../support/eventually.ts';
import { stressLifecycle } from '../support/lifecycle.ts';
import { recordingLog } from '../support/log.ts';
import { startNats } from '../support/nats.ts';
import { startProxy } from '../support/proxy.ts';
import { openRaw } from '../support/raw.ts';
import { tempDir } from '../support/temp.ts';

async function parts() {
	const nats = await startNats();
	const proxy = await startProxy(nats.port);
	const dir = await tempDir();
	const raw = await openRaw(nats.url);
	const said: string[] = [];
	raw.nc.subscribe('$JS.ACK.>', {
		callback: (_, { subject, data }) => void said.push(`${new TextDecoder().decode(data)} ${subject}`),
	});
	await raw.nc.flush();
	const log = recordingLog();
	const link = new Link({ servers: [proxy.url], name: 'ship1', clock: systemClock, log });
	await link.start();
	await link.whenUp(new AbortController().signal);
	const path = join(dir.path, 'held');
	return {
		...{ proxy, link, said, path, make: () => new HeldDeliveries({ path, link, log }) },
		notes: () => readFile(path, 'utf8'),
		[Symbol.asyncDispose]: async () => {
			await link.stop();
			await raw[Symbol.asyncDispose]();
			await proxy[Symbol.asyncDispose]();
			await nats[Symbol.asyncDispose]();
			await dir[Symbol.asyncDispose]();
		},
	};
}

const replyOf = (seq: number) => `$JS.ACK.STREAM.consumer.1.${seq}.1.1000000.0`;
const delivery = (seq: number) => ({ reply: replyOf(seq) }) as Delivery;

test('what a killed process held is handed back when the link is there, and what it had let go is not', async () => {
	await using given = await parts();
	const first = given.make();
	await first.start();
	for (const seq of [1, 2, 3]) first.hold(delivery(seq));
	first.release(delivery(2));
	// As a kill leaves it: nothing is said, and the last line may be cut short.
	await appendFile(given.path, `-${replyOf(1).slice(0, 9)}`);
	expect(given.said).toEqual([]);
	const second = given.make();
	await second.start();
	await eventually(() => given.said.length === 2);
	expect(given.said).toEqual([1, 3].map((seq) => `-NAK ${replyOf(seq)}`));
	expect(await given.notes()).toBe('');
	const third = given.make();
	await third.start();
	third.hold(delivery(9));
	third.release(delivery(9));
	expect(await given.notes()).toBe('');
	expect(given.said).toHaveLength(2);
	for (const one of [first, second, third]) await one.stop();
});

test('what the link made old waits for the link', async () => {
	await using given = await parts();
	const held = given.make();
	await held.start();
	held.hold(delivery(1));
	given.proxy.cut();
	await eventually(() => given.link.connection === undefined);
	held.giveBack(delivery(1));
	held.release(delivery(1));
	expect(await given.notes()).toContain(replyOf(1));
	given.proxy.heal();
	await eventually(() => given.said.length === 1);
	expect(given.said).toEqual([`-NAK ${replyOf(1)}`]);
	expect(await given.notes()).toBe('');
	await held.stop();
});

test('notes that are no replies are said to nobody, and it starts and stops in any order', async () => {
	await using given = await parts();
	const nonsense = ['$JS.ACK.S.c.1.x.1.y.0', '$JS.ACK.S.c.1.1.1.1 0.0', '$JS.ACK.S.*.1.1.1.1.0', '\0\xff'];
	const noReplies = ['steward.command.0.ship1.normal.m.x', '', '$JS.API.STREAM.DELETE.X', ...nonsense];
	await writeFile(given.path, `${noReplies.map((text) => `+${text}\n`).join('')}nonsense\n`);
	const held = given.make();
	await held.start();
	held.hold(delivery(5));
	await held.stop();
	const next = given.make();
	await next.start();
	await eventually(() => given.said.length === 1);
	expect(given.said).toEqual([`-NAK ${replyOf(5)}`]);
	await next.stop();
	await stressLifecycle(() => given.make());
});

test.each(damageNames)(
	'damaged notes (%s) stop nothing; good ones beside the damage are used',
	async (name) => {
		await using given = await parts();
		const first = given.make();
		await first.start();
		for (let seq = 1; seq <= 300; seq++) first.hold(delivery(seq));
		await first.stop();
		await damages[name](given.path, randomFrom(4).fork(name).next);
		const second = given.make();
		await second.start();
		second.hold(delivery(1000));
		second.release(delivery(1000));
		await eventually(() => given.link.connection?.nc.flush().then(() => true));
		const good = new Set(Array.from({ length: 300 }, (_, n) => `-NAK ${replyOf(n + 1)}`));
		const partly: readonly string[] = ['truncated', 'noiseSector'] satisfies Damage[];
		if (partly.includes(name))
			await eventually(() => given.said.filter((word) => good.has(word)).length > 10);
		expect(given.link.connection).toBeDefined();
		await second.stop();
	},
);
