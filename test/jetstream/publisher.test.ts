import { headers as makeHeaders } from '@nats-io/transport-node';
import { expect, test } from 'vitest';
import type { Connection } from '../../src/jetstream/connection.ts';
import { getLastOfMany } from '../../src/jetstream/direct-get.ts';
import {
	expectedSeqHeader,
	expectedSubjectHeader,
	type PublishAck,
	PublishError,
	Publisher,
	type PublisherOptions,
	type PublishRequest,
} from '../../src/jetstream/publisher.ts';
import { eventually } from '../support/eventually.ts';
import { answerIsLost, answersAgain, messagesOf, startBroker } from './setup.ts';

const stream = 'STEWARD_CLAIMS';
const once = { [expectedSeqHeader]: '0' };

function publisherOf(connection: Connection, options: Partial<PublisherOptions> = {}): Publisher {
	return new Publisher(connection, { stream, mayLookUp: true, timeoutMs: 20_000, ...options });
}

function claims(count: number, headers: Record<string, string> = {}, from = 0): PublishRequest[] {
	return Array.from({ length: count }, (_, index) => ({
		subject: `steward.claim.ship1.id${from + index}`,
		data: `body ${from + index}`,
		headers,
	}));
}

function publishAll(publisher: Publisher, requests: readonly PublishRequest[]): Promise<PublishAck[]> {
	return Promise.all(requests.map((request) => publisher.publish(request)));
}

/** What is stored for the requests, in their order. */
async function storedOf(connection: Connection, requests: readonly PublishRequest[]) {
	const subjects = requests.map(({ subject }) => subject);
	const stored = await getLastOfMany(connection, stream, subjects);
	return subjects.map((subject) => stored.find((message) => message.subject === subject));
}

/** How many messages each atomic batch had, singles under ''. */
async function batchesOf(connection: Connection, requests: readonly PublishRequest[]) {
	const counts: Record<string, number> = {};
	for (const message of await storedOf(connection, requests)) {
		const id = message?.header('Nats-Batch-Id') ?? 'missing';
		counts[id] = (counts[id] ?? 0) + 1;
	}
	return counts;
}

async function outcomes(publishing: Promise<PublishAck>[]): Promise<(number | string)[]> {
	const settled = await Promise.allSettled(publishing);
	return settled.map((outcome) => {
		if (outcome.status === 'fulfilled') return outcome.value.seq;
		if (!(outcome.reason instanceof PublishError)) throw outcome.reason;
		return `${outcome.reason.kind} ${outcome.reason.errCode}`;
	});
}

test('a lone caller is a single, and callers that come together share one atomic batch', async () => {
	await using broker = await startBroker();
	const publisher = publisherOf(broker.connection);
	const requests = claims(101);
	const [lone, ...together] = requests;
	const first = await publisher.publish(lone as PublishRequest);
	const acks = await publishAll(publisher, together);
	expect([first, ...acks].map(({ seq }) => seq)).toEqual(Array.from({ length: 101 }, (_, n) => n + 1));
	const stored = await storedOf(broker.connection, requests);
	expect(stored.map((message) => message?.seq)).toEqual([first, ...acks].map(({ seq }) => seq));
	expect(stored.map((message) => message && new TextDecoder().decode(message.data))).toEqual(
		requests.map(({ data }) => data),
	);
	const { '': singles, ...batches } = await batchesOf(broker.connection, requests);
	expect(singles).toBe(1);
	expect(Object.values(batches)).toEqual([100]);
});

test('callers that come while a batch is in flight wait for the next', async () => {
	await using broker = await startBroker();
	const publisher = publisherOf(broker.connection);
	const [first, ...later] = claims(50);
	const publishing = [publisher.publish(first as PublishRequest)];
	await Promise.resolve();
	await Promise.resolve();
	publishing.push(...later.map((request) => publisher.publish(request)));
	await Promise.all(publishing);
	const counts = Object.values(await batchesOf(broker.connection, claims(50)));
	expect(counts.sort((a, b) => a - b)).toEqual([1, 49]);
});

