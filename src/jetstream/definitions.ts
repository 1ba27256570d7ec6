/**
 * Owns the stream definitions: the files under `streams/`, and what is filled into them.
 * Promises that shards together have the room that their one file names, and that all streams fit into what is given.
 * Only reads.
 */

import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { StewardError } from '../base/errors.ts';

/** One definition, in the server's own config format. */
const definitionSchema = z.looseObject({
	name: z.string(),
	description: z.string(),
	subjects: z.array(z.string()).min(1),
	max_bytes: z.number().int().positive(),
	storage: z.enum(['file', 'memory']),
	num_replicas: z.number().int().min(1),
	metadata: z.record(z.string(), z.string()),
});
export type StreamDefinition = z.infer<typeof definitionSchema>;

/**
 * Reads the definitions, with shards filled in: the commands' file stands for one stream a shard.
 * `budgetBytes` scales all `max_bytes` on file down, so that the streams together fit onto the disk; `replicas` is how many
 * servers of a cluster hold each stream.
 * @throws StewardError `invalid` naming the file.
 */
export async function loadDefinitions(
	dir: string,
	shards: number,
	{ budgetBytes = Number.POSITIVE_INFINITY, replicas = 1 }: { budgetBytes?: number; replicas?: number } = {},
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
	return definitions.map((definition) => ({
		...definition,
		num_replicas: replicas,
		max_bytes: Math.floor(definition.max_bytes * (definition.storage === 'file' ? scale : 1)),
	}));
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
