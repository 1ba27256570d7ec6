/**
 * Owns the subjects: how each stored subject is built, read and filtered, and which shard a node belongs to.
 * Promises that no other file spells out a subject, that what is built here parses here, and that nothing which parses
 * holds a wildcard: a server stores a subject with the token `*`, and as a filter it would mean many.
 * Pure. Why the id is in the subject, and why a fixed prefix: ARCHITECTURE.md.
 */

import { fnv1a } from '../base/ids.ts';
import { idPattern, isLane, isNodeName, type Kind, type Lane, methodNamePattern } from './names.ts';

export type CommandAddress = {
	readonly node: string;
	readonly lane: Lane;
	readonly method: string;
	readonly id: string;
};

/** Stands where the lane does while a command waits for its time: no node's consumer filters it. */
const later = 'later';

/** The address of a stored command; of one that waits for its time the subject does not say the lane. */
type StoredAddress = Omit<CommandAddress, 'lane'> & {
	readonly shard: number;
	readonly lane: Lane | typeof later;
};

/** FNV-1a-32 of the node's name modulo `shards`: the same as the server's `{{partition(shards,1)}}`. */
export function shardOf(node: string, shards: number): number {
	return shards === 1 ? 0 : fnv1a(node) % shards;
}

type DeadPart = 'node' | 'kind' | 'method' | 'id';

export const subjects = {
	command: (shard: number, { node, lane, method, id }: CommandAddress) =>
		`steward.command.${shard}.${node}.${lane}.${method}.${id}`,
	/** Of a command whose time has not come. */
	laterCommand: (shard: number, { node, method, id }: Omit<CommandAddress, 'lane'>) =>
		`steward.command.${shard}.${node}.${later}.${method}.${id}`,
	/** Every lane and method of one id, also before its time: what deduplication and look-up by id filter on. */
	commandById: (shard: number, node: string, id: string) => `steward.command.${shard}.${node}.*.*.${id}`,
	commandsOfLane: (shard: number, node: string, lane: Lane) => `steward.command.${shard}.${node}.${lane}.>`,
	commandsOfNode: (shard: number, node: string) => `steward.command.${shard}.${node}.>`,
	/**
	 * All of a node, as {@link commandsOfNode}, in a form that is no part of what a lane's consumer filters and not all of it: where one of
	 * these is purged, the server forgets what the consumer has to hand over again (nats-server 2.15.1), and it waits out `ack_wait`.
	 */
	frontOfNode: (shard: number, node: string) => `steward.command.${shard}.${node}.*.*.*`,
	commandsOfShard: (shard: number) => `steward.command.${shard}.>`,
	event: (node: string, sender: string, method: string) => `steward.event.${node}.${sender}.${method}`,
	eventsOfNode: (node: string) => `steward.event.${node}.>`,
	allEvents: 'steward.event.>',
	claim: (node: string, id: string) => `steward.claim.${node}.${id}`,
	report: (node: string, id: string) => `steward.report.${node}.${id}`,
	/** Where the stream of reports tells that it has stored one, without its body: never stored (`republish` in streams/reports.json). */
	toldReport: (node: string, id: string) => `steward.told.report.${node}.${id}`,
	state: (node: string) => `steward.state.${node}`,
	/** What every node may know of the fleet; beside the states, under a name that no node has. */
	fleetNote: 'steward.state._fleet',
	output: (node: string, id: string) => `steward.output.${node}.${id}`,
	intake: (node: string, sender: string, kind: Kind, method: string) =>
		`steward.intake.${node}.${sender}.${kind}.${method}`,
	dead: (node: string, kind: Kind, method: string, id: string) =>
		subjects.deadWhere({ node, kind, method, id }),
	/** Dead letters of these; what is left out is any. */
	deadWhere: ({ node = '*', kind = '*', method = '*', id = '*' }: Partial<Record<DeadPart, string>>) =>
		`steward.dead.${node}.${kind}.${method}.${id}`,
	/** Signs of life, on core NATS: never stored. */
	beat: (node: string) => `steward.beat.${node}`,
	beats: 'steward.beat.*',
	/** Questions over many commands or nodes, answered by a centre. */
	api: (question: string) => `steward.api.${question}`,
} as const;

