/**
 * Owns a link that counts: a TCP proxy of one client, in front of a broker, that reads the words of NATS as they pass.
 * Promises that every byte is counted once, in its direction, under what it is for; nothing is changed or held back.
 * Ends with its process.
 */

import { once } from 'node:events';
import { connect, createServer } from 'node:net';

const host = '127.0.0.1';
/** What a subject is for, by its beginning. */
const purposes = [
	['$JS.API.CONSUMER.MSG.NEXT.', 'asking for work'],
	['$JS.API.DIRECT.GET.', 'reading the clock'],
	['$JS.ACK.', 'acks'],
	['steward.command.', 'commands'],
	['steward.claim.', 'claims'],
	['steward.report.', 'reports'],
	['steward.output.', 'output'],
	['steward.state.', 'states'],
	['steward.beat.', 'beats'],
];
const purposeOf = (subject) => purposes.find(([start]) => subject.startsWith(start))?.[1];

/** @returns Its address, and `counts()`: bytes so far by direction and purpose. */
export async function startWire(port) {
	const counts = { up: new Map(), down: new Map() };
	/** What the answer to an inbox is for: as the question. */
	const inboxes = new Map();
	const add = (direction, purpose, bytes) =>
		counts[direction].set(purpose, (counts[direction].get(purpose) ?? 0) + bytes);
	const inboxOf = (subject) => subject.split('.').slice(0, 2).join('.');
	const purposes = {
		up([op, subject, ...rest]) {
			if (op !== 'PUB' && op !== 'HPUB')
				return op === 'SUB' || op === 'UNSUB' ? 'subscriptions' : 'the connection';
			const purpose = purposeOf(subject) ?? 'else';
			const reply = rest.length > (op === 'PUB' ? 1 : 2) ? rest[0] : undefined;
			if (reply !== undefined) inboxes.set(reply, purpose);
			return purpose;
		},
		down([op, subject]) {
			if (op !== 'MSG' && op !== 'HMSG') return 'the connection';
			return purposeOf(subject) ?? inboxes.get(subject) ?? inboxes.get(inboxOf(subject)) ?? 'else';
		},
	};
	const server = createServer({ noDelay: true }, (client) => {
		const broker = connect({ host, port, noDelay: true });
		for (const [from, to, direction] of [
			[client, broker, 'up'],
			[broker, client, 'down'],
		]) {
			const read = reader((words, bytes) => add(direction, purposes[direction](words), bytes));
			from.on('data', (data) => {
				to.write(data);
				read(data);
			});
			from.on('error', () => to.destroy());
			from.on('close', () => to.destroy());
		}
	}).listen(0, host);
	await once(server, 'listening');
	return { url: `nats://${host}:${server.address().port}`, counts: () => structuredClone(counts) };
}

/** Calls `onMessage` with the first words and the length of each message of the protocol, however the bytes are cut. */
function reader(onMessage) {
	let rest = Buffer.alloc(0);
	return (data) => {
		rest = rest.length === 0 ? data : Buffer.concat([rest, data]);
		for (;;) {
			const end = rest.indexOf('\r\n');
			if (end < 0) return;
			const words = rest.toString('latin1', 0, end).split(' ');
			const hasBody = /^H?(PUB|MSG)$/.test(words[0]);
			const length = end + 2 + (hasBody ? Number(words.at(-1)) + 2 : 0);
			if (rest.length < length) return;
			onMessage(words, length);
			rest = rest.subarray(length);
		}
	};
}
