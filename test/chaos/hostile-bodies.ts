/**
 * Owns the bodies of garbage: bytes that are no JSON, JSON that is nothing of steward's, and what is almost right.
 * Promises that what is almost right has an odd value at one or two places, so that every field of every form has its turn.
 * Pure, but for the chance that is drawn.
 */

import type { Random } from './random.ts';

export const families = [
	...['command', 'event', 'claim', 'report', 'state', 'output', 'intake', 'dead', 'beat', 'api', 'public'],
] as const;
export type Family = (typeof families)[number];

export type Names = {
	readonly node: string;
	readonly id: string;
	readonly method: string;
	readonly sender: string;
	readonly lane: string;
};

const deep = (open: string, close: string, levels: number) =>
	`${open.repeat(levels)}1${close.repeat(levels)}`;

/** Text, or bytes, that is no form of steward's. */
const nonsense: readonly (string | Uint8Array)[] = [
	...[
		'',
		' ',
		'not JSON',
		'{',
		'[1,',
		'"text',
		'null',
		'true',
		'42',
		'"text"',
		'[]',
		'{}',
		'[[],{}]',
		'\u0000',
	],
	...[
		'{"v":99}',
		'{"v":1}',
		'{"__proto__":{"v":1,"toNode":"ship1"}}',
		'{"constructor":{"prototype":{"v":1}}}',
	],
	...['1e999', '-1e999', '1e308', '9'.repeat(5000), `{"a":${'9'.repeat(500)}}`, '{"v":1,"v":99}', '[1e999]'],
	...[deep('[', ']', 10_000), deep('{"a":', '}', 10_000), deep('[', ']', 600), `[${'0,'.repeat(50_000)}0]`],
	...[
		'\ufeff{}',
		'{"a":"\\ud800"}',
		'"\u202e"',
		`"${'x'.repeat(200_000)}"`,
		'{"a":1}\n{"a":2}',
		'{"toNode":"*"}',
	],
	...[[0xff], [0xc3, 0x28], [0xe2, 0x82], [0xed, 0xa0, 0x80], [0x22, 0xff, 0x22], [0, 1, 2, 3]].map((bytes) =>
		Uint8Array.from(bytes),
	),
];

/** What stands at a place where something else belongs. As text: some of them are no values of this language. */
const odd: readonly string[] = [
	...['null', 'true', '-1', '0', '1.5', '1e308', '-1e308', '1e999', '9007199254740993', '8640000000000001'],
	...[
		'""',
		'"*"',
		'">"',
		'"a b"',
		'"a.b"',
		'"a\\r\\nb"',
		'"\\u0000"',
		'"\\ud800"',
		'"__proto__"',
		'"never"',
		'"-1s"',
	],
	...[
		'"99999999999999d"',
		'"x-other"',
		`"${'y'.repeat(70)}"`,
		`"${'z'.repeat(60_000)}"`,
		`"${'\\u0001'.repeat(9000)}"`,
	],
	...['[]', '{}', '[[]]', '["x y"]', '{"v":99}', '{"nodes":["*"]}', '{"nodes":["a b","c"]}', '{"where":{}}'],
	...[`[${'1e20,'.repeat(9000)}1]`, deep('[', ']', 400), deep('{"a":', '}', 1200), '{"__proto__":{"v":1}}'],
];

const time = 1_790_000_000_000;
const factsOf = ({ method, lane, sender, id }: Names) => ({
	...{ method, lane: lane === 'nope' ? 'normal' : lane, sender, digest: `d${id}`, seq: 1, queuedAt: time },
	...{
		deliverWithinMs: 60_000,
		runForMs: 1000,
		patienceMs: 1000,
		lineage: { kind: 'retry', of: `ghost.${id}` },
	},
});
const key = { epoch: 'x-epoch', n: 1 };
const fault = { code: 'failed', message: 'it failed' };
const policy = { runForMs: 1000, attempts: 2, onInterrupt: 'rerun', patienceMs: 1000 };
const attempt = {
	attempt: 1,
	startedAt: time,
	endedAt: time + 5,
	outcome: 'failed',
	exitCode: 1,
	signal: null,
	fault,
};
const output = { head: 'h', tail: '', bytes: 1, sha256: 's', encoding: 'utf8', cut: 0 };

