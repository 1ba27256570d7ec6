/**
 * Owns bringing a broker to what the stream definitions say, and reading what it was set up with.
 * Promises that applying twice changes nothing, that a destructive change is refused, and that a schema newer than
 * this program is left alone. A crash in the middle is healed by the next centre that starts.
 */

import type { StreamConfig, StreamInfo } from '@nats-io/jetstream';
import { messageOf, StewardError } from '../base/errors.ts';
import { counted } from '../base/text.ts';
import { streams } from '../domain/subject.ts';
import { askLeader } from './ask-again.ts';
import type { Connection } from './connection.ts';
import { loadDefinitions, type StreamDefinition } from './definitions.ts';
import { isNoPlace, isNoRoom, isNotAllowed, isStreamNotFound, noAnswer, notAllowed } from './errors.ts';
import { changesOf, type FieldChange } from './stream-changes.ts';

/** Schema of streams and messages that this program writes and reads. */
export const schemaVersion = 1;

const schemaKey = 'steward.schema';
const shardsKey = 'steward.shards';

export type TopologyChange = { readonly name: string; readonly change: 'created' | 'updated' | 'unchanged' };

export type TopologyOptions = {
	/** Folder of the stream definitions. */
	readonly dir: string;
	readonly shards?: number | undefined;
	readonly replicas?: number | undefined;
	readonly budgetBytes?: number | undefined;
	/** Streams that are there get the room of their definitions as well. */
	readonly sizes?: boolean;
};

type StreamPlan = {
	readonly definition: StreamDefinition;
	readonly existing: StreamInfo | undefined;
	readonly changes: readonly FieldChange[];
};

export type TopologyPlan = {
	readonly shards: number;
	readonly replicas: number;
	/** Schema that the broker's streams have, null on a new one, and the one that this program writes. */
	readonly schema: { readonly stored: number | null; readonly known: number };
	readonly streams: readonly StreamPlan[];
	/** Streams of steward that no definition of this release names; they are left alone. */
	readonly unknown: readonly string[];
};

/**
 * What would have to be done. `shards` or `replicas` undefined keeps what the broker has, 1 on a new one.
 * @throws StewardError `schema-newer`; `refused` for another count of shards
 */
export async function planTopology(connection: Connection, options: TopologyOptions): Promise<TopologyPlan> {
	const stored = await readTopology(connection);
	if (stored && options.shards !== undefined && options.shards !== stored.shards) {
		throw new StewardError(
			'refused',
			`this broker holds ${counted(stored.shards, 'shard')}, and another count means a new cluster: leave --shards out, or set up another data folder`,
		);
	}
	const shards = stored?.shards ?? options.shards ?? 1;
	const replicas = options.replicas ?? stored?.replicas ?? 1;
	const { dir, budgetBytes, sizes = false } = options;
	const definitions = await loadDefinitions(dir, shards, {
		replicas,
		...(budgetBytes !== undefined && { budgetBytes }),
	});
	const existing = new Map((await listStreams(connection)).map((info) => [info.config.name, info]));
	// The stream that answers for the whole topology comes last: a set-up that was cut off does not look complete.
	const answering = streams.commands(0);
	const ordered = [
		...definitions.filter(({ name }) => name !== answering),
		...definitions.filter(({ name }) => name === answering),
	];
	const planned: StreamPlan[] = [];
	for (const definition of ordered) {
		// A list of a cluster leaves out the streams that have no leader at the moment.
		const known = existing.get(definition.name) ?? (await streamInfo(connection, definition.name));
		const changes = known ? changesOf(definition, known, sizes) : [];
		planned.push({ definition, existing: known, changes });
	}
	const named = new Set(definitions.map(({ name }) => name));
	const unknown = [...existing.values()]
		.filter(({ config }) => isOfSteward(config) && !named.has(config.name))
		.map(({ config }) => config.name);
	const schema = { stored: stored?.schema ?? null, known: schemaVersion };
	return { shards, replicas, schema, streams: planned, unknown: unknown.sort() };
}

/**
 * Brings the broker to the definitions; `allowDestructive` also where that loses something.
 * @throws StewardError as {@link planTopology}; `refused` for a destructive change, too little room, or more replicas than
 * there are servers. What was done before a refusal by the server stays done.
 */
export async function applyTopology(
	connection: Connection,
	{ allowDestructive = false, ...options }: TopologyOptions & { allowDestructive?: boolean },
): Promise<{ shards: number; replicas: number; changes: readonly TopologyChange[] }> {
	const plan = await planTopology(connection, options);
	for (const { definition, changes } of plan.streams) {
		const losing = changes.filter((change) => change.destructive !== null);
		if (losing.length > 0 && !allowDestructive) throw destructive(definition.name, losing);
	}
	const changes: TopologyChange[] = [];
	for (const stream of plan.streams) changes.push(await applyStream(connection, stream, options.sizes));
	return { shards: plan.shards, replicas: plan.replicas, changes };
}

