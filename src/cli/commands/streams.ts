/**
 * Owns the commands about what the broker holds: init, streams ls.
 * Promises that init may run again at any time and changes nothing then.
 * An init that dies in the middle is completed by the next one, or by the next centre that starts.
 */

import { StewardError } from '../../base/errors.ts';
import { streamsDir } from '../../base/package.ts';
import type { Connection } from '../../jetstream/connection.ts';
import { closeConnection, openConnection } from '../../jetstream/connection.ts';
import { applyTopology, requireTopology, summarizeStreams } from '../../jetstream/topology.ts';
import type { BrokerFlags, Cli, JsonFlag } from '../cli.ts';
import { brokerSettings, credentialsOf } from '../connect.ts';
import { exitCodes } from '../exit-codes.ts';
import { streamTable } from '../render/stream.ts';

type Flags = BrokerFlags & JsonFlag;

export type InitFlags = Flags & {
	readonly shards?: string;
	readonly replicas?: string;
	readonly budget?: string;
};

export async function init(cli: Cli, flags: InitFlags): Promise<number> {
	const shards = flags.shards === undefined ? undefined : parseShards(flags.shards);
	const replicas = flags.replicas === undefined ? undefined : parseReplicas(flags.replicas);
	const budgetBytes = flags.budget === undefined ? undefined : parseBytes(flags.budget);
	const applied = await withConnection(cli, flags, async (connection) => {
		return applyTopology(connection, { dir: streamsDir, shards, replicas, budgetBytes });
	});
	const { shards: count, replicas: copies, changes } = applied;
	if (flags.json) {
		cli.stdout.line(JSON.stringify({ shards: count, replicas: copies, changes }));
		return exitCodes.done;
	}
	const changed = changes.filter(({ change }) => change !== 'unchanged');
	for (const { name, change } of changed) cli.stdout.line(`${change}  ${name}`);
	const what = changed.length === 0 ? 'everything was there already' : `${changed.length} streams`;
	const held = copies === 1 ? '' : `, each on ${copies} servers`;
	cli.stdout.line(`ready: ${what}, ${count} shard${count === 1 ? '' : 's'}${held}`);
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

async function withConnection<T>(
	cli: Cli,
	flags: Flags,
	use: (connection: Connection) => Promise<T>,
): Promise<T> {
	const config = await brokerSettings(cli, flags);
	const { servers, domain, tls } = config;
	const credentials = await credentialsOf(cli, config);
	const connection = await openConnection({ servers, domain, tls, credentials, name: 'steward cli' });
	try {
		return await use(connection);
	} finally {
		await closeConnection(connection, cli.clock);
	}
}

const sizes = { KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40, KB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12 };

function parseBytes(text: string): number {
	const [, amount, unit] = /^(\d+(?:\.\d+)?)([KMGT]i?B)$/.exec(text) ?? [];
	const bytes = Number(amount) * (sizes[unit as keyof typeof sizes] ?? Number.NaN);
	if (bytes >= sizes.MiB) return Math.floor(bytes);
	throw new StewardError('usage', `--budget: expected a size from 1MiB up, such as "8GiB", got "${text}"`);
}

function parseShards(text: string): number {
	const shards = Number(text);
	if (Number.isInteger(shards) && shards >= 1 && shards <= 64) return shards;
	throw new StewardError('usage', `--shards: expected a number from 1 to 64, got "${text}"`);
}

function parseReplicas(text: string): number {
	const replicas = Number(text);
	if ([1, 3, 5].includes(replicas)) return replicas;
	throw new StewardError('usage', `--replicas: expected 1, 3 or 5, got "${text}"`);
}
