import { errors } from '@nats-io/transport-node';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { type Connection, closeConnection, openConnection } from '../../src/jetstream/connection.ts';
import { getLast } from '../../src/jetstream/direct-get.ts';
import { LinkLostError } from '../../src/jetstream/reach.ts';
import { ask, askOne } from '../../src/jetstream/replies.ts';
import { startNats } from '../support/nats.ts';
import { startProxy } from '../support/proxy.ts';
import { startSecureNats } from '../support/secure-nats.ts';

async function open(url: string): Promise<AsyncDisposable & { connection: Connection }> {
	const connection = await openConnection({ servers: [url], name: 'test', timeoutMs: 30_000 });
	return { connection, [Symbol.asyncDispose]: () => closeConnection(connection, systemClock) };
}

test('a question ends with its link, and one that begins without a link waits for it', async () => {
	await using nats = await startNats();
	await using proxy = await startProxy(nats.port);
	await using opened = await open(proxy.url);
	const { connection } = opened;
	const { nc, reach } = connection;
	nc.subscribe('echo', { callback: (_, message) => void message.respond(message.data) });
	nc.subscribe('silent', { callback: () => undefined });
	await nc.flush();
	const question = (subject: string, data: string, timeoutMs: number) =>
		askOne(connection, { subject, data, timeoutMs });
	const asked = question('silent', 'x', 1_000_000);
	proxy.cut();
	await expect(asked).rejects.toMatchObject({ name: 'LinkLostError', sent: true });
	expect(reach.isUp).toBe(false);
	await expect(question('echo', 'x', 50)).rejects.toMatchObject({ sent: false });
	const waiting = question('echo', 'hello', 60_000);
	proxy.heal();
	expect((await waiting).string()).toBe('hello');
	await nc.close();
	await expect(question('echo', 'x', 60_000)).rejects.toBeInstanceOf(LinkLostError);
});

test('answers come to their own question, and to nobody once it is over', async () => {
	await using nats = await startNats();
	await using opened = await open(nats.url);
	const { connection } = opened;
	const { nc } = connection;
	const replies: string[] = [];
	nc.subscribe('twice', {
		callback: (_, message) => {
			replies.push(message.reply ?? '');
			message.respond(`${message.string()} one`);
			message.respond(`${message.string()} two`);
		},
	});
	const taken: string[] = [];
	const twice = (name: string, wanted: number) => {
		let left = wanted;
		return ask(connection, { subject: 'twice', data: name, timeoutMs: 60_000 }, (message) => {
			taken.push(message.string());
			left -= 1;
			return left > 0 ? 'more' : 'done';
		});
	};
	await Promise.all([twice('a', 2), twice('b', 1), twice('c', 2)]);
	await nc.flush();
	expect(taken.sort()).toEqual(['a one', 'a two', 'b one', 'c one', 'c two']);
	expect(new Set(replies).size).toBe(3);
	for (const reply of replies) nc.publish(reply, 'late');
	await nc.flush();
	expect(taken).toHaveLength(5);
});

test('silence, nobody to ask, and what is taken for wrong each end a question', async () => {
	await using nats = await startNats();
	await using opened = await open(nats.url);
	const { connection } = opened;
	connection.nc.subscribe('silent', { callback: () => undefined });
	connection.nc.subscribe('echo', { callback: (_, message) => void message.respond(message.data) });
	const silent = { subject: 'silent', data: '', timeoutMs: 50 };
	await expect(askOne(connection, silent)).rejects.toBeInstanceOf(errors.TimeoutError);
	const nobody = askOne(connection, { ...silent, subject: 'nobody' });
	await expect(nobody).rejects.toBeInstanceOf(errors.NoRespondersError);
	const wrong = ask(connection, { ...silent, subject: 'echo' }, () => new Error('not this'));
	await expect(wrong).rejects.toThrow('not this');
	const over = new AbortController();
	const unwanted = ask(connection, { ...silent, timeoutMs: 1_000_000, signal: over.signal }, () => 'done');
	over.abort('another was answered');
	await expect(unwanted).rejects.toThrow('of no use');
	const underWay = askOne(connection, { ...silent, timeoutMs: 1_000_000 });
	await connection.nc.close();
	await expect(underWay).rejects.toThrow();
});

test('what the broker does not let through is said at once, and stops nothing else that is asked', async () => {
	await using secure = await startSecureNats();
	const credentials = await secure.credentials('node', 'ship1');
	const connection = await openConnection({
		servers: [secure.url],
		name: 'test',
		timeoutMs: 30_000,
		credentials,
	});
	try {
		const question = (subject: string) => askOne(connection, { subject, data: '', timeoutMs: 1_000_000 });
		// One that it may ask, and nobody answers before the other is refused.
		const own = question('steward.beat.ship1');
		await expect(question('steward.claim.ship2.one')).rejects.toBeInstanceOf(errors.PermissionViolationError);
		await expect(own).rejects.toBeInstanceOf(errors.NoRespondersError);
		const refused = getLast(connection, 'STEWARD_COMMANDS_0', 'steward.command.0.ship2.*.*.one');
		await expect(refused).rejects.toMatchObject({ code: 'unauthorized' });
	} finally {
		await connection.nc.close();
	}
});
