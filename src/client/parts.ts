/**
 * Owns the parts that a fleet is made of, wired to one connection.
 * Promises that each part of the client takes only these, and none of them the fleet.
 * Nothing is kept across a crash.
 */

import type { Clock } from '../base/clock.ts';
import { ulidFactory } from '../base/ids.ts';
import type { TrustList } from '../domain/trust.ts';
import { Claims } from '../jetstream/claims.ts';
import { Commands } from '../jetstream/commands.ts';
import type { Connection } from '../jetstream/connection.ts';
import { DeadLetters } from '../jetstream/dead-letters.ts';
import { Documents } from '../jetstream/documents.ts';
import { Events } from '../jetstream/events.ts';
import { LedgerStore } from '../jetstream/ledger-store.ts';
import { Nodes } from '../jetstream/nodes.ts';
import { Reports } from '../jetstream/reports.ts';
import { ServerClock } from '../jetstream/server-clock.ts';
import { Standings } from '../jetstream/standings.ts';
import type { Topology } from '../jetstream/topology.ts';
import type { SigningKey } from '../security/keys.ts';
import { signingWith } from '../security/signature.ts';
import { EarlyAccess } from './early-access.ts';
import { KnownNodes } from './known-nodes.ts';
import { MethodLanes } from './method-lanes.ts';
import { Positions } from './positions.ts';
import { Vouching } from './vouching.ts';

/** The parts of a fleet, wired to one connection. */
export type FleetParts = {
	readonly connection: Connection;
	readonly commands: Commands;
	readonly claims: Claims;
	readonly reports: Reports;
	readonly ledger: LedgerStore;
	readonly nodes: Nodes;
	readonly standings: Standings;
	readonly known: KnownNodes;
	readonly methodLanes: MethodLanes;
	readonly positions: Positions;
	readonly events: Events;
	readonly dead: DeadLetters;
	readonly clock: Clock;
	/** The broker's clock, milliseconds since the epoch, as far as one reading at the start tells. */
	readonly serverNow: () => number;
	/** The same, read anew: for what is kept, since a program that was suspended for hours carries an old reading on. */
	readonly readServerNow: () => Promise<number>;
	readonly newId: () => string;
	/** Tells what nodes would deny; undefined where nothing is signed here. */
	readonly access: EarlyAccess | undefined;
	/** Signs what is kept of schedules, and says who has; undefined where nothing is signed here. */
	readonly vouching: Vouching | undefined;
	/** Who is told to have cancelled, paused, retried. */
	readonly author: string;
};

type OwnParts = {
	readonly clock: Clock;
	readonly author: string;
	readonly signer?: SigningKey | undefined;
	readonly roots?: readonly string[] | undefined;
	/** What counts here before a list is published. */
	readonly trust?: TrustList | undefined;
};

/** Of one stream, where many nodes are sent to: with three the broker never waits for the next (23 % more a second than with one). */
const batchesInFlight = 3;

export function fleetParts(
	connection: Connection,
	topology: Topology,
	{ clock, author, signer, roots = [], trust }: OwnParts,
): FleetParts {
	const { shards, serverTime } = topology;
	const serverClock = new ServerClock(clock, serverTime);
	const serverNow = () => Math.round(serverClock.now());
	const nodes = new Nodes(connection);
	const documents = new Documents(connection);
	const access =
		signer && new EarlyAccess({ documents, nodes, key: signer.publicKey, roots, serverNow, clock });
	const commands = new Commands(connection, shards, {
		inFlight: batchesInFlight,
		sign: signingWith(signer, () => serverClock.sureNow(connection)),
	});
	return {
		connection,
		commands,
		positions: new Positions(commands),
		claims: new Claims(connection),
		reports: new Reports(connection),
		ledger: new LedgerStore(connection),
		nodes,
		access,
		vouching:
			signer &&
			access &&
			new Vouching({ key: signer, published: () => access.trust(), left: trust, serverNow, clock }),
		standings: new Standings(connection),
		known: new KnownNodes(nodes, clock),
		methodLanes: new MethodLanes(clock),
		events: new Events(connection),
		dead: new DeadLetters(connection),
		clock,
		serverNow,
		async readServerNow() {
			await serverClock.refresh(connection);
			return serverNow();
		},
		newId: ulidFactory(() => clock.now()),
		author,
	};
}
