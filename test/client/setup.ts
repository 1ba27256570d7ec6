/**
 * Owns fleets of tests over one broker, and what a node or a centre would write beside them.
 * Promises that nothing here needs a node or a centre: their words are written as they would write them.
 * Ends with the broker.
 */

import type { Clock } from '../../src/base/clock.ts';
import { systemClock } from '../../src/base/clock.ts';
import { Fleet } from '../../src/client/fleet.ts';
import { type FleetParts, fleetParts } from '../../src/client/parts.ts';
import { entryFor, type LedgerEntry } from '../../src/domain/ledger.ts';
import type { MessageForm } from '../../src/domain/message.ts';
import type { Handle } from '../../src/domain/names.ts';
import type { NodeState } from '../../src/domain/node-state.ts';
import { type Attempt, emptyResult } from '../../src/domain/result.ts';
import type { CommandState } from '../../src/domain/state.ts';
import type { CentreClaim, CommandFacts, NodeClaim, Report } from '../../src/domain/wire.ts';
import type { Connection } from '../../src/jetstream/connection.ts';
import { Publisher } from '../../src/jetstream/publisher.ts';
import { requireTopology } from '../../src/jetstream/topology.ts';

export async function fleetOn(
	connection: Connection,
	clock: Clock = systemClock,
): Promise<{ fleet: Fleet; parts: FleetParts }> {
	const parts = fleetParts(connection, await requireTopology(connection), { clock, author: 'tester' });
	return { fleet: new Fleet(parts), parts };
}

export function command(over: Partial<MessageForm> = {}): MessageForm {
	return { toNode: 'ship1', kind: 'command', method: 'shellCommand', data: ['true'], ...over };
}

/** What a node knows of a waiting command, as it reads it from the headers. */
export async function factsOf(parts: FleetParts, { node, id }: Handle): Promise<CommandFacts> {
	const stored = await parts.commands.find(node, id);
	if (!stored) throw new Error(`${node}.${id} is not on its stream`);
	return stored.facts;
}

export function started(facts: CommandFacts): NodeClaim {
	const at = facts.queuedAt + 1000;
	return { v: 1, by: 'node', epoch: 'epoch', boot: 'boot', machine: 'machine', event: 'started', at, facts };
}

export function cancelled(facts: CommandFacts): CentreClaim {
	const at = facts.queuedAt + 1000;
	return {
		v: 1,
		by: 'centre',
		event: 'cancelled',
		reason: 'not needed',
		actor: 'me',
		at,
		facts,
		envelope: null,
	};
}

const ranWell = (at: number): Attempt => ({
	attempt: 1,
	startedAt: at - 500,
	endedAt: at,
	outcome: 'succeeded',
	exitCode: 0,
	signal: null,
	fault: null,
});

/** The report that a node sends when a command has run well. */
export async function reportSuccess(
	connection: Connection,
	{ node, id }: Handle,
	facts: CommandFacts,
): Promise<void> {
	const at = facts.queuedAt + 2000;
	const report: Report = {
		...{ v: 1, key: { epoch: 'epoch', n: 1 }, event: 'succeeded', at, facts },
		...{ attempts: [ranWell(at)], result: { ...emptyResult, exitCode: 0 } },
	};
	const publisher = new Publisher(connection, { stream: 'STEWARD_REPORTS', mayLookUp: true });
	await publisher.publish({ subject: `steward.report.${node}.${id}`, data: JSON.stringify(report) });
}

/** The centre's last words about a command: the ledger, then the stream, then the claim. */
export async function settle(
	parts: FleetParts,
	handle: Handle,
	facts: CommandFacts,
	state: CommandState = 'succeeded',
): Promise<LedgerEntry> {
	const entry = await writeEnd(parts, handle, facts, state);
	await parts.commands.purge(handle.node, handle.id, facts.seq);
	await parts.claims.purge(handle);
	return entry;
}

/** As {@link settle}, and dies before it is removed. */
export async function writeEnd(
	parts: FleetParts,
	handle: Handle,
	facts: CommandFacts,
	state: CommandState = 'succeeded',
): Promise<LedgerEntry> {
	const endedAt = facts.queuedAt + 2000;
	const entry: LedgerEntry = {
		...entryFor(handle, facts),
		...{ state, endedAt, attempts: [ranWell(endedAt)] },
	};
	await parts.ledger.write(
		entry,
		0,
		{ result: { ...emptyResult, exitCode: 0 }, envelope: null },
		parts.serverNow(),
	);
	return entry;
}

export function nodeState(node: string, labels: Record<string, string> = {}): NodeState {
	return {
		...{ v: 1, node, version: 'test', machine: 'machine', boot: 'boot', epoch: 'epoch', labels },
		platform: { os: 'linux', arch: 'x64', runtime: 'test', hostname: 'host' },
		...{ startedAt: 1000, saidAt: 1000, clockOffsetMs: 0, methods: [], lanes: [], running: [] },
		...{ outbox: 0, stopping: false, stopped: [], unreported: [], schedules: [], trust: null, access: null },
	};
}
