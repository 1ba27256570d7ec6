/**
 * Owns garbage: what somebody with a connection and no good will publishes to every subject that steward reads.
 * Promises the same garbage for the same seed; that none of it has an id of honest work (ids here begin with `x-`); and that no
 * honest node's state or beat is forged. That, purging streams through a reply subject, and writing to the buckets (the centre's
 * side only) is what accounts are for: nothing else can stop it (DESIGN section 8).
 * Ends with its connection.
 */

import type { NatsConnection } from '@nats-io/transport-node';
import { openRawPublisher, type RawPublisher } from '../support/raw-publisher.ts';
import { bodyFor, type Family, families, type Names } from './hostile-bodies.ts';
import { headersFor } from './hostile-headers.ts';
import type { Random } from './random.ts';

export type Garbage = {
	/** What was published, by family. */
	readonly sent: Readonly<Record<Family, number>>;
	/** Bytes of all bodies. */
	readonly bytes: number;
	/** How often the server closed the connection over what it read. */
	readonly closed: number;
};

/** So much is read by the server before more is published. */
const atOnce = 50;
const oddTokens = [
	'*',
	'_x',
	'123',
	'a\u0001b',
	'a/b',
	'\u00e9',
	'n'.repeat(64),
	'n'.repeat(900),
	'__proto__',
];
const methods = ['textLogging', 'ping', 'shellCommand', 'nope', 'errorLog', 'm'];
const lanes = ['normal', 'urgent', 'events', 'bulk', 'nope', '*'];
const questions = ['commands', 'queue', 'nodes', 'nope', 'x.y'];

/** Subjects where the server's answer to a publish goes: none of them does anything but answer, or tell garbage. */
const replies = [
	...['$JS.API.INFO', '$JS.API.STREAM.INFO.STEWARD_EVENTS', '$JS.API.STREAM.MSG.GET.STEWARD_STATE'],
	...['$JS.API.CONSUMER.MSG.NEXT.STEWARD_EVENTS.ghost-events', '$JS.API.DIRECT.GET.STEWARD_CLAIMS'],
	...['$JS.ACK.STEWARD_EVENTS.ghost-events.1.1.1.1.0', '$JS.ACK.nonsense', '$JS.ACK.a.b.c.d.e.f.g.h.i.j'],
	...[
		'steward.report.ghost.x-answer',
		'steward.intake.ghost._raw.event.m',
		'steward.event.ghost.x.m',
		'_INBOX.x',
	],
];

/** Publishes `count` messages as no client library would. `ships`: names of honest nodes, which get their share. */
export async function publishGarbage(
	nc: NatsConnection,
	random: Random,
	count: number,
	ships: readonly string[],
	/** Headers that are left out. */
	without: readonly string[] = [],
): Promise<Garbage> {
	const sent = Object.fromEntries(families.map((family) => [family, 0])) as Record<Family, number>;
	let [bytes, closed, n] = [0, 0, 0];
	while (n < count) {
		await using publisher = await openRawPublisher(nc.getServer());
		for (let isOpen = true; isOpen && n < count; n++) {
			const family = random.pick(families);
			bytes += publishOne(publisher, family, { random, ships, n, without });
			sent[family] += 1;
			if (n % atOnce === atOnce - 1 || n === count - 1) isOpen = await publisher.flush();
			if (!isOpen) closed += 1;
		}
	}
	return { sent, bytes, closed };
}

type Drawn = {
	readonly random: Random;
	readonly ships: readonly string[];
	readonly n: number;
	readonly without: readonly string[];
};

function publishOne(publisher: RawPublisher, family: Family, { random, ships, n, without }: Drawn): number {
	const id = random.chance(0.1) ? random.pick(oddTokens) : `x-${n}-${random.between(0, 9)}`;
	const isForShip = random.chance(0.6);
	const node = random.chance(0.1) ? random.pick(oddTokens) : isForShip ? random.pick(ships) : 'ghost';
	const method = random.chance(0.1) ? random.pick(oddTokens) : random.pick(methods);
	const sender = random.chance(0.2)
		? random.pick(oddTokens)
		: random.pick(['ghost', '_raw', '_operator', ...ships]);
	const names = { node, id, method, sender, lane: random.pick(lanes) };
	const body = bodyFor(family, names, random, ships.includes(node));
	const subject = misshapen(subjectOf(family, names, random), random);
	publisher.publish({
		subject,
		body,
		headers: headersFor(names, random, n, without),
		...(random.chance(0.1) ? { reply: random.pick(replies) } : {}),
	});
	return body.length;
}

function subjectOf(family: Family, { node, id, method, sender, lane }: Names, random: Random): string {
	const kind = random.pick(['command', 'event', 'nope', '*']);
	switch (family) {
		case 'command':
			return `steward.command.${random.pick([0, 0, 0, 7, '*'])}.${node}.${lane}.${method}.${id}`;
		case 'event':
			return `steward.event.${node}.${sender}.${method}`;
		case 'intake':
			return `steward.intake.${node}.${sender}.${kind}.${method}`;
		case 'dead':
			return `steward.dead.${node}.${kind}.${method}.${id}`;
		case 'public':
			return `${node}.${kind}.${method}`;
		case 'api':
			return `steward.api.${random.pick(questions)}`;
		case 'beat':
		case 'state':
			return `steward.${family}.${node}`;
		default:
			return `steward.${family}.${node}.${id}`;
	}
}

/** A token too many, one too few, or bytes that are no text. */
function misshapen(subject: string, random: Random): string | Uint8Array {
	const how = random.between(1, 100);
	if (how <= 4) return `${subject}.more`;
	if (how <= 8) return subject.slice(0, subject.lastIndexOf('.'));
	if (how <= 10) return Buffer.concat([Buffer.from(subject), Buffer.from([0xff, 0xc3, 0x28])]);
	return how === 11 ? `${subject}${'.t'.repeat(100)}` : subject;
}
