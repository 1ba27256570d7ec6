/**
 * Owns the commands about what the broker holds: init, streams ls, plan and apply.
 * Promises that init may run again at any time and changes nothing then.
 * An init that dies in the middle is completed by the next one, or by the next centre that starts.
 */

import { StewardError } from '../../base/errors.ts';
import { streamsDir } from '../../base/package.ts';
import { counted } from '../../base/text.ts';
import type { StreamsPlanView } from '../../domain/keeping-view-schema.ts';
import {
	applyTopology,
	planTopology,
	requireTopology,
	summarizeStreams,
	type TopologyChange,
	type TopologyOptions,
	type TopologyPlan,
} from '../../jetstream/topology.ts';
import type { BrokerFlags, Cli, JsonFlag } from '../cli.ts';
import { parseReplicas, withConnection } from '../connect.ts';
import { exitCodes } from '../exit-codes.ts';
import { planText, streamTable } from '../render/stream.ts';

type Flags = BrokerFlags & JsonFlag;

export type InitFlags = Flags & {
	readonly shards?: string;
	readonly replicas?: string;
	readonly budget?: string;
};

export type PlanFlags = InitFlags & { readonly check?: boolean };
export type ApplyFlags = InitFlags & { readonly allowDestructive?: boolean };

export async function init(cli: Cli, flags: InitFlags): Promise<number> {
	const options = topologyOptions(flags);
	const applied = await withConnection(cli, flags, (connection) => applyTopology(connection, options));
	return tellApplied(cli, flags, applied);
}

export async function planStreams(cli: Cli, flags: PlanFlags): Promise<number> {
	// Room that was given counts as given, unless a budget is named.
	const options = { ...topologyOptions(flags), sizes: flags.budget !== undefined };
	const plan = planView(await withConnection(cli, flags, (connection) => planTopology(connection, options)));
	cli.stdout.line(flags.json ? JSON.stringify(plan) : planText(plan, cli.stdout));
	return flags.check && plan.differs ? exitCodes.differs : exitCodes.done;
}

export async function applyStreams(cli: Cli, flags: ApplyFlags): Promise<number> {
	const { allowDestructive = false } = flags;
	const options = { ...topologyOptions(flags), sizes: flags.budget !== undefined, allowDestructive };
	const applied = await withConnection(cli, flags, (connection) => applyTopology(connection, options));
	return tellApplied(cli, flags, applied);
}

function topologyOptions(flags: InitFlags): TopologyOptions {
	return {
		dir: streamsDir,
		shards: flags.shards === undefined ? undefined : parseShards(flags.shards),
		replicas: flags.replicas === undefined ? undefined : parseReplicas(flags.replicas),
		budgetBytes: flags.budget === undefined ? undefined : parseBytes(flags.budget),
	};
}

function planView({ streams, ...plan }: TopologyPlan): StreamsPlanView {
	const views = streams.map(({ definition, existing, changes }) => ({
		name: definition.name,
		change: !existing ? ('create' as const) : changes.length > 0 ? ('update' as const) : ('none' as const),
		fields: [...changes],
	}));
	const destructive = views.some(({ fields }) => fields.some((field) => field.destructive !== null));
	const differs = views.some(({ change }) => change !== 'none');
	return { ...plan, differs, destructive, streams: views, unknown: [...plan.unknown] };
}

type Applied = { shards: number; replicas: number; changes: readonly TopologyChange[] };

function tellApplied(cli: Cli, flags: JsonFlag, { shards, replicas, changes }: Applied): number {
	if (flags.json) {
		cli.stdout.line(JSON.stringify({ shards, replicas, changes }));
		return exitCodes.done;
	}
	const changed = changes.filter(({ change }) => change !== 'unchanged');
	for (const { name, change } of changed) cli.stdout.line(`${change}  ${name}`);
	const what = changed.length === 0 ? 'everything was there already' : counted(changed.length, 'stream');
	const held = replicas === 1 ? '' : `, each on ${replicas} servers`;
	cli.stdout.line(`ready: ${what}, ${shards} shard${shards === 1 ? '' : 's'}${held}`);
	cli.stderr.line(
		cli.stderr.paint('dim', 'next: steward central, or steward send ship1 shellCommand -- uname -a'),
	);
	return exitCodes.done;
}

export async function listStreams(cli: Cli, flags: Flags): Promise<number> {
	const streams = await withConnection(cli, flags, async (connection) => {
		await requireTopology(connection);
		return summarizeStreams(connection);
	});
	cli.stdout.line(flags.json ? JSON.stringify(streams) : streamTable(streams, cli.stdout));
	return exitCodes.done;
}

const sizes = { KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40, KB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12 };

function parseBytes(text: string): number {
	const [, amount, unit] = /^(\d+(?:\.\d+)?)([KMGT]i?B)$/.exec(text) ?? [];
	const bytes = Number(amount) * (sizes[unit as keyof typeof sizes] ?? Number.NaN);
	if (bytes >= sizes.MiB) return Math.floor(bytes);
	throw new StewardError('usage', `--budget: expected a size from 1MiB up, such as "8GiB", got "${text}"`);
}

export function parseShards(text: string): number {
	const shards = Number(text);
	if (Number.isInteger(shards) && shards >= 1 && shards <= 64) return shards;
	throw new StewardError('usage', `--shards: expected a number from 1 to 64, got "${text}"`);
}
