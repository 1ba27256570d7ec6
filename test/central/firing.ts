/**
 * Owns firing schedules in tests: leaders whose time is the test's own, over a real broker, beside a real centre that settles.
 * Promises that the real centre knows nothing of these schedules, so that only the leaders of the test fire them.
 * Ends with the broker.
 */

import type { Clock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { CentreIndex } from '../../src/central/index.ts';
import { Scheduler } from '../../src/central/scheduler.ts';
import { TickWriter } from '../../src/central/tick-writer.ts';
import type { Handle } from '../../src/domain/names.ts';
import type { ScheduleForm, ScheduleRecord } from '../../src/domain/schedule.ts';
import { parseCommandSubject, subjects } from '../../src/domain/subject.ts';
import { Claims } from '../../src/jetstream/claims.ts';
import { Commands } from '../../src/jetstream/commands.ts';
import type { Connection } from '../../src/jetstream/connection.ts';
import { contentOf } from '../../src/jetstream/consumers.ts';
import { LedgerStore } from '../../src/jetstream/ledger-store.ts';
import { Schedules } from '../../src/jetstream/schedules.ts';
import { manualClock } from '../support/clock.ts';
import { eventually } from '../support/eventually.ts';

/** Past, so that no command of a tick is older than the broker's time by much, and none of these is ever fired by a real centre. */
export const start = Date.UTC(2026, 0, 1);
export const minuteMs = 60_000;

/** The moments of one test, shared by its leaders. */
type Time = { now: number };

export function recordOf(
	form: Omit<ScheduleForm, 'message'> & Partial<ScheduleForm>,
	since = start,
): ScheduleRecord {
	const message = { method: 'ping', deliverWithin: 'never' };
	const whole = { toNode: 'ship1', message, ...form };
	const change = { version: 1, at: since, by: 'tester', change: 'added' as const, fields: [] };
	return { v: 1, name: form.name, version: 1, form: whole, since, changes: [change], removed: false };
}

export type Leader = {
	readonly scheduler: Scheduler;
	readonly index: CentreIndex;
	stop(): Promise<void>;
};

export type LeaderOptions = {
	readonly time: Time;
	readonly mayFire?: () => boolean;
	readonly clock?: Clock;
	/** Stands before all that it reads and writes at the broker. */
	readonly between?: <Port extends object>(port: Port) => Port;
};

/** A leader that begins with what is stored; it fires when its `runOnce` is called. */
export async function startLeader(
	connection: Connection,
	records: readonly ScheduleRecord[],
	{ time, mayFire = () => true, clock = manualClock(), between = (port) => port }: LeaderOptions,
): Promise<Leader> {
	const index = new CentreIndex(connection, 1);
	await index.start();
	await eventually(() => index.isComplete);
	for (const [place, value] of records.entries()) {
		const { name } = value;
		index.schedules.take({ kind: 'record', name, revision: place + 1, gone: false, value });
	}
	const commands = between(new Commands(connection, 1, { mayPublish: mayFire, inFlight: 2 }));
	const claims = between(new Claims(connection));
	const ledger = between(new LedgerStore(connection));
	const serverNow = () => time.now;
	const scheduler = new Scheduler({
		index,
		schedules: between(new Schedules(connection)),
		writer: new TickWriter({ commands, ledger, index, serverNow }),
		claims,
		readMessage: (command) => commands.body(command),
		...{ mayFire, presenceTtlMs: 1000 },
		serverNow,
		clock,
		log: silentLog,
	});
	scheduler.begin();
	return { scheduler, index, stop: () => index.stop() };
}

/** What waits for a node, in the order of its stream. */
export async function queuedAt(connection: Connection, node: string): Promise<Handle[]> {
	const { subjects: held } = await contentOf(
		connection,
		'STEWARD_COMMANDS_0',
		subjects.commandsOfNode(0, node),
	);
	return held.flatMap((subject) => parseCommandSubject(subject) ?? []);
}