export const streams = {
	commands: (shard: number) => `STEWARD_COMMANDS_${shard}`,
	events: 'STEWARD_EVENTS',
	claims: 'STEWARD_CLAIMS',
	reports: 'STEWARD_REPORTS',
	state: 'STEWARD_STATE',
	output: 'STEWARD_OUTPUT',
	intake: 'STEWARD_INTAKE',
	dead: 'STEWARD_DEAD',
} as const;

export const buckets = {
	ledger: 'steward-ledger',
	results: 'steward-results',
	nodes: 'steward-nodes',
	presence: 'steward-presence',
	schedules: 'steward-schedules',
	leases: 'steward-leases',
	trust: 'steward-trust',
} as const;

/** What JetStream's API is called in the accounts that have none of their own, and reach HUB's. */
export const importedApi = 'JS.HUB';

/** Where the answers to one user of a broker with accounts come; no other may listen there. */
export function inboxPrefixOf(user: string): string {
	return `_INBOX.${user}`;
}

/** A node's consumer of one lane. */
export function consumerName(node: string, lane: Lane): string {
	return `${node}-${lane}`;
}

/** Undefined for a subject that is not a command's. */
export function parseCommandSubject(subject: string): StoredAddress | undefined {
	const tokens = subject.split('.');
	const [root, family, shard, node, lane, method, id] = tokens;
	if (tokens.length !== 7 || root !== 'steward' || family !== 'command') return undefined;
	if (!shard || !node || !lane || !method || !id) return undefined;
	if (lane !== later && !isLane(lane)) return undefined;
	if (!/^\d{1,4}$/.test(shard) || !isNodeName(node)) return undefined;
	if (!methodNamePattern.test(method) || !idPattern.test(id)) return undefined;
	return { shard: Number(shard), node, lane, method, id };
}

export function parseEventSubject(
	subject: string,
): { node: string; sender: string; method: string } | undefined {
	const tokens = subject.split('.');
	const [root, family, node, sender, method] = tokens;
	if (tokens.length !== 5 || root !== 'steward' || family !== 'event') return undefined;
	return isLiteral(node) && isLiteral(sender) && isLiteral(method) ? { node, sender, method } : undefined;
}

/** `steward.claim.<node>.<id>` and `steward.report.<node>.<id>`. */
export function parseKeyedSubject(subject: string): { node: string; id: string } | undefined {
	return parseNodeAndId(subject, ['claim', 'report']);
}

export function isClaimSubject(subject: string): boolean {
	return subject.startsWith('steward.claim.');
}

/** `steward.output.<node>.<id>` */
export function parseOutputSubject(subject: string): { node: string; id: string } | undefined {
	return parseNodeAndId(subject, ['output']);
}

function parseNodeAndId(
	subject: string,
	families: readonly string[],
): { node: string; id: string } | undefined {
	const tokens = subject.split('.');
	const [root, family, node, id] = tokens;
	if (tokens.length !== 4 || root !== 'steward' || !family || !families.includes(family)) return undefined;
	return node && id && isNodeName(node) && idPattern.test(id) ? { node, id } : undefined;
}

/** `steward.dead.<node>.<kind>.<method>.<id>` */
export function parseDeadSubject(
	subject: string,
): { node: string; kind: Kind; method: string; id: string } | undefined {
	const tokens = subject.split('.');
	const [root, family, node, kind, method, id] = tokens;
	if (tokens.length !== 6 || root !== 'steward' || family !== 'dead') return undefined;
	if (kind !== 'command' && kind !== 'event') return undefined;
	if (!node || !isNodeName(node) || !method || !methodNamePattern.test(method)) return undefined;
	return id && idPattern.test(id) ? { node, kind, method, id } : undefined;
}

export function parseIntakeSubject(
	subject: string,
): { node: string; sender: string; kind: string; method: string } | undefined {
	const tokens = subject.split('.');
	const [root, family, node, sender, kind, method] = tokens;
	if (tokens.length !== 6 || root !== 'steward' || family !== 'intake') return undefined;
	if (!isLiteral(node) || !isLiteral(sender) || !isLiteral(kind) || !isLiteral(method)) return undefined;
	return { node, sender, kind, method };
}

/** The last token of `steward.state.<node>` and `steward.beat.<node>`. */
export function nodeOfSubject(subject: string): string {
	return subject.slice(subject.lastIndexOf('.') + 1);
}

/** Any name at all, so that a dead letter can say it, but no wildcard. */
function isLiteral(token: string | undefined): token is string {
	return token !== undefined && token !== '' && token !== '*' && token !== '>';
}