test('callers that send again when they have their word come together, whenever they began', async () => {
	await using broker = await startBroker();
	const publisher = publisherOf(broker.connection);
	const rounds = 4;
	/** Each sends its next one when it has the word on the last, after some turns of its own; what they send last is answered. */
	const sendInTurn = (count: number, from: number) =>
		Promise.all(
			claims(count, {}, from).map(async ({ subject }) => {
				const ofRound = (round: number) => ({ subject: `${subject}-${round}`, data: '', headers: {} });
				for (let round = 0; round < rounds; round++) {
					await publisher.publish(ofRound(round));
					for (let turn = 0; turn < 20; turn++) await undefined;
				}
				return ofRound(rounds - 1);
			}),
		);
	const first = sendInTurn(20, 0);
	// The batch of the first is under way.
	await new Promise(setImmediate);
	const lasts = (await Promise.all([first, sendInTurn(20, 20)])).flat();
	// What the first send last goes with what the second send next to last.
	expect(Object.values(await batchesOf(broker.connection, lasts.slice(0, 20)))).toEqual([20]);
	const [last] = await storedOf(broker.connection, lasts.slice(0, 1));
	const batch = last?.header('Nats-Batch-Id');
	const before = lasts
		.slice(20)
		.map(({ subject }) => ({ subject: subject.replace(/3$/, '2'), data: '', headers: {} }));
	const ofSecond = await storedOf(broker.connection, before);
	expect(ofSecond.map((message) => message?.header('Nats-Batch-Id'))).toEqual(before.map(() => batch));
});

test('a batch holds 1000 messages, and no more bytes than it may', async () => {
	await using broker = await startBroker();
	const requests = claims(2500);
	await publishAll(publisherOf(broker.connection), requests.slice(0, 2000));
	const full = Object.values(await batchesOf(broker.connection, requests.slice(0, 2000)));
	expect(full).toEqual([1000, 1000]);

	// Three bytes each on the wire: one for each unit of the string would count a third.
	const large = requests.slice(2000, 2010).map((request) => ({ ...request, data: '€'.repeat(20_000) }));
	await publishAll(publisherOf(broker.connection, { maxBytes: 64 * 1024 }), large);
	expect(await batchesOf(broker.connection, large)).toEqual({ '': 10 });
});

test('a full batch goes out beside others; a smaller one, and what has to keep its order, waits for them', async () => {
	await using broker = await startBroker();
	const ordered = (count: number, orderOf: (index: number) => number) =>
		claims(count).map((request, index) => ({ ...request, order: `ship${orderOf(index)}` }));
	/** How many leave while no answer comes. */
	const sentOf = async (requests: readonly PublishRequest[]) => {
		const proxy = await broker.proxy();
		const connection = await broker.connect(proxy);
		proxy.blackHole();
		const before = connection.nc.stats().outMsgs;
		const publisher = publisherOf(connection, { inFlight: 3 });
		const publishing = outcomes(requests.map((request) => publisher.publish(request)));
		await new Promise(setImmediate);
		const sent = connection.nc.stats().outMsgs - before;
		await connection.nc.close();
		expect(await publishing).toHaveLength(requests.length);
		return sent;
	};
	expect(await sentOf(ordered(4500, (index) => index))).toBe(3000);
	expect(await sentOf(ordered(1500, (index) => index))).toBe(1000);
	expect(await sentOf(ordered(4500, () => 1))).toBe(1000);
	// The second batch ends where the first of the same order would follow.
	const some = ordered(4500, (index) => index % 1500);
	expect(await sentOf(some)).toBe(1500);

	const acks = await publishAll(publisherOf(broker.connection, { inFlight: 3 }), some);
	const seqs = acks.map(({ seq }) => seq);
	expect(new Set(seqs).size).toBe(some.length);
	for (const index of some.keys())
		if (index >= 1500) expect(seqs[index]).toBeGreaterThan(seqs[index - 1500] ?? 0);
});

test('one refused message does not take the others of its batch with it', async () => {
	await using broker = await startBroker();
	const publisher = publisherOf(broker.connection);
	await publisher.publish({ subject: 'steward.claim.ship1.id7', data: 'first', headers: once });
	const requests = claims(20, once);
	const answers = await outcomes(requests.map((request) => publisher.publish(request)));
	expect(answers.filter((answer) => typeof answer === 'number')).toHaveLength(19);
	expect(answers[7]).toBe('refused 10071');
	const stored = await storedOf(broker.connection, requests);
	expect(stored.map((message) => message?.seq)).toEqual(
		answers.map((answer) => (typeof answer === 'number' ? answer : 1)),
	);
});

test('two messages that expect the same absence are never both stored, though they come together', async () => {
	await using broker = await startBroker();
	const publisher = publisherOf(broker.connection, { stream: 'STEWARD_COMMANDS_0' });
	const headers = { ...once, [expectedSubjectHeader]: 'steward.command.0.ship1.*.*.id1' };
	const subjects = ['urgent.a', 'normal.a', 'normal.b', 'normal.a'];
	const answers = await outcomes(
		subjects.map((part) =>
			publisher.publish({ subject: `steward.command.0.ship1.${part}.id1`, data: part, headers }),
		),
	);
	expect(answers).toEqual([1, 'refused 10071', 'refused 10071', 'refused 10071']);
	expect(await messagesOf(broker.connection, 'STEWARD_COMMANDS_0')).toBe(1);
});

