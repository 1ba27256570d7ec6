/**
 * Owns the faults of a cluster: a server killed or stopped, the leader of a stream or of all killed, all restarted in turn.
 * Promises that one server at a time is away, and that each is there again at the end.
 * A server that is gone for good is a test of its own: nothing here would bring it back.
 */

import { streams } from '../../../src/domain/subject.ts';
import type { Cluster, Member } from '../../support/cluster.ts';
import type { World } from '../world.ts';
import { type Fault, lasting, type Sleep, stopAndGo } from './fault.ts';

/** What a leader may lead: a stream, or the cluster itself. */
const led = [streams.commands(0), streams.claims, 'all'] as const;

function clusterIn({ site }: World): Cluster {
	if ('cluster' in site) return site.cluster as Cluster;
	throw new Error('this fault needs the site of a cluster');
}

async function killFor(member: Member, ms: number, sleep: Sleep): Promise<string> {
	await member.kill();
	await sleep(ms);
	await member.restart();
	return member.name;
}

export const clusterFaults = {
	serverKill: {
		weight: 3,
		place: 'broker',
		async run(world, random, sleep) {
			const cluster = clusterIn(world);
			await cluster.whenCurrent();
			const ms = lasting(world, random, { short: [1000, 8000], long: [1000, 60_000] });
			return killFor(random.pick(cluster.members), ms, sleep);
		},
	},
	streamLeaderKill: {
		weight: 3,
		place: 'broker',
		async run(world, random, sleep) {
			const cluster = clusterIn(world);
			await cluster.whenCurrent();
			const of = random.pick(led);
			const leader = await cluster.leaderOf(of === 'all' ? undefined : of);
			const ms = lasting(world, random, { short: [1000, 8000], long: [1000, 60_000] });
			return `${of}: ${await killFor(leader, ms, sleep)}`;
		},
	},
	rollingRestart: {
		weight: 1,
		place: 'broker',
		async run(world) {
			const cluster = clusterIn(world);
			for (const member of cluster.members) {
				await cluster.whenCurrent();
				await member.restart('SIGTERM');
			}
			return 'each in turn';
		},
	},
	serverStop: {
		weight: 2,
		place: 'broker',
		async run(world, random, sleep) {
			const cluster = clusterIn(world);
			await cluster.whenCurrent();
			const { name, pid } = random.pick(cluster.members);
			const ms = lasting(world, random, { short: [2000, 8000], long: [2000, 60_000] });
			await stopAndGo(pid, ms, sleep);
			return name;
		},
	},
} as const satisfies Record<string, Fault>;
