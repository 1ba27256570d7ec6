import { headers } from '@nats-io/transport-node';
import { expect, test } from 'vitest';
import type { LetterSummary } from '../../src/domain/dead-letter.ts';
import { streams } from '../../src/domain/subject.ts';
import { DeadLetters } from '../../src/jetstream/dead-letters.ts';
import { getAt } from '../../src/jetstream/direct-get.ts';
import { commandLetter, eventLetter, letter } from '../client/dead-letters.ts';
import { type Broker, messagesOf, startBroker } from './setup.ts';

const replayed = { as: 'ship1.new', at: 5000, by: 'me' };

async function summaries(dead: DeadLetters): Promise<LetterSummary[]> {
	const found: LetterSummary[] = [];
	await dead.scan({}, (summary) => found.push(summary));
	return found;
}

async function only(dead: DeadLetters, id = 'a') {
	const [stored, ...others] = await dead.find({ node: 'ship1', id });
	if (!stored || others.length > 0) throw new Error(`expected one letter, got ${others.length}`);
	return stored;
}

/** As a crash leaves it that came after the newer copy was stored: the older one beside it. */
async function copyOf({ connection }: Broker, seq: number): Promise<void> {
	const stored = await getAt(connection, streams.dead, seq);
	if (!stored) throw new Error('nothing there');
	const made = headers();
	made.set('Steward-Letter', stored.header('Steward-Letter'));
	await connection.js.publish(stored.subject, stored.data, { headers: made });
}

test('one message is one letter however often it is written; another of its address is another', async () => {
	await using broker = await startBroker();
	const dead = new DeadLetters(broker.connection);
	for (let repeat = 0; repeat < 2; repeat++) {
		await dead.write({ ...eventLetter('a', 1), origin: 'first' });
		await dead.write({ ...eventLetter('a', 2), origin: 'second' });
	}
	expect((await summaries(dead)).map(({ origin }) => origin)).toEqual(['first', 'second']);
});

test('a mark takes the place of the letter, once; whoever comes later is told', async () => {
	await using broker = await startBroker();
	const dead = new DeadLetters(broker.connection);
	await dead.write(commandLetter('a'));
	const before = await only(dead);
	expect(await dead.markReplayed(before, replayed)).toBe(true);
	expect(await dead.markReplayed(before, { ...replayed, as: 'ship1.other' })).toBe(false);
	expect(await messagesOf(broker.connection, streams.dead)).toBe(1);
	expect((await only(dead)).letter).toEqual({ ...before.letter, replayed });
	expect(await dead.at(before.seq)).toBeUndefined();
});

test('removing a letter that was marked in the meantime removes nothing', async () => {
	await using broker = await startBroker();
	const dead = new DeadLetters(broker.connection);
	await dead.write(commandLetter('a'));
	await dead.write(eventLetter('a', null));
	const [command] = await dead.find({ node: 'ship1', id: 'a' });
	if (!command) throw new Error('no letter');
	await dead.markReplayed(command, replayed);
	expect(await dead.remove(command)).toBe(false);
	expect((await summaries(dead)).length).toBe(2);
});

test('of a letter that a crash left twice the newer counts, and both go together', async () => {
	await using broker = await startBroker();
	const dead = new DeadLetters(broker.connection);
	await dead.write(commandLetter('a'));
	await dead.write(commandLetter('b'));
	await copyOf(broker, (await only(dead)).seq);
	expect(await messagesOf(broker.connection, streams.dead)).toBe(3);
	expect((await summaries(dead)).map(({ id }) => id)).toEqual(['b', 'a']);
	expect(await dead.remove(await only(dead))).toBe(true);
	expect(await messagesOf(broker.connection, streams.dead)).toBe(1);
});

test('names that no subject can hold are told as unknown, and stay findable', async () => {
	await using broker = await startBroker();
	const dead = new DeadLetters(broker.connection);
	await dead.write(letter({ node: 'a b', method: 'x.y', id: 'no id', kind: 'event', message: 'raw' }));
	const [summary] = await summaries(dead);
	expect(summary).toMatchObject({ node: 'unknown', method: 'unknown' });
	const [found] = await dead.find({ node: 'unknown', id: summary?.id ?? '' });
	expect(found?.letter.message).toBe('raw');
	await dead.write(letter({ id: 'next' }));
	expect(await summaries(dead)).toHaveLength(2);
});

test('what another version wrote is told by its address, and hides nothing', async () => {
	await using broker = await startBroker();
	const dead = new DeadLetters(broker.connection);
	await broker.connection.js.publish('steward.dead.ship1.command.ping.newer', '{"v":2}');
	await broker.connection.js.publish('steward.dead.what.is.this', '{}');
	await dead.write(commandLetter('a'));
	expect((await summaries(dead)).map(({ id, fault }) => `${id} ${fault.code}`)).toEqual([
		...['newer unreadable', 'a unknownMethod'],
	]);
	expect((await only(dead, 'newer')).letter).toMatchObject({ kept: 'none', message: null });
	expect(await dead.remove(await only(dead, 'newer'))).toBe(true);
});

test('a broker that does not answer is told from a stream without letters', async () => {
	await using broker = await startBroker();
	const dead = new DeadLetters(broker.connection);
	expect(await summaries(dead)).toEqual([]);
	await broker.nats.kill();
	await expect(summaries(dead)).rejects.toMatchObject({ code: 'no-broker' });
});

test('a letter about words of any length is written, and can be listed and found', async () => {
	await using broker = await startBroker();
	const dead = new DeadLetters(broker.connection);
	const long = 'x'.repeat(700_000);
	await dead.write({
		...eventLetter('a', 1),
		sender: long,
		fault: { code: long, message: long },
		lineage: { kind: 'retry', of: long },
		origin: long,
		message: long,
	});
	const [summary] = await summaries(dead);
	expect(summary).toMatchObject({ node: 'ship1', id: 'a', kept: 'whole', characters: long.length });
	expect(summary?.sender).toMatch(/^x{200}… \(cut: 700000 characters\)$/);
	expect((await only(dead)).letter.message).toBe(long);
});
