/**
 * Owns the headers of garbage: good ones, those that only the server or steward may write, and blocks that are none.
 * Promises that a good half of them can be read, so that what comes after is reached.
 * Pure, but for the chance that is drawn.
 */

import type { Names } from './hostile-bodies.ts';
import type { Random } from './random.ts';

/** What the server acts on, or writes itself. */
const ofServer: readonly (readonly [string, string])[] = [
	['Nats-Rollup', 'all'],
	['Nats-Rollup', 'sub'],
	['Nats-TTL', '1s'],
	['Nats-TTL', 'never'],
	['Nats-Msg-Id', 'c1'],
	['Nats-Expected-Stream', 'OTHER'],
	['Nats-Expected-Last-Sequence', '1'],
	['Nats-Expected-Last-Msg-Id', 'x'],
	['Nats-Expected-Last-Subject-Sequence', '0'],
	['Nats-Expected-Last-Subject-Sequence', '18446744073709551616'],
	['Nats-Expected-Last-Subject-Sequence-Subject', 'steward.>'],
	['Nats-Sequence', '1'],
	['Nats-Subject', 'steward.claim.ghost.x-forged'],
	['Nats-Time-Stamp', 'never'],
	['Nats-Num-Pending', '-5'],
	['Nats-Marker-Reason', 'MaxAge'],
	['KV-Operation', 'PURGE'],
	['Nats-Incr', '+1'],
	['Nats-Schedule', '@every 1s'],
	['Nats-Schedule-Target', 'steward.event.ghost.x.m'],
];
const oddValues = [
	'',
	'-1',
	'NaN',
	'1e308',
	'9'.repeat(400),
	'x\u0001y',
	'\u00ff',
	'{"v":99}',
	'v'.repeat(20_000),
];
/** The client throws at some of them; others end in the middle. */
const noBlocks = [
	'NATS/1.0\r\na b: c\r\n\r\n',
	'NATS/1.0\r\n\u0001\u0002: \u0003\r\n\r\n',
	'NATS/1.0\r\nx: a\rb\r\n\r\n',
	'NATS/1.0 404\r\n\r\n',
	'NATS/1.0 503 no responders\r\n\r\n',
	'NATS/1.0 100 Idle Heartbeat\r\n\r\n',
	'NATS/1.0 409 Consumer Deleted\r\n\r\n',
	'NATS/1.0',
	'\r\n\r\n',
	'no headers at all',
];

/** `without`: names that are not written. */
export function headersFor(
	{ id, method }: Pick<Names, 'id' | 'method'>,
	random: Random,
	n: number,
	without: readonly string[] = [],
): string {
	const how = random.between(1, 100);
	if (how <= 15) return '';
	if (how <= 25) return random.pick(noBlocks);
	const odd = () => random.pick(oddValues);
	const or = (value: string) => (random.chance(0.1) ? odd() : value);
	const fields: (readonly [string, string])[] = [
		['Steward-Id', or(id)],
		['Steward-Epoch', or(`e${random.between(1, 5)}`)],
		['Steward-Number', or(String(n + 1))],
		['Steward-Digest', or('d')],
		['Steward-Sender', or('ghost')],
		['Steward-Deliver-Within', or(random.pick(['never', '1000', '60000']))],
		['Steward-Run-For', or('1000')],
		['Steward-Patience', or('1000')],
		['Steward-Lineage', or('retry ghost.x-1')],
		['Steward-Nonce', or('n')],
		['Steward-Method', or(method)],
		['Steward-Letter', or('{"v":1}')],
	];
	if (random.chance(0.2)) fields.push(random.pick(ofServer));
	// A batch that is never committed: a stream has room for fifty.
	if (random.chance(0.03))
		fields.push(['Nats-Batch-Id', `x${n}`], ['Nats-Batch-Sequence', random.pick(['1', '2', 'x'])]);
	const kept = fields.filter(([name]) => random.chance(0.9) && !without.includes(name));
	return `NATS/1.0\r\n${kept.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`;
}
