/**
 * Owns putting together what a centre does while it leads: it keeps the books, settles, sweeps, fires, and takes in what nodes send.
 * Promises that one of these which fails is started again without the others, and that what must not be written by two asks `mayFire` at
 * the last moment. Has no state: who leads next reads what the last one left.
 */

import type { Clock } from '../base/clock.ts';
import { Periodic, type Service } from '../base/lifecycle.ts';
import type { Log } from '../base/log.ts';
import type { Config } from '../domain/config.ts';
import { formatHandle, type Handle } from '../domain/names.ts';
import type { CommandAddress } from '../domain/subject.ts';
import { Claims } from '../jetstream/claims.ts';
import { Commands } from '../jetstream/commands.ts';
import type { Connection, Link } from '../jetstream/connection.ts';
import type { DeadLetters } from '../jetstream/dead-letters.ts';
import { Events } from '../jetstream/events.ts';
import { LaterCommands } from '../jetstream/later-commands.ts';
import type { LedgerStore } from '../jetstream/ledger-store.ts';
import { Nodes } from '../jetstream/nodes.ts';
import { Reports } from '../jetstream/reports.ts';
import { Schedules } from '../jetstream/schedules.ts';
import type { ServerClock } from '../jetstream/server-clock.ts';
import { Standings } from '../jetstream/standings.ts';
import type { StoredCommand } from '../jetstream/stored-command.ts';
import type { Credentials } from '../security/credentials.ts';
import { signingWith } from '../security/signature.ts';
import { Supervisor } from '../supervision/supervisor.ts';
import { DocumentSync } from './document-sync.ts';
import { denialOfCommand } from './early-access.ts';
import type { CentreIndex } from './index.ts';
import { IntakeWorker } from './intake-worker.ts';
import { nodeDuties } from './node-duties.ts';
import { Projector } from './projector.ts';
import { Reaper } from './reaper.ts';
import { Releaser } from './releaser.ts';
import { ScheduleSync } from './schedule-sync.ts';
import { Scheduler } from './scheduler.ts';
import { Settler } from './settler.ts';
import { StatementCheck } from './statement-check.ts';
import { Sweeper } from './sweeper.ts';
import { TickWriter } from './tick-writer.ts';
import { Undelivered } from './undelivered.ts';
import { UplinkWatch } from './uplink-watch.ts';

export type LeaderParts = {
	readonly config: Config;
	/** Whose key signs what the centre sends. */
	readonly credentials: Credentials | undefined;
	readonly link: Link;
	readonly connection: Connection;
	readonly shards: number;
	readonly index: CentreIndex;
	readonly ledger: LedgerStore;
	readonly dead: DeadLetters;
	readonly serverClock: ServerClock;
	/** This centre leads now. */
	readonly mayFire: () => boolean;
	readonly clock: Clock;
	readonly log: Log;
};

const reapEveryMs = 2000;
const releaseEveryMs = 200;
/** Whether something changed is looked at so often. */
const syncEveryMs = 500;
const stopWithinMs = 10_000;

