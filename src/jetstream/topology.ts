/**
 * Owns bringing a broker to what the stream definitions say, and reading what it was set up with.
 * Promises that applying twice changes nothing, that a destructive change is refused, and that a schema newer than
 * this program is left alone. A crash in the middle is healed by the next centre that starts.
 */

import type { StreamConfig, StreamInfo } from '@nats-io/jetstream';
import { messageOf, StewardError } from '../base/errors.ts';
import { streams } from '../domain/subject.ts';
import { askLeader } from './ask-again.ts';
import type { Connection } from './connection.ts';
import { loadDefinitions, type StreamDefinition } from './definitions.ts';
import { isNoPlace, isNoRoom, isStreamNotFound } from './errors.ts';

/** Schema of streams and messages that this program writes and reads. */
const schemaVersion = 1;

const schemaKey = 'steward.schema';
const shardsKey = 'steward.shards';

/** Changing one of these on a stream that holds messages loses some, or is refused by the server. */
const destructiveFields = [
	'storage',
	'retention',
	'subjects',
	'max_age',
	'max_msgs_per_subject',
	'discard',
] as const;

export type TopologyChange = { readonly name: string; readonly change: 'created' | 'updated' | 'unchanged' };

/**
 * Brings the broker to the definitions. `shards` or `replicas` undefined keeps what the broker has, 1 on a new one.
 * @throws StewardError `schema-newer`; `refused` for another count of shards, a destructive change, too little room, or
 * more replicas than there are servers.
 */
export async function applyTopology(
	connection: Connection,
	options: {
		dir: string;
		shards?: number | undefined;
		replicas?: number | undefined;
		budgetBytes?: number | undefined;
	},
): Promise<{ shards: number; replicas: number; changes: readonly TopologyChange[] }> {
	const stored = await readTopology(connection);
	if (stored && options.shards !== undefined && options.shards !== stored.shards) {
		throw new StewardError(
			'refused',
			`this broker holds ${stored.shards} shard(s), and another count means a new cluster: leave --shards out, or set up another data folder`,
		);
	}
	const shards = stored?.shards ?? options.shards ?? 1;
	const replicas = options.replicas ?? stored?.replicas ?? 1;
	const { dir, budgetBytes } = options;
	const definitions = await loadDefinitions(dir, shards, {
		replicas,
		...(budgetBytes !== undefined && { budgetBytes }),
	});
	const existing = new Map((await listStreams(connection)).map((info) => [info.config.name, info]));
	const changes: TopologyChange[] = [];
	// The stream that answers for the whole topology comes last: a set-up that was cut off does not look complete.
	const answering = streams.commands(0);
	const ordered = [
		...definitions.filter(({ name }) => name !== answering),
		...definitions.filter(({ name }) => name === answering),
	];
	for (const definition of ordered) {
		// A list of a cluster leaves out the streams that have no leader at the moment.
		const known = existing.get(definition.name) ?? (await streamInfo(connection, definition.name));
		changes.push(await applyDefinition(connection, definition, known));
	}
	return { shards, replicas, changes };
}

async function applyDefinition(
	connection: Connection,
	definition: StreamDefinition,
	existing: StreamInfo | undefined,
): Promise<TopologyChange> {
	const { jsm } = connection;
	const { name } = definition;
	const wanted = definition as Partial<StreamConfig> & { name: string };
	if (!existing) {
		await orRefused(connection, definition, () => jsm.streams.add(wanted));
		return { name, change: 'created' };
	}
	// Room that was given is neither taken back nor grown by what the disk holds today.
	const differing = differences(definition, existing.config);
	if (differing.length === 0) return { name, change: 'unchanged' };
	const destructive = differing.filter((field) => (destructiveFields as readonly string[]).includes(field));
	if (destructive.length > 0) {
		throw new StewardError(
			'refused',
			`stream ${name} differs in ${destructive.join(', ')}, and changing that loses messages: back it up and remove it by hand, or keep the older release`,
			{ details: { stream: name, fields: destructive } },
		);
	}
	const { max_bytes } = definition.storage === 'file' ? existing.config : definition;
	await orRefused(connection, definition, () =>
		jsm.streams.update(name, { ...existing.config, ...wanted, max_bytes }),
	);
	return { name, change: 'updated' };
}

/** What the server says with one number and no detail, with the details. @throws StewardError `refused` */
async function orRefused(
	connection: Connection,
	definition: StreamDefinition,
	write: () => Promise<StreamInfo>,
): Promise<void> {
	try {
		await write();
	} catch (error) {
		if (isNoPlace(error)) throw noPlace(definition, error);
		if (!isNoRoom(error)) throw error;
		const { name, storage, max_bytes } = definition;
		const infos = await listStreams(connection);
		const given = infos
			.filter(({ config }) => config.storage === storage && config.name !== name)
			.reduce((sum, { config }) => sum + Math.max(0, config.max_bytes), 0);
		const setting = storage === 'file' ? 'max_file' : 'max_mem';
		throw new StewardError(
			'refused',
			`stream ${name} needs ${formatBytes(max_bytes)}, beside ${formatBytes(given)} of the broker's other streams, and its ` +
				`${setting} has no room for that: raise ${setting} in its config, or set up again with less (steward init --budget 4GiB)`,
			{ cause: error, details: { stream: name, neededBytes: max_bytes, givenBytes: given } },
		);
	}
}