for (const mayLookUp of [true, false]) {
	test(`a batch whose answer is lost is not stored twice (mayLookUp ${mayLookUp})`, async () => {
		await using broker = await startBroker();
		const proxy = await broker.proxy();
		const connection = await broker.connect(proxy);
		const publisher = publisherOf(connection, { mayLookUp, timeoutMs: 3000 });
		proxy.dropServerToClient();
		const requests = claims(30, once);
		const publishing = requests.map((request) => publisher.publish(request));
		const answered = outcomes(publishing);
		await eventually(async () => (await messagesOf(broker.connection, stream)) === 30);
		await answerIsLost(proxy);
		proxy.heal();
		const answers = await answered;
		const seqs = Array.from({ length: 30 }, (_, index) => index + 1);
		expect(answers).toEqual(mayLookUp ? seqs : seqs.map(() => 'refused 10071'));
		const { state } = await broker.connection.jsm.streams.info(stream);
		expect({ messages: state.messages, last: state.last_seq }).toEqual({ messages: 30, last: 30 });
		expect(Object.values(await batchesOf(broker.connection, requests))).toEqual([30]);
	});
}

test('a batch that never arrived is sent again when the link is back', async () => {
	await using broker = await startBroker();
	const proxy = await broker.proxy();
	const connection = await broker.connect(proxy);
	const publisher = publisherOf(connection, { timeoutMs: 2000 });
	proxy.cut();
	const answered = outcomes(claims(10, once).map((request) => publisher.publish(request)));
	proxy.heal();
	await answersAgain(connection);
	expect(await answered).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
});

test('every publish settles while the link is down, and says that it is not known', async () => {
	await using broker = await startBroker();
	const proxy = await broker.proxy();
	const connection = await broker.connect(proxy);
	const publisher = publisherOf(connection, { timeoutMs: 200 });
	proxy.blackHole();
	const answers = await outcomes(claims(3, once).map((request) => publisher.publish(request)));
	expect(answers).toEqual(['ambiguous 0', 'ambiguous 0', 'ambiguous 0']);
	expect(await outcomes([publisher.publish(claims(1)[0] as PublishRequest)])).toEqual(['ambiguous 0']);
	proxy.cut();
	await eventually(() => proxy.connections === 0);
	expect(await outcomes(claims(3, once).map((request) => publisher.publish(request)))).toHaveLength(3);
});

test('a broker that is killed among batches loses nothing that it acknowledged and doubles nothing', async () => {
	await using broker = await startBroker();
	const connection = await broker.connect();
	const publisher = publisherOf(connection, { timeoutMs: 1000 });
	const acked = new Map<string, number>();
	let refused = 0;
	const send = async (request: PublishRequest) => {
		for (;;) {
			try {
				acked.set(request.subject, (await publisher.publish(request)).seq);
				return;
			} catch (error) {
				// Refused: an earlier try of this very message is there, and its answer was lost.
				if (!(error instanceof PublishError)) throw error;
				if (error.errCode === 10071) return void refused++;
			}
		}
	};
	const requests = claims(3000, once);
	const sending = Promise.all(requests.map(send));
	await eventually(() => acked.size >= 1000, { everyMs: 1 });
	await broker.nats.restart('SIGKILL');
	await sending;
	await answersAgain(broker.connection);
	expect(acked.size + refused).toBe(3000);
	const stored = await storedOf(broker.connection, requests);
	for (const [index, { subject }] of requests.entries()) {
		expect(stored[index]).toBeDefined();
		if (acked.has(subject)) expect(stored[index]?.seq).toBe(acked.get(subject));
	}
	expect(await messagesOf(broker.connection, stream)).toBe(3000);
});

test('a missing stream is unavailable, for a lone caller and for many', async () => {
	await using broker = await startBroker();
	await broker.connection.jsm.streams.delete(stream);
	const publisher = publisherOf(broker.connection, { rideOverMs: 300 });
	expect(await outcomes([publisher.publish(claims(1)[0] as PublishRequest)])).toEqual(['unavailable 0']);
	const many = await outcomes(claims(3).map((request) => publisher.publish(request)));
	expect(many).toEqual(['unavailable 0', 'unavailable 0', 'unavailable 0']);
});

