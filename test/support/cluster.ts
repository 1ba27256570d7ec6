/**
 * Owns a real cluster of three nats-servers: the files of deploy/cluster, random ports, temporary stores.
 * Promises that all three are healthy when `startCluster` resolves, that a restart keeps ports and store, and that nothing is
 * left when it is disposed of. A server that a test has killed stays away until the test restarts it.
 */

import { join } from 'node:path';
import { packageRoot } from '../../src/base/package.ts';
import { disposables } from './disposables.ts';
import { eventually } from './eventually.ts';
import { type Nats, startNats } from './nats.ts';
import { freePorts } from './ports.ts';

export type Cluster = AsyncDisposable & {
	/** `hub1`, `hub2`, `hub3`, as in their files. */
	readonly members: readonly Member[];
	/** What a client connects to: all three. */
	readonly servers: string;
	/** The member that leads the stream now, or the meta group if none is named. */
	leaderOf(stream?: string): Promise<Member>;
	/** The members on which a consumer lives. */
	homesOf(stream: string, consumer: string): Promise<readonly Member[]>;
	/** Waits until `count` members say that they are healthy, and no replica of a stream lags behind its leader. */
	whenCurrent(options?: { among?: readonly Member[]; timeoutMs?: number }): Promise<void>;
};
export type Member = Nats & { readonly name: string };

const names = ['hub1', 'hub2', 'hub3'] as const;

export async function startCluster(): Promise<Cluster> {
	const parts = disposables();
	const routePorts = await freePorts(names.length);
	const routes = routePorts.map((port) => `nats://127.0.0.1:${port}`);
	const starting = names.map((name, index) =>
		startNats({
			config: join(packageRoot, 'deploy', 'cluster', `${name}.conf`),
			// Clients that come through a breakable link must not be told of ways around it.
			flags: ['--cluster', routes[index] ?? '', '--routes', routes.join(','), '--no_advertise'],
		}),
	);
	const started = await Promise.allSettled(starting);
	const members: Member[] = [];
	let failure: unknown;
	for (const [index, result] of started.entries()) {
		if (result.status === 'rejected') failure ??= result.reason;
		else members.push(Object.assign(parts.use(result.value), { name: names[index] ?? '' }));
	}
	if (failure !== undefined) {
		await parts[Symbol.asyncDispose]();
		throw failure;
	}
	const cluster = clusterOf(members, parts);
	try {
		// A server that is healthy may still count as away for the one that places streams.
		await cluster.whenCurrent();
		return cluster;
	} catch (error) {
		await parts[Symbol.asyncDispose]();
		throw error;
	}
}

function clusterOf(members: readonly Member[], parts: AsyncDisposable): Cluster {
	const named = (name: string | undefined) => members.find((member) => member.name === name);
	return {
		members,
		servers: members.map(({ url }) => url).join(','),
		leaderOf: (stream) =>
			eventually(
				async () => {
					const views = await Promise.all(members.map(viewOf));
					const leaders = views.flatMap((view) =>
						stream === undefined
							? view.meta.leader
							: view.streams.filter(({ name }) => name === stream).map(({ leader }) => leader),
					);
					return named(leaders.find((leader) => leader !== undefined));
				},
				{ timeoutMs: 60_000, message: `somebody leads ${stream ?? 'the cluster'}` },
			),
		async homesOf(stream, consumer) {
			const views = await Promise.all(members.map(viewOf));
			return members.filter((_, index) =>
				views[index]?.streams.some(({ name, consumers }) => name === stream && consumers.includes(consumer)),
			);
		},
		async whenCurrent({ among = members, timeoutMs = 60_000 } = {}) {
			const isAmong = (name: string) => among.some((member) => member.name === name);
			await eventually(
				async () => {
					const views = await Promise.all(among.map(viewOf));
					const groups = views.flatMap(({ meta, streams }) => [meta, ...streams]);
					const isCurrent = ({ leader, lagging }: GroupView) =>
						leader !== undefined && !lagging.some(isAmong);
					return views.every(({ isHealthy }) => isHealthy) && groups.every(isCurrent);
				},
				{
					timeoutMs,
					everyMs: 50,
					message: `${among.map(({ name }) => name).join(', ')} are healthy and current`,
				},
			);
		},
		[Symbol.asyncDispose]: () => parts[Symbol.asyncDispose](),
	};
}

/** Those who hold something together. */
type GroupView = {
	readonly leader: string | undefined;
	/** Replicas that are not there, or behind; only the leader knows. */
	readonly lagging: readonly string[];
};
type StreamView = GroupView & {
	readonly name: string;
	readonly consumers: readonly string[];
};
type View = {
	readonly isHealthy: boolean;
	readonly meta: GroupView;
	readonly streams: readonly StreamView[];
};

const nothing: View = { isHealthy: false, meta: { leader: undefined, lagging: [] }, streams: [] };

/** What one member says of itself; nothing where it does not answer. */
async function viewOf(member: Member): Promise<View> {
	try {
		const signal = AbortSignal.timeout(2000);
		const health = await fetch(`${member.monitorUrl}/healthz`, { signal });
		const answer = await fetch(`${member.monitorUrl}/jsz?streams=1&consumers=1`, { signal });
		const said = (await answer.json()) as JszAnswer;
		const details = said.account_details?.flatMap(({ stream_detail }) => stream_detail ?? []) ?? [];
		return {
			isHealthy: health.ok,
			meta: groupView(member, said.meta_cluster),
			streams: details.map(({ name, cluster, consumer_detail }) => ({
				name,
				...groupView(member, cluster),
				consumers: (consumer_detail ?? []).map((consumer) => consumer.name),
			})),
		};
	} catch {
		// Killed, stopped, or between two starts.
		return nothing;
	}
}

function groupView({ name }: Member, { leader, replicas = [] }: Group = {}): GroupView {
	const behind = replicas.filter(({ current, offline }) => !current || offline === true);
	return { leader, lagging: leader === name ? behind.map((replica) => replica.name) : [] };
}

type Group = { leader?: string; replicas?: { name: string; current: boolean; offline?: boolean }[] };
/** The part of `/jsz` that is read here. */
type JszAnswer = {
	meta_cluster?: Group;
	account_details?: {
		stream_detail?: {
			name: string;
			cluster?: Group;
			consumer_detail?: { name: string }[];
		}[];
	}[];
};