function formatBytes(bytes: number): string {
	return bytes >= 2 ** 30 ? `${(bytes / 2 ** 30).toFixed(1)} GiB` : `${Math.ceil(bytes / 2 ** 20)} MiB`;
}

function differences(definition: StreamDefinition, config: StreamConfig): string[] {
	const actual: Record<string, unknown> = { ...config };
	return Object.entries(definition)
		.filter(([field, value]) => {
			if (field === 'metadata') return !metadataContains(config.metadata, definition.metadata);
			if (field === 'max_bytes' && definition.storage === 'file') return false;
			return JSON.stringify(actual[field] ?? zeroOf(value)) !== JSON.stringify(value);
		})
		.map(([field]) => field);
}

/** The server leaves out what is zero or false. */
function zeroOf(value: unknown): unknown {
	if (typeof value === 'boolean') return false;
	if (typeof value === 'number') return 0;
	return undefined;
}

function metadataContains(actual: Record<string, string> = {}, wanted: Record<string, string>): boolean {
	return Object.entries(wanted).every(([key, value]) => actual[key] === value);
}

function noPlace({ name, num_replicas }: StreamDefinition, cause: unknown): StewardError {
	return new StewardError(
		'refused',
		`the broker has no place for ${num_replicas} replicas of stream ${name} (${messageOf(cause)}): run a cluster of at least ` +
			`${num_replicas} servers (deploy/cluster), all of them up, or ask for fewer (--replicas 1)`,
		{ cause, details: { stream: name, replicas: num_replicas } },
	);
}

export type Topology = {
	readonly shards: number;
	/** Servers that hold each stream. */
	readonly replicas: number;
	/** The server's clock when it answered, milliseconds since the epoch. */
	readonly serverTime: number;
};

/**
 * What every client needs to know, read from the first commands stream; undefined where steward was never set up.
 * @throws StewardError `schema-newer` when a newer program set it up, `no-broker` when JetStream does not answer.
 */
export async function readTopology(connection: Connection): Promise<Topology | undefined> {
	let info: StreamInfo | undefined;
	try {
		info = await askLeader(() => streamInfo(connection, streams.commands(0)));
	} catch (error) {
		throw new StewardError(
			'no-broker',
			'the broker does not answer for JetStream: is it enabled there, and not restarting?',
			{
				cause: error,
			},
		);
	}
	if (!info) return undefined;
	const schema = Number(info.config.metadata?.[schemaKey] ?? 0);
	if (schema > schemaVersion) {
		throw new StewardError(
			'schema-newer',
			`the broker's streams have schema ${schema}, and this program knows ${schemaVersion}: install a newer steward`,
		);
	}
	const serverTime = Date.parse(info.ts ?? info.created);
	return {
		shards: Number(info.config.metadata?.[shardsKey] ?? 1),
		replicas: info.config.num_replicas,
		serverTime,
	};
}

/** As {@link readTopology}. @throws StewardError `no-topology` where steward was never set up. */
export async function requireTopology(connection: Connection): Promise<Topology> {
	const topology = await readTopology(connection);
	if (topology) return topology;
	throw new StewardError(
		'no-topology',
		'this broker holds no steward streams: run steward init, or steward up or steward central, which do it by themselves',
	);
}

export type StreamSummary = {
	name: string;
	messages: number;
	bytes: number;
	maxBytes: number;
	consumers: number;
	description: string;
};

/** All of steward's streams on the broker, by name. */
export async function summarizeStreams(connection: Connection): Promise<readonly StreamSummary[]> {
	return (await listStreams(connection))
		.filter(({ config }) => config.metadata?.[schemaKey] !== undefined)
		.map(({ config, state }) => ({
			name: config.name,
			messages: state.messages,
			bytes: state.bytes,
			maxBytes: config.max_bytes,
			consumers: state.consumer_count,
			description: config.description ?? '',
		}))
		.sort((a, b) => (a.name < b.name ? -1 : 1));
}

async function streamInfo({ jsm }: Connection, name: string): Promise<StreamInfo | undefined> {
	try {
		return await jsm.streams.info(name);
	} catch (error) {
		if (isStreamNotFound(error)) return undefined;
		throw error;
	}
}

async function listStreams({ jsm }: Connection): Promise<StreamInfo[]> {
	const infos: StreamInfo[] = [];
	for await (const info of jsm.streams.list()) infos.push(info);
	return infos;
}
