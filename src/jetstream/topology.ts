/**
 * Owns the topology as data: the files under `streams/`, and bringing a broker to what they say.
 * Promises that applying twice changes nothing, that a destructive change is refused, and that a schema newer than
 * this program is left alone. A crash in the middle is healed by the next centre that starts.
 */

import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { StreamConfig, StreamInfo } from '@nats-io/jetstream';
import { z } from 'zod';
import { StewardError } from '../base/errors.ts';
import { streams } from '../domain/subject.ts';
import type { Connection } from './connection.ts';
import { isNoRoom, isStreamNotFound } from './errors.ts';

/** Schema of streams and messages that this program writes and reads. */
const schemaVersion = 1;

const schemaKey = 'steward.schema';
const shardsKey = 'steward.shards';

/** One definition, in the server's own config format. */
const definitionSchema = z.looseObject({
	name: z.string(),
	description: z.string(),
	subjects: z.array(z.string()).min(1),
	max_bytes: z.number().int().positive(),
	storage: z.enum(['file', 'memory']),
	metadata: z.record(z.string(), z.string()),
});
export type StreamDefinition = z.infer<typeof definitionSchema>;

/** Changing one of these on a stream that holds messages loses some, or is refused by the server. */
const destructiveFields = [
	'storage',
	'retention',
	'subjects',
	'max_age',
	'max_msgs_per_subject',
	'discard',
] as const;

/**
 * Reads the definitions, with shards filled in: the commands' file stands for one stream a shard.
 * `budgetBytes` scales all `max_bytes` on file down, so that the streams together fit onto the disk.
 * @throws StewardError `invalid` naming the file.
 */
export async function loadDefinitions(
	dir: string,
	shards: number,
	budgetBytes = Number.POSITIVE_INFINITY,
): Promise<readonly StreamDefinition[]> {
	const files = (await readdir(dir)).filter((file) => file.endsWith('.json')).sort();
	const texts = await Promise.all(
		files.map(async (file) => ({ file, text: await readFile(join(dir, file), 'utf8') })),
	);
	const definitions = texts.flatMap(({ file, text }) =>
		text.includes('<shard>')
			? Array.from({ length: shards }, (_, shard) => parseDefinition(file, fill(text, shard, shards), shards))
			: [parseDefinition(file, text, 1)],
	);
	const onFile = definitions.filter(({ storage }) => storage === 'file');
	const total = onFile.reduce((sum, { max_bytes }) => sum + max_bytes, 0);
	const scale = Math.min(1, budgetBytes / total);
	return definitions.map((definition) =>
		definition.storage === 'file'
			? { ...definition, max_bytes: Math.floor(definition.max_bytes * scale) }
			: definition,
	);
}

function fill(text: string, shard: number, shards: number): string {
	return text.replaceAll('<shard>', String(shard)).replaceAll('<shards>', String(shards));
}

function parseDefinition(file: string, text: string, parts: number): StreamDefinition {
	try {
		const definition = definitionSchema.parse(JSON.parse(text));
		return { ...definition, max_bytes: Math.floor(definition.max_bytes / parts) };
	} catch (error) {
		throw new StewardError(
			'invalid',
			`streams/${file} is no stream definition: restore it from the release`,
			{
				cause: error,
			},
		);
	}
}

export type TopologyChange = { readonly name: string; readonly change: 'created' | 'updated' | 'unchanged' };

/**
 * Brings the broker to the definitions. `shards` undefined keeps what the broker has, 1 on a new one.
 * @throws StewardError `schema-newer`; `refused` for another count of shards, a destructive change, or too little room.
 */
export async function applyTopology(
	connection: Connection,
	options: { dir: string; shards?: number | undefined; budgetBytes?: number | undefined },
): Promise<{ shards: number; changes: readonly TopologyChange[] }> {
	const stored = await readTopology(connection);
	if (stored && options.shards !== undefined && options.shards !== stored.shards) {
		throw new StewardError(
			'refused',
			`this broker holds ${stored.shards} shard(s), and another count means a new cluster: leave --shards out, or set up another data folder`,
		);
	}
	const shards = stored?.shards ?? options.shards ?? 1;
	const definitions = await loadDefinitions(options.dir, shards, options.budgetBytes);
	const existing = new Map((await listStreams(connection)).map((info) => [info.config.name, info]));
	const changes: TopologyChange[] = [];
	// The stream that answers for the whole topology comes last: a set-up that was cut off does not look complete.
	const answering = streams.commands(0);
	const ordered = [
		...definitions.filter(({ name }) => name !== answering),
		...definitions.filter(({ name }) => name === answering),
	];
	for (const definition of ordered) {
		changes.push(await applyDefinition(connection, definition, existing.get(definition.name)));
	}
	return { shards, changes };
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
		await orNoRoom(connection, definition, () => jsm.streams.add(wanted));
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
	await orNoRoom(connection, definition, () =>
		jsm.streams.update(name, { ...existing.config, ...wanted, max_bytes }),
	);
	return { name, change: 'updated' };
}

/** What the server says with one number and no detail, with the details. @throws StewardError `storage` */
async function orNoRoom(
	connection: Connection,
	definition: StreamDefinition,
	write: () => Promise<StreamInfo>,
): Promise<void> {
	try {
		await write();
	} catch (error) {
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

export type Topology = {
	readonly shards: number;
	/** The server's clock when it answered, milliseconds since the epoch. */
	readonly serverTime: number;
};

/**
 * What every client needs to know, read from the first commands stream; undefined where steward was never set up.
 * @throws StewardError `schema-newer` when a newer program set it up, `no-broker` when JetStream does not answer.
 */
export async function readTopology({ jsm }: Connection): Promise<Topology | undefined> {
	let info: StreamInfo;
	try {
		info = await jsm.streams.info(streams.commands(0));
	} catch (error) {
		if (isStreamNotFound(error)) return undefined;
		throw new StewardError(
			'no-broker',
			'the broker does not answer for JetStream: is it enabled there, and not restarting?',
			{
				cause: error,
			},
		);
	}
	const schema = Number(info.config.metadata?.[schemaKey] ?? 0);
	if (schema > schemaVersion) {
		throw new StewardError(
			'schema-newer',
			`the broker's streams have schema ${schema}, and this program knows ${schemaVersion}: install a newer steward`,
		);
	}
	const serverTime = Date.parse(info.ts ?? info.created);
	return { shards: Number(info.config.metadata?.[shardsKey] ?? 1), serverTime };
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

async function listStreams({ jsm }: Connection): Promise<StreamInfo[]> {
	const infos: StreamInfo[] = [];
	for await (const info of jsm.streams.list()) infos.push(info);
	return infos;
}