export function leaderDuties(parts: LeaderParts) {
	const { config, credentials, link, connection, shards, index, ledger, dead, mayFire, clock, log } = parts;
	const serverNow = () => Math.round(parts.serverClock.now());
	const sign = signingWith(credentials?.key, () => parts.serverClock.sureNow(connection));
	const commands = new Commands(connection, shards, { sign });
	const claims = new Claims(connection);
	const nodes = new Nodes(connection);
	const reports = new Reports(connection);
	const events = new Events(connection);
	const onForgotten = (handle: Handle) => index.forget(formatHandle(handle));
	const settler = new Settler({
		commands,
		ledger,
		onForgotten,
		linkChanges: () => connection.reach.changes,
		clock,
		log,
	});
	const findWaiting = ({ node, id }: Handle) => commands.find(node, id);
	const readMessage = (command: CommandAddress & { seq: number }) => commands.body(command);
	const { presenceTtlMs, claimRetentionMs, sweepEveryMs } = config.centre;
	const reaper = new Reaper({
		...{ index, claims, ledger, reports, settler, readMessage, presenceTtlMs, serverNow, clock, log },
	});
	const sweeper = new Sweeper({
		...{ connection, index, claims, commands, settler, claimRetentionMs, serverNow, log },
	});
	const standings = new Standings(connection);
	const { loudPerSecond } = config.centre;
	const monotonic = () => clock.monotonic();
	const watch = new UplinkWatch({ index, standings, loudPerSecond, monotonic, serverNow, log });
	const onRead = (subject: string) => watch.note(subject);
	const releaser = new Releaser({ index, later: new LaterCommands(connection), serverNow, log });
	const { eventDeliverWithinMs: deliverWithinMs } = config.centre;
	const undelivered = new Undelivered({ connection, events, dead, deliverWithinMs, serverNow, log });
	const writer = new TickWriter({
		commands: new Commands(connection, shards, { mayPublish: mayFire, inFlight: 2, sign }),
		...{ ledger, index, serverNow },
		denial: (envelope) => denialOfCommand(index, envelope),
	});
	const schedules = new Schedules(connection);
	const scheduler = new Scheduler({
		...{ index, schedules, writer, claims, mayFire, readMessage, presenceTtlMs, serverNow, clock, log },
	});
	const fenced = new Commands(connection, shards, { mayPublish: mayFire, sign });
	const sync = new ScheduleSync({
		...{ index, schedules, mayFire, serverNow, clock, log },
		parts: { commands: fenced, claims, ledger, serverNow },
	});
	const documentSync = new DocumentSync({
		...{ index, mayFire, clock, log },
		parts: { commands: fenced, claims, ledger, serverNow },
	});
	const trust = () => index.documents.trust();
	const jwtOf = (node: string) => index.nodes.get(node)?.state.jwt;
	const duties = new Supervisor({
		name: 'leader',
		strategy: 'one-for-one',
		intensity: { restarts: 10, periodMs: 60_000 },
		children: [
			...nodeDuties({
				...{ ...config.centre, shards, connection, index, nodes, claims, ledger, reports },
				...{ settler, undelivered, standings, watch, readMessage, serverNow, clock, log },
			}),
			new Projector({
				...{ link, ledger, dead, settler, readMessage, findWaiting, onRead, serverNow, clock, log },
				statements: new StatementCheck({ trust, jwtOf, serverNow }),
			}),
			new IntakeWorker({
				...{ link, index, commands, claims, ledger, events, dead, onRead, serverNow, clock, log },
			}),
			scheduler,
			beginning('sync begins', sync),
			beginning('document sync begins', documentSync),
			new Periodic({
				...{ name: 'document sync', everyMs: syncEveryMs, clock, log },
				runOnce: () => documentSync.runOnce(),
			}),
			new Periodic({ name: 'sync', everyMs: syncEveryMs, runOnce: () => sync.runOnce(), clock, log }),
			{ name: 'reaper begins', start: async () => reaper.begin(), stop: async () => undefined },
			new Periodic({ name: 'reaper', everyMs: reapEveryMs, runOnce: () => reaper.runOnce(), clock, log }),
			new Periodic({
				...{ name: 'releaser', everyMs: releaseEveryMs, clock, log },
				runOnce: (stopping) => releaser.runOnce(stopping),
			}),
			new Periodic({
				...{ name: 'sweeper', everyMs: sweepEveryMs, clock, log },
				runOnce: () => sweeper.runOnce(),
			}),
			new Periodic({
				...{ name: 'undelivered', everyMs: sweepEveryMs, clock, log },
				runOnce: (stopping) => undelivered.runOnce(stopping),
			}),
		],
		stopWithinMs,
		clock,
		log,
	});
	return {
		duties,
		/** Removes a command that the ledger calls final and that still waits. */
		settle: (command: StoredCommand) => settler.settle(command),
		/** The broker may have other streams now. */
		forgetFloors: () => sweeper.forgetFloors(),
		/** By how much the tick that waits longest is late, milliseconds. */
		lateMs: () => scheduler.lateMs,
		/** Schedules that were removed long ago. */
		forgetOnce: () => sync.forgetOnce(),
	};
}

/** What follows the index while this centre leads. */
function beginning(name: string, part: { begin(): void; end(): void }): Service {
	return { name, start: async () => part.begin(), stop: async () => part.end() };
}
