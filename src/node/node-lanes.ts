/**
 * Owns which lanes a node has, and what each of them is: its slots, its consumer, and what it hands its deliveries to.
 * Promises that one slot keeps strict order, that events go to their own pipeline, and that nothing but the control lane takes anything
 * before the node's control messages are done.
 * Made anew with each start; what was being handed over comes again.
 */

import type { Lane as LaneName } from '../domain/names.ts';
import { consumerName, streams } from '../domain/subject.ts';
import type { Link } from '../jetstream/connection.ts';
import type { Pauses } from './control/pauses.ts';
import type { CommandPipeline } from './delivery/command-pipeline.ts';
import type { EventPipeline } from './delivery/event-pipeline.ts';
import type { HeldDeliveries } from './delivery/held-deliveries.ts';
import { Lane } from './delivery/lane.ts';
import type { Lanes } from './delivery/lanes.ts';
import type { NodeOptions } from './node-options.ts';

export function makeLanes(parts: {
	options: NodeOptions;
	link: Link;
	lanes: Lanes;
	commands: CommandPipeline;
	events: EventPipeline;
	pauses: Pauses;
	held: HeldDeliveries;
	onStatus: () => void;
	onShutdown: (error: unknown) => void;
}): Lane[] {
	const { options, link, lanes, commands, events, pauses, held, onStatus, onShutdown } = parts;
	const capacities = Object.entries(options.config.node.lanes) as [LaneName, number | undefined][];
	return capacities.flatMap(([lane, capacity]) => {
		if (capacity === undefined) return [];
		return new Lane({
			lane,
			capacity,
			pause: () => pauses.laneOf(lane),
			takes: () => lane === 'control' || (lanes.haveBegun && pauses.takes(lane)),
			isLooking: () => pauses.isProbing(lane),
			onNothing: () => pauses.nothingNext(lane),
			held,
			stream: () => (lane === 'events' ? streams.events : lanes.commandsStream),
			consumer: consumerName(options.name, lane),
			link,
			handle: (delivery, signal) =>
				lane === 'events'
					? events.handle(delivery, signal)
					: commands.handle(delivery, capacity === 1, signal),
			onStatus,
			onCaughtUp: lane === 'control' ? () => lanes.controlCaughtUp() : undefined,
			onProgress: lane === 'control' ? () => lanes.controlProgress() : undefined,
			onBroken: onShutdown,
			clock: options.clock,
		});
	});
}