test('a full stream refuses what does not fit and takes what does', async () => {
	await using broker = await startBroker();
	const { config } = await broker.connection.jsm.streams.info(stream);
	await broker.connection.jsm.streams.update(stream, { ...config, max_bytes: 4096 });
	const publisher = publisherOf(broker.connection);
	const answers = await outcomes(
		claims(10, once).map((request) => publisher.publish({ ...request, data: 'x'.repeat(1000) })),
	);
	expect(answers.slice(0, 3)).toEqual([1, 2, 3]);
	expect(new Set(answers.slice(3))).toEqual(new Set(['refused 10077']));
});

test('with all of the stream’s batches taken by others, everything is stored as singles', async () => {
	await using broker = await startBroker();
	for (let index = 0; index < 51; index++) {
		broker.connection.nc.publish(`steward.claim.other.id${index}`, 'open', {
			headers: rawHeaders({ 'Nats-Batch-Id': `open${index}`, 'Nats-Batch-Sequence': '1' }),
		});
	}
	await broker.connection.nc.flush();
	const requests = claims(20, once);
	const acks = await publishAll(publisherOf(broker.connection), requests);
	expect(acks.map(({ seq }) => seq)).toEqual(requests.map((_, index) => index + 1));
	expect(await batchesOf(broker.connection, requests)).toEqual({ '': 20 });
});

test('a batch whose beginning the server does not know is stored as singles', async () => {
	await using broker = await startBroker();
	const proxy = await broker.proxy();
	const connection = await broker.connect(proxy);
	const { nc } = connection;
	// Loses the first message of a batch on its way: the server answers that the batch is incomplete.
	let lost = 0;
	const forgetful: Connection = {
		...connection,
		nc: new Proxy(nc, {
			get(target, property) {
				if (property === 'publish' && lost === 0) return () => void lost++;
				const value: unknown = Reflect.get(target, property, target);
				return typeof value === 'function' ? value.bind(target) : value;
			},
		}),
	};
	const requests = claims(5, once);
	const acks = await publishAll(publisherOf(forgetful), requests);
	expect(lost).toBe(1);
	expect(acks.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5]);
	expect(await batchesOf(broker.connection, requests)).toEqual({ '': 5 });
});

test('a message larger than the broker takes is refused by name, and the others of its turn are stored', async () => {
	await using broker = await startBroker();
	const publisher = publisherOf(broker.connection);
	const requests = claims(4, once).map((request, index) =>
		index === 2 ? { ...request, data: 'x'.repeat(1024 * 1024 + 1) } : request,
	);
	const answers = await outcomes(requests.map((request) => publisher.publish(request)));
	expect(answers).toEqual([1, 2, 'refused 10054', 3]);
	await expect(publisher.publish(requests[2] as PublishRequest)).rejects.toThrow(/1048\d\d\d bytes.*1048576/);
	expect(broker.connection.nc.isClosed()).toBe(false);
	expect(broker.connection.nc.stats().outMsgs).toBeGreaterThan(0);

	// It fits by itself, and not with the headers of a batch.
	const limit = 1024 * 1024 - 12 - expectedSeqHeader.length - 5;
	const [small, tight] = claims(2, once, 10) as [PublishRequest, PublishRequest];
	const acks = await publishAll(publisher, [small, { ...tight, data: 'x'.repeat(limit) }]);
	expect(acks.map(({ seq }) => seq)).toEqual([4, 5]);
	expect(await batchesOf(broker.connection, [small, tight])).toEqual({ '': 2 });
});

test('a closed connection is unavailable at once', async () => {
	await using broker = await startBroker();
	const connection = await broker.connect();
	await connection.nc.close();
	const publisher = publisherOf(connection, { timeoutMs: 60_000 });
	const many = await outcomes(claims(3).map((request) => publisher.publish(request)));
	expect(many).toEqual(['unavailable 0', 'unavailable 0', 'unavailable 0']);
});

test('the other write in flight is waited for, and the loser is told', async () => {
	await using broker = await startBroker();
	const connections = await Promise.all(Array.from({ length: 8 }, () => broker.connect()));
	const publishers = connections.map((connection) => publisherOf(connection));
	for (let round = 0; round < 20; round++) {
		const request = { subject: `steward.claim.ship1.round${round}`, data: 'x', headers: once };
		const answers = await outcomes(publishers.map((publisher) => publisher.publish(request)));
		expect(answers.filter((answer) => typeof answer === 'number')).toHaveLength(1);
		expect(new Set(answers.filter((answer) => typeof answer === 'string'))).toEqual(
			new Set(['refused 10071']),
		);
	}
});

function rawHeaders(fields: Record<string, string>) {
	const made = makeHeaders();
	for (const [name, value] of Object.entries(fields)) made.set(name, value);
	return made;
}