async function applyStream(
	connection: Connection,
	{ definition, existing, changes }: StreamPlan,
	sizes = false,
): Promise<TopologyChange> {
	const { jsm } = connection;
	const { name } = definition;
	const wanted = definition as Partial<StreamConfig> & { name: string };
	if (!existing) {
		await orRefused(connection, definition, () => jsm.streams.add(wanted));
		return { name, change: 'created' };
	}
	if (changes.length === 0) return { name, change: 'unchanged' };
	// Room that was given is neither taken back nor grown by what the disk holds today.
	const keepsRoom = definition.storage === 'file' && !sizes;
	const { max_bytes } = keepsRoom ? existing.config : definition;
	const metadata = { ...existing.config.metadata, ...definition.metadata };
	await orRefused(connection, definition, () =>
		jsm.streams.update(name, { ...existing.config, ...wanted, max_bytes, metadata }),
	);
	return { name, change: 'updated' };
}

function destructive(name: string, changes: readonly FieldChange[]): StewardError {
	const fields = changes.map(({ field }) => field);
	return new StewardError(
		'refused',
		`stream ${name} differs in ${fields.join(', ')}, and changing that loses something: see steward streams plan, make a ` +
			'backup (steward backup), then steward streams apply --allow-destructive, or keep the older release',
		{ details: { stream: name, fields } },
	);
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
		throw await refusalOf(connection, definition, error);
	}
}

type Sized = Pick<StreamDefinition, 'name' | 'storage' | 'max_bytes' | 'num_replicas'>;

/** What the server's refusal of a stream means, where it is known; else the error itself. */
export async function refusalOf(connection: Connection, definition: Sized, error: unknown): Promise<unknown> {
	if (isNoPlace(error)) return noPlace(definition, error);
	if (!isNoRoom(error)) return error;
	const { name, storage, max_bytes } = definition;
	const infos = await listStreams(connection);
	const given = infos
		.filter(({ config }) => config.storage === storage && config.name !== name)
		.reduce((sum, { config }) => sum + Math.max(0, config.max_bytes), 0);
	const setting = storage === 'file' ? 'max_file' : 'max_mem';
	return new StewardError(
		'refused',
		`stream ${name} needs ${formatBytes(max_bytes)}, beside ${formatBytes(given)} of the broker's other streams, and its ` +
			`${setting} has no room for that: raise ${setting} in its config, or set up again with less (steward init --budget 4GiB)`,
		{ cause: error, details: { stream: name, neededBytes: max_bytes, givenBytes: given } },
	);
}

function formatBytes(bytes: number): string {
	return bytes >= 2 ** 30 ? `${(bytes / 2 ** 30).toFixed(1)} GiB` : `${Math.ceil(bytes / 2 ** 20)} MiB`;
}

function noPlace({ name, num_replicas }: Sized, cause: unknown): StewardError {
	return new StewardError(
		'refused',
		`the broker has no place for ${num_replicas} replicas of stream ${name} (${messageOf(cause)}): run a cluster of at least ` +
			`${num_replicas} servers (deploy/cluster), all of them up, or ask for fewer (--replicas 1)`,
		{ cause, details: { stream: name, replicas: num_replicas } },
	);
}

/** Made by steward, of whatever version. */
export function isOfSteward({ name, metadata }: StreamConfig): boolean {
	return metadata?.[schemaKey] !== undefined || name === streams.commands(0);
}

export type Topology = {
	readonly schema: number;
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
		if (isNotAllowed(error)) throw notAllowed(error);
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
	checkSchema(schema);
	const serverTime = Date.parse(info.ts ?? info.created);
	return {
		schema,
		shards: Number(info.config.metadata?.[shardsKey] ?? 1),
		replicas: info.config.num_replicas,
		serverTime,
	};
}

/** @throws StewardError `schema-newer` */
export function checkSchema(schema: number): void {
	if (schema <= schemaVersion) return;
	throw new StewardError(
		'schema-newer',
		`the broker's streams have schema ${schema}, and this program knows ${schemaVersion}: install a newer steward`,
	);
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
	const infos = await listStreams(connection).catch((error) => {
		throw noAnswer('its streams', error);
	});
	return infos
		.filter(({ config }) => isOfSteward(config))
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

export async function listStreams({ jsm }: Connection): Promise<StreamInfo[]> {
	const infos: StreamInfo[] = [];
	for await (const info of jsm.streams.list()) infos.push(info);
	return infos;
}
