/**
 * Owns the scenarios of sabotage: which product runs, what it is asked, what breaks, and what the verdict must say.
 * Promises that the whole product meets the faults of all scenarios of its kind, and is called clean.
 * Each is a chaos run like any other, with a small world.
 */

import { projectorConsumer } from '../../../src/central/projector.ts';
import { streams } from '../../../src/domain/subject.ts';
import type { Connection } from '../../../src/jetstream/connection.ts';
import { eventually } from '../../support/eventually.ts';
import { shortenLeases } from '../../support/leases.ts';
import type { Fault } from '../faults/fault.ts';
import { type ChaosReport, runChaos } from '../run.ts';
import type { forbidden } from '../verdict.ts';
import type { CommandKind } from '../workload.ts';
import type { World } from '../world.ts';
import { buildMutant } from './mutant.ts';
import { mutations } from './mutations.ts';
import {
	centreStutters,
	centresDieAtAck,
	farAway,
	linkCutUntilRunsEnd,
	nodeDiesAtAck,
	nodeDiesMidRun,
} from './sharp-faults.ts';
import { type TappedSite, tappedSite } from './tapped-site.ts';

export type Scenario = {
	/** Nothing: the product as it is. */
	readonly sabotage?: keyof typeof mutations;
	readonly kinds: readonly CommandKind[];
	readonly faults: (site: TappedSite) => Readonly<Record<string, Fault>>;
	/** Of these the verdict must hold one against it; none where another line of defence holds. */
	readonly offences?: readonly (typeof forbidden)[number][];
	/** Resolves when the sabotage is seen at work, where no offence would show it. */
	readonly untilSeen?: (world: World) => Promise<unknown>;
};

type Scenarios = Readonly<Record<string, Scenario>>;

const faultsOfNodes = (site: TappedSite) => ({ nodeDiesAtAck: nodeDiesAtAck(site), nodeDiesMidRun });
const faultsOfCentres = (site: TappedSite) => ({ centresDieAtAck: centresDieAtAck(site), centreStutters });

const nodesDie: Scenarios = {
	'the whole product is clean': {
		kinds: ['succeeds', 'reruns'],
		faults: faultsOfNodes,
	},
	'an ack before the outcome is in the journal leaves commands without an end': {
		sabotage: 'acksBeforeJournal',
		kinds: ['reruns'],
		faults: (site) => ({ nodeDiesAtAck: nodeDiesAtAck(site) }),
		offences: ['withoutFinalState'],
	},
	'a delivery that is not looked up in the journal runs again, for the claim trusts the journal': {
		sabotage: 'looksIntoNoJournal',
		kinds: ['succeeds'],
		faults: () => ({ nodeDiesMidRun }),
		offences: ['overExecuted'],
	},
	'a process group that is not ended runs beside the next attempt': {
		sabotage: 'leavesOldGroups',
		kinds: ['reruns'],
		faults: () => ({ nodeDiesMidRun }),
		offences: ['ranBesideItself'],
	},
};

const linksFail: Scenarios = {
	'the whole product is clean': {
		kinds: ['succeeds', 'isCancelled'],
		faults: () => ({ linkCutUntilRunsEnd, farAway }),
	},
	'a report that is not in the outbox is lost with the link, and its command has no end': {
		sabotage: 'reportsWithoutOutbox',
		kinds: ['succeeds'],
		faults: () => ({ linkCutUntilRunsEnd }),
		offences: ['withoutFinalState'],
	},
	'what a ship accepts without its outbox is lost with the link': {
		sabotage: 'acceptsWithoutOutbox',
		kinds: ['succeeds'],
		faults: () => ({ linkCutUntilRunsEnd }),
		offences: ['lost'],
	},
	'a start that does not wait for its claim runs what was cancelled for certain': {
		sabotage: 'startsBeforeClaim',
		kinds: ['isCancelled'],
		faults: () => ({ farAway }),
		offences: ['ranThoughUnstarted'],
	},
};

const centresDie: Scenarios = {
	'the whole product is clean': {
		kinds: ['succeeds', 'fails'],
		faults: faultsOfCentres,
	},
	'a projector that acknowledges first leaves reports out of the ledger': {
		sabotage: 'projectorAcksFirst',
		kinds: ['succeeds', 'fails'],
		faults: (site) => ({ centresDieAtAck: centresDieAtAck(site) }),
		// Until it is swept away, the report still answers for itself.
		offences: ['withoutFinalState', 'notInLedger'],
	},
	'two leaders at once do no harm, because the ledger compares before it sets': {
		sabotage: 'everyoneLeads',
		untilSeen: bothLead,
		kinds: ['succeeds', 'fails'],
		faults: () => ({ centreStutters }),
	},
	'two leaders without that fence write what is old over what is final': {
		sabotage: 'everyoneLeadsUnfenced',
		untilSeen: bothLead,
		kinds: ['succeeds', 'fails'],
		faults: () => ({ centreStutters }),
		offences: ['notInLedger'],
	},
};

/** By what goes wrong. */
export const scenarios = { 'nodes die': nodesDie, 'links fail': linksFail, 'centres die': centresDie };

const seed = 1;
const forMs = 6000;
export const least = { commands: 30, faults: 2 };
/** A broken product is not waited for as long as a whole one. */
const quietMs = { broken: 8000, whole: 60_000 } as const;
/** Redeliveries come after this time, instead of 30 s. */
const ackWaitMs = 2000;

export async function runScenario(scenario: Scenario): Promise<ChaosReport> {
	const { sabotage, kinds, faults, offences, untilSeen } = scenario;
	const buildDir = sabotage && (await buildMutant(sabotage, mutations[sabotage]));
	const site = await tappedSite();
	return runChaos({
		...{ seed, forMs, least, kinds, buildDir, pace: 'short', ships: 2, rate: 12, faultEveryMs: 300 },
		site: async () => site,
		faults: faults(site),
		quietWithinMs: offences === undefined ? quietMs.whole : quietMs.broken,
		async prepare(world) {
			await prepare(world);
			await untilSeen?.(world);
		},
	});
}

/** Both centres pull what only the leader may. */
function bothLead({ raw }: World): Promise<unknown> {
	return eventually(
		async () => (await raw.jsm.consumers.info(streams.claims, projectorConsumer)).num_waiting === 2,
		{ message: 'both centres lead' },
	);
}

/** Everybody is there, and nobody waits long for what another held. */
async function prepare({ ships, raw, site, fleet }: World): Promise<void> {
	await eventually(
		async () => {
			const present = (await fleet.nodes()).filter(({ presence }) => presence === 'present');
			return present.length === ships.length;
		},
		{ message: 'all ships are present' },
	);
	for (const { name } of ships) {
		await shortenLeases(site.servers, name, ackWaitMs, { normal: 4, urgent: 2, events: 1 });
	}
	await shortenCentres(raw.connection);
}

async function shortenCentres({ jsm }: Connection): Promise<void> {
	for await (const name of jsm.streams.names()) {
		for await (const consumer of jsm.consumers.list(name)) {
			if (!consumer.name.startsWith('_')) continue;
			await jsm.consumers.update(name, consumer.name, { ack_wait: ackWaitMs * 1e6 });
		}
	}
}