/** What would be right. `isHonest`: it is for the subject of an honest node. */
function rightFor(family: Family, names: Names, random: Random): unknown {
	const { node, id, method, sender, lane } = names;
	const facts = factsOf(names);
	const data = ['x-text'];
	const envelope = { v: 1, id, node, method, lane, data, sender, deliverWithinMs: 60_000, ...policy };
	switch (family) {
		case 'command':
			return envelope;
		case 'event':
			return data;
		case 'claim':
			return random.chance(0.6)
				? {
						...{ v: 1, by: 'node', epoch: 'x', boot: 'x', machine: 'x', at: time, facts, fault },
						event: random.pick(['started', 'refused', 'expired']),
					}
				: {
						...{ v: 1, by: 'centre', reason: 'x', actor: 'x', at: time, facts },
						...{
							event: random.pick(['cancelled', 'expired', 'refused']),
							envelope: JSON.stringify(envelope),
						},
					};
		case 'report':
			return random.chance(0.3)
				? { v: 1, key, event: 'deadEvent', at: time, sender, method, data, attempts: 1, fault }
				: {
						...{ v: 1, key, at: time, attempts: [attempt], nextAttemptAt: time, facts, fault },
						...{ event: random.pick(['started', 'retryDue', 'succeeded', 'failed', 'refused', 'cancelled']) },
						...{
							closed: { reason: 'x', actor: 'x' },
							result: { exitCode: 0, signal: null, stdout: output, stderr: null },
						},
					};
		case 'state':
			return {
				...{
					v: 1,
					node,
					version: 'x',
					machine: 'x',
					boot: 'x',
					epoch: 'x',
					labels: { role: 'x' },
					startedAt: time,
				},
				...{ platform: { os: 'x', arch: 'x', runtime: 'x', hostname: 'x' }, saidAt: time, clockOffsetMs: 0 },
				...{ methods: [{ name: method, kind: 'command', data: {} }], stopped: [], unreported: [id] },
				lanes: [{ lane: 'normal', capacity: 1, running: 0, status: 'ready', pause: null }],
				running: [{ id, method, lane: 'normal', startedAt: time, attempt: 1, runForMs: 1000 }],
				...{ outbox: 0, stopping: true },
			};
		case 'intake':
			return random.chance(0.5)
				? {
						...{ v: 1, target: { nodes: ['ghost'] }, kind: 'event', method, data, whenAbsent: 'queue' },
						policy: { deliverWithinMs: 60_000, ...policy },
					}
				: form(names, random);
		case 'dead':
			return {
				...{ v: 1, node, kind: 'event', method, id, sender, at: time, attempts: 1, fault, lineage: null },
				...{ origin: 'x', holds: 'data', kept: 'whole', characters: 1, replayed: null, message: 'x' },
			};
		case 'beat':
			return { machine: 'x', boot: 'x', leaving: false };
		case 'api':
			return { limit: 10, node, cursor: id, states: ['queued'], since: time, method };
		case 'output':
			return data;
		case 'public':
			return form(names, random);
	}
}

function form({ method, id }: Names, random: Random): unknown {
	return {
		...{ toNode: 'ghost', kind: 'command', method, data: ['x-text'], id, deliverWithin: '1h' },
		...(random.chance(0.5)
			? { runFor: '1s', attempts: 2, backoff: { kind: 'fixed', initial: '1s' }, lane: 'urgent' }
			: {}),
	};
}

/** `isHonest`: of a node whose words are not forged, only garbled. */
export function bodyFor(family: Family, names: Names, random: Random, isHonest: boolean): Uint8Array {
	const isForgery = isHonest && (family === 'state' || family === 'beat');
	if (isForgery || random.chance(0.35)) return Buffer.from(random.pick(nonsense));
	let text = JSON.stringify(rightFor(family, names, random));
	for (let edits = random.between(0, 2); edits > 0; edits--) text = withOdd(text, random);
	return Buffer.from(text);
}

/** One of its values, or one of its names, is another. */
function withOdd(text: string, random: Random): string {
	const places = [...text.matchAll(/"(?:[^"\\]|\\.)*"|-?\d[\d.e+]*|true|false|null|\[\]|\{\}/g)];
	const place = places.length === 0 ? undefined : random.pick(places);
	if (!place) return random.pick(odd);
	const after = text.slice(place.index + place[0].length);
	const isName = after.startsWith(':');
	return `${text.slice(0, place.index)}${isName ? '"x-name"' : random.pick(odd)}${after}`;
}
