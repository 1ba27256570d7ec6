/**
 * Owns putting together what a leading centre does for nodes: keeps them, takes them out of service and back, says whose queue is full.
 * Promises services that stand beside the leader's others.
 * Has no state.
 */

import { Periodic, type Service } from '../base/lifecycle.ts';
import type { Standings } from '../jetstream/standings.ts';
import { Decommissioner, type DecommissionerOptions } from './decommissioner.ts';
import type { CentreIndex } from './index.ts';
import { NodeKeeper, type NodeKeeperOptions } from './node-keeper.ts';
import { QueueWatch } from './queue-watch.ts';
import type { UplinkWatch } from './uplink-watch.ts';

const decommissionEveryMs = 500;
const queueWatchEveryMs = 250;
const spanMs = 10_000;

type Parts = Omit<NodeKeeperOptions, 'isDecommissioned'> &
	Omit<DecommissionerOptions, 'index' | 'standings' | 'onBack'> & {
		index: CentreIndex;
		standings: Standings;
		sweepEveryMs: number;
		/** Commands that may wait for one node. */
		maxQueued: number;
		watch: UplinkWatch;
	};

export function nodeDuties(parts: Parts): readonly Service[] {
	const { index, watch, clock, log } = parts;
	const keeper = new NodeKeeper({
		...parts,
		onRead: (subject) => watch.note(subject),
		isDecommissioned: (node) => index.standings.get(node)?.decommissioned != null,
	});
	const onBack = (node: string) => {
		const state = index.nodes.get(node)?.state;
		if (state) keeper.welcome(node, state);
	};
	const decommissioner = new Decommissioner({ ...parts, onBack });
	const queueWatch = new QueueWatch(parts);
	return [
		keeper,
		new Periodic({
			...{ name: 'decommissioner', everyMs: decommissionEveryMs, clock, log },
			runOnce: () => decommissioner.runOnce(),
		}),
		new Periodic({
			...{ name: 'events of the decommissioned', everyMs: parts.sweepEveryMs, clock, log },
			runOnce: () => decommissioner.endEvents(),
		}),
		new Periodic({
			...{ name: 'queue watch', everyMs: queueWatchEveryMs, clock, log },
			runOnce: () => queueWatch.runOnce(),
		}),
		new Periodic({
			...{ name: 'uplink watch', everyMs: spanMs, clock, log },
			runOnce: () => watch.runOnce(),
		}),
	];
}
