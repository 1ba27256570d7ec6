/**
 * Owns what a seeded fleet is made of: its nodes with their labels and states, and a day of their commands.
 * Promises the same nodes and commands from the same counts; only moments count back from `now`.
 * Pure.
 */

import { encodeTime } from 'ulid';
import type { Envelope } from '../../src/domain/envelope.ts';
import { operatorSender } from '../../src/domain/names.ts';
import type { NodeRecord, NodeState } from '../../src/domain/node-state.ts';

const states = [
	'succeeded',
	'failed',
	'timedOut',
	'cancelled',
	'expired',
	'queued',
	'running',
	'retrying',
] as const;
type SeededState = (typeof states)[number];

/** Of a thousand commands. */
const shares: Readonly<Record<SeededState, number>> = {
	succeeded: 800,
	failed: 40,
	timedOut: 10,
	cancelled: 10,
	expired: 10,
	queued: 120,
	running: 5,
	retrying: 5,
};
const thousand = states.flatMap((state) => Array.from({ length: shares[state] }, () => state));

export type SeededNode = { readonly record: NodeRecord; readonly isPresent: boolean };
export type SeededCommand = {
	readonly envelope: Envelope;
	readonly state: SeededState;
	readonly queuedAt: number;
	readonly ranMs: number;
};

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;
const roles = ['tug', 'ferry', 'pilot', 'tanker', 'trawler', 'dredger'];
const regions = ['north', 'south', 'east', 'west', 'baltic'];
const versions = ['1.9.2', '1.9.3', '2.0.0', '2.0.1'];

const shellSchema = {
	anyOf: [
		{
			type: 'array',
			prefixItems: [{ type: 'string', minLength: 1 }],
			items: { type: 'string' },
			minItems: 1,
		},
		{
			type: 'object',
			properties: {
				command: {
					type: 'array',
					prefixItems: [{ type: 'string', minLength: 1 }],
					items: { type: 'string' },
					minItems: 1,
				},
				cwd: { type: 'string', description: 'Folder to run in.' },
				stdin: { type: 'string', description: 'Text for its standard input.' },
			},
			required: ['command'],
			additionalProperties: false,
		},
	],
};
const methods: NodeState['methods'] = [
	{ name: 'shellCommand', kind: 'command', data: shellSchema, description: 'Runs a program.' },
	{ name: 'ping', kind: 'command', data: {}, description: 'Answers with its data.' },
	{
		name: 'textLogging',
		kind: 'event',
		data: { type: 'string' },
		description: 'Appends text to a log file.',
	},
];

/** Every ninth is away. */
function isAway(place: number): boolean {
	return place % 9 === 4;
}

export function seededName(place: number): string {
	return `ship-${String(place + 1).padStart(5, '0')}`;
}

/** What a node with this name says of itself when nothing is the matter; the fields of `own` in place of the usual. */
export function stateOf(node: string, now: number, own: Partial<NodeState> = {}): NodeState {
	const ready = { capacity: 1, running: 0, status: 'ready', pause: null } as const;
	return {
		...{
			v: 1,
			node,
			version: '2.0.1',
			machine: `machine-${node}`,
			boot: `boot-${node}`,
			epoch: `epoch-${node}`,
		},
		platform: { os: 'linux', arch: 'arm64', runtime: 'node 20.20.2', hostname: node },
		labels: {},
		...{ startedAt: now - dayMs, saidAt: now, clockOffsetMs: 3, methods, outbox: 0, stopping: false },
		lanes: (['control', 'urgent', 'normal', 'events'] as const).map((lane) => ({ lane, ...ready })),
		...{ running: [], stopped: [], schedules: [], trust: null, access: null, unreported: [] },
		...own,
	};
}

function seededNode(place: number, now: number, running: NodeState['running'] = []): SeededNode {
	const isPresent = !isAway(place);
	const pick = (list: readonly string[], step: number) => list[Math.floor(place / step) % list.length] ?? '';
	const labels = { role: pick(roles, 1), region: pick(regions, 3), fleet: `f${Math.floor(place / 500)}` };
	// A few clocks are wrong: by seconds, or by minutes.
	const clockOffsetMs = place % 211 === 7 ? 95_000 : place % 53 === 5 ? -2400 : (place % 40) - 20;
	const lastSeenAt = isPresent ? now - (place % 50) * 1000 : now - (1 + (place % 700)) * 17 * minuteMs;
	const own = {
		labels,
		version: pick(versions, 7),
		clockOffsetMs,
		running,
		outbox: isPresent ? 0 : place % 3,
	};
	const state = stateOf(seededName(place), lastSeenAt, own);
	return { record: { v: 1, state, lastSeenAt, conflict: null }, isPresent };
}

/** The oldest command first: one after another over the last day. */
export function seedPlan(
	{ nodes, commands }: { readonly nodes: number; readonly commands: number },
	now: number,
): { readonly nodes: readonly SeededNode[]; readonly commands: readonly SeededCommand[] } {
	const running = new Map<number, NodeState['running']>();
	const made = Array.from({ length: commands }, (_, place): SeededCommand => {
		const at = Math.round(now - dayMs + (place * dayMs) / commands);
		// 617 and 1000 have no common factor: each state is spread over the day.
		const state = thousand[(place * 617) % 1000] ?? 'succeeded';
		const ship = shipOf(place, state, nodes);
		const method = place % 5 === 0 ? 'ping' : 'shellCommand';
		const id = `${encodeTime(at)}${String(place).padStart(16, '0')}`;
		if (state === 'running' || state === 'retrying') {
			const one = { id, method, lane: 'normal', startedAt: at + 400, attempt: 1, runForMs: 600_000 } as const;
			running.set(ship, [...(running.get(ship) ?? []), one]);
		}
		const envelope: Envelope = {
			...{ v: 1, id, node: seededName(ship), method, lane: 'normal', sender: operatorSender },
			...{ data: method === 'ping' ? { n: place } : ['bash', '-c', 'df -h /'], deliverWithinMs: 7 * dayMs },
		};
		return { envelope, state, queuedAt: at, ranMs: 300 + ((place * 7919) % 90_000) };
	});
	return {
		nodes: Array.from({ length: nodes }, (_, place) => seededNode(place, now, running.get(place))),
		commands: made,
	};
}

/** What waits is for those who are away, three times of four; what runs is with those who are there. */
function shipOf(place: number, state: SeededState, nodes: number): number {
	const ship = (place * 2654435761) % nodes;
	const wantsAway = state === 'queued' && place % 4 !== 0;
	const wantsHere = state === 'running' || state === 'retrying';
	if (!wantsAway && !wantsHere) return ship;
	for (let step = 0; step < Math.min(nodes, 9); step++) {
		const candidate = (ship + step) % nodes;
		if (isAway(candidate) === wantsAway) return candidate;
	}
	return ship;
}
