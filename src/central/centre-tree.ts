/**
 * Owns the parts of a centre that every centre has, and their order: index, answers, upkeep, figures, and last the wish to lead.
 * Promises that what the leader alone does stands below its leadership, and that others in this process see the centre through one window.
 * Made anew with each start; all that it knows is the broker's.
 */

import type { Clock } from '../base/clock.ts';
import { Periodic } from '../base/lifecycle.ts';
import type { Log } from '../base/log.ts';
import type { Config } from '../domain/config.ts';
import type { Connection, Link } from '../jetstream/connection.ts';
import { DeadLetters } from '../jetstream/dead-letters.ts';
import { LedgerStore } from '../jetstream/ledger-store.ts';
import { maxPayloadOf } from '../jetstream/limits.ts';
import { ServerClock } from '../jetstream/server-clock.ts';
import type { Topology } from '../jetstream/topology.ts';
import type { Credentials } from '../security/credentials.ts';
import { Supervisor } from '../supervision/supervisor.ts';
import { Answers } from './answers.ts';
import { BrokerFigures } from './broker-figures.ts';
import type { CentreIndex } from './index.ts';
import { leaderDuties } from './leader-duties.ts';
import { Leadership, leaderLease } from './leadership.ts';
import { questionsService } from './questions-service.ts';

export type CentreParts = {
	readonly options: {
		readonly config: Config;
		readonly credentials?: Credentials | undefined;
		readonly clock: Clock;
		readonly log: Log;
	};
	readonly link: Link;
	/** Of the link, now that it is up. */
	readonly connection: Connection;
	readonly topology: Topology;
	readonly index: CentreIndex;
	/** Called when supervision gave up. */
	readonly onFailure: (error: Error) => void;
};

/** The broker's clock is read, and the index forgets what the ledger has forgotten. */
const upkeepEveryMs = 60_000;
const figuresEveryMs = 10_000;
const stopWithinMs = 10_000;

/** `offLink` takes from the link what listens to it. */
export function buildCentre({ options, link, connection, topology, index, onFailure }: CentreParts) {
	const { config, credentials, clock, log } = options;
	const serverClock = new ServerClock(clock, topology.serverTime);
	const serverNow = () => Math.round(serverClock.now());
	const ledger = new LedgerStore(connection);
	const dead = new DeadLetters(connection);
	const { leaseTtlMs } = config.centre;
	const lease = leaderLease(leaseTtlMs, clock);
	const leader = leaderDuties({
		...{ config, credentials, link, connection, index, ledger, dead, serverClock, clock, log },
		shards: topology.shards,
		// At the last moment before something goes out: a process that was stopped for a while must not write then.
		mayFire: () => lease.held,
	});
	const { duties } = leader;
	const leadership = new Leadership({ link, lease, ttlMs: leaseTtlMs, duties, clock, log });
	index.onSettledWaiting((command) => {
		if (leadership.leads) leader.settle(command);
	});
	const offLink = link.onReconnect(() => leader.forgetFloors());
	const figures = new BrokerFigures({ connection, dead, clock });
	const upkeep = async () => {
		await serverClock.refresh(connection);
		await leader.forgetOnce();
		return index.prune(serverNow());
	};
	const answers = new Answers(index, ledger, serverNow, () => maxPayloadOf(connection));
	const supervisor = new Supervisor({
		name: 'central',
		strategy: 'rest-for-one',
		intensity: { restarts: 10, periodMs: 60_000 },
		children: [
			index,
			questionsService(connection, answers, log),
			new Periodic({ name: 'upkeep', everyMs: upkeepEveryMs, runOnce: upkeep, clock, log }),
			new Periodic({
				...{ name: 'figures', everyMs: figuresEveryMs, clock, log },
				runOnce: async () => link.connection && figures.runOnce(),
			}),
			leadership,
		],
		stopWithinMs: 2 * stopWithinMs,
		clock,
		log,
	});
	for (const one of [duties, supervisor]) one.onFailure(onFailure);
	const window = {
		...{ connection, topology, index, answers, serverNow },
		isUp: () => link.connection !== undefined,
		leads: () => leadership.leads,
		brokerFigures: () => figures.figures,
		scheduleLateMs: () => (leadership.leads ? leader.lateMs() : undefined),
		get rows() {
			return answers.counts;
		},
	};
	return { supervisor, window, offLink };
}
