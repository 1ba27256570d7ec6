/**
 * Owns the metrics of a centre's fleet: their names, and what each tells of a snapshot.
 * Promises a bounded number of lines: the deepest queues by name, the methods with most commands, the rest as sums. Where there is no
 * centre yet the broker is told as away, and of the fleet nothing. Keeps nothing.
 */

import type { FleetSnapshot } from './fleet-snapshot.ts';
import type { Readings } from './readings.ts';

type Now = () => FleetSnapshot | undefined;

export function addFleetReadings(readings: Readings, now: Now): void {
	addCentre(readings, now);
	addCommands(readings, now);
	addNodes(readings, now);
}

function addCentre(readings: Readings, now: Now): void {
	const one = (name: string, help: string, of: (fleet: FleetSnapshot) => number | undefined) =>
		readings.gauge(name, help, [], () => readingOf(now(), of));
	readings.gauge('steward_broker_up', '1 while the centre reaches its broker.', [], () =>
		now()?.isUp === true ? 1 : 0,
	);
	one('steward_centre_leads', '1 where this centre leads: it writes, others stand by.', ({ leads }) =>
		leads ? 1 : 0,
	);
	one(
		'steward_index_complete',
		'1 once all that was there at the start has been read; before that counts are too low.',
		({ isComplete }) => (isComplete ? 1 : 0),
	);
	one(
		'steward_projector_lag_messages',
		'Claims and reports of nodes that the ledger does not tell yet; read every 10 s.',
		({ broker }) => broker?.projectorBacklog,
	);
	one(
		'steward_dead_letters',
		'Dead letters, replayed or not; read every 10 s.',
		({ broker }) => broker?.deadLetters,
	);
	one(
		'steward_schedule_lag_seconds',
		'By how much the tick that waits longest is late; told by the centre that leads.',
		({ scheduleLateSeconds }) => scheduleLateSeconds,
	);
}

function addCommands(readings: Readings, now: Now): void {
	readings.gauge(
		'steward_commands',
		'Commands by state and method; ended ones as long as the ledger keeps them.',
		['state', 'method'],
		() =>
			[...(now()?.methods ?? [])].flatMap(([method, states]) =>
				[...states].map(([state, value]) => ({ labels: { state, method }, value })),
			),
	);
	readings.gauge(
		'steward_queued',
		'Commands that wait for their nodes.',
		[],
		() => now()?.totals.commands.queued,
	);
	readings.gauge('steward_running', 'Commands that run, or wait for another attempt.', [], () =>
		readingOf(now(), ({ totals: { commands } }) => commands.running + commands.retrying),
	);
	readings.gauge('steward_queue_depth', 'Commands that wait, of the nodes with most.', ['node'], () =>
		(now()?.deepest ?? []).map(({ node, depth }) => ({ labels: { node }, value: depth })),
	);
	readings.gauge(
		'steward_queue_oldest_seconds',
		'How long the oldest has waited, of the nodes where one waits longest.',
		['node'],
		() =>
			(now()?.oldest ?? []).map(({ node, oldestSeconds }) => ({ labels: { node }, value: oldestSeconds })),
	);
	readings.gauge(
		'steward_queue_oldest_seconds_max',
		'How long the oldest of all has waited; 0 where none waits.',
		[],
		() => readingOf(now(), ({ oldest }) => oldest[0]?.oldestSeconds ?? 0),
	);
}

function addNodes(readings: Readings, now: Now): void {
	readings.gauge('steward_nodes', 'Nodes by presence.', ['presence'], () => {
		const { nodes } = now()?.totals ?? {};
		if (!nodes) return [];
		const { present, absent, never, unknown } = nodes;
		return Object.entries({ present, absent, never, unknown }).map(([presence, value]) => ({
			labels: { presence },
			value,
		}));
	});
	readings.gauge(
		'steward_awaited_absence_seconds_max',
		'For how long that node has been away which is away longest while commands wait for it; 0 where none is.',
		[],
		() => now()?.longestAbsenceSeconds,
	);
	readings.gauge(
		'steward_outbox_messages',
		'What all nodes still owe, as each said last.',
		[],
		() => now()?.outbox.sum,
	);
	readings.gauge(
		'steward_outbox_messages_max',
		'What the node owes that owes most.',
		[],
		() => now()?.outbox.max,
	);
	readings.gauge(
		'steward_clock_offset_seconds_max',
		"How far the clock of a present node is from the broker's at most, either way.",
		[],
		() => now()?.farthestClockSeconds,
	);
}

function readingOf(
	fleet: FleetSnapshot | undefined,
	of: (fleet: FleetSnapshot) => number | undefined,
): number | undefined {
	return fleet && of(fleet);
}
