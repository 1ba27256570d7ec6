/**
 * Owns the words in which a node describes itself: its state, as the centre reads it.
 * Promises what is so at the moment of asking.
 * Holds nothing.
 */

import { arch, hostname, platform } from 'node:os';
import type { LaneState, NodeState } from '../domain/node-state.ts';
import type { RunningCommand } from './delivery/executor.ts';
import type { Identity } from './node-identity.ts';
import type { MethodDescription } from './processes/method.ts';

export type NodeParts = {
	readonly identity: Identity;
	/** Of its credentials, where it has any. */
	readonly jwt: string | undefined;
	readonly version: string;
	readonly labels: Readonly<Record<string, string>>;
	/** Node's time, milliseconds since the epoch. */
	readonly startedAt: number;
	readonly now: () => number;
	readonly isStopping: () => boolean;
	readonly serverTime: { readonly offsetMs: number | null };
	readonly methods: { descriptions(): readonly MethodDescription[] };
	readonly lanes: { states(): LaneState[] };
	readonly executor: { running(): readonly RunningCommand[] };
	readonly outbox: { readonly depth: number; unreported(most: number): readonly string[] };
	readonly pauses: { stoppedMethods(): NodeState['stopped'] };
	readonly schedules: { states(): NodeState['schedules'] };
	readonly documents: { states(): Pick<NodeState, 'trust' | 'access'> };
};

/** As many handles as help whoever wonders about one; how many there are is the outbox's depth. */
const mostUnreported = 20;

export function describeNode(parts: NodeParts): NodeState {
	const { identity } = parts;
	return {
		v: 1,
		node: identity.node,
		version: parts.version,
		...(parts.jwt !== undefined && { jwt: parts.jwt }),
		machine: identity.machine,
		boot: identity.boot,
		epoch: identity.epoch,
		platform: {
			os: platform(),
			arch: arch(),
			runtime: `node ${process.versions.node}`,
			hostname: hostname(),
		},
		labels: { ...parts.labels },
		startedAt: parts.startedAt,
		saidAt: parts.now(),
		clockOffsetMs: parts.serverTime.offsetMs,
		methods: parts.methods.descriptions().map(({ name, kind, description, dataSchema, defaults }) => ({
			name,
			kind,
			data: dataSchema,
			...(description === undefined ? {} : { description }),
			...(defaults.lane === undefined ? {} : { lane: defaults.lane }),
		})),
		lanes: parts.lanes.states(),
		running: [...parts.executor.running()],
		stopped: parts.pauses.stoppedMethods(),
		schedules: [...parts.schedules.states()],
		...parts.documents.states(),
		unreported: [...parts.outbox.unreported(mostUnreported)],
		outbox: parts.outbox.depth,
		stopping: parts.isStopping(),
	};
}
