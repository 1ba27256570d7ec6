/**
 * Owns the shapes of the JSON contract about keeping a broker: what its streams differ in, and what a backup holds.
 * Promises that the file in a backup and what `--json` prints of it are one shape.
 * Pure.
 */

import { z } from 'zod';
import { time } from './view-time.ts';

const fieldChange = z.object({
	field: z.string().describe("in the server's own words"),
	sign: z.enum(['+', '~', '-']),
	from: z.unknown(),
	to: z.unknown(),
	destructive: z.string().nullable().describe('what is lost by it; null where nothing is'),
});

const streamsPlan = z.object({
	shards: z.number().int().min(1),
	replicas: z.number().int().min(1),
	schema: z.object({
		stored: z.number().int().nullable().describe('null on a broker that was never set up'),
		known: z.number().int(),
	}),
	differs: z.boolean(),
	destructive: z.boolean().describe('something would be lost'),
	streams: z.array(
		z.object({
			name: z.string(),
			change: z.enum(['create', 'update', 'none']),
			fields: z.array(fieldChange),
		}),
	),
	unknown: z.array(z.string()).describe('streams of steward that this release does not name; left alone'),
});

/** What the server says a stream holds. */
const held = z.object({
	messages: z.number().int().min(0),
	bytes: z.number().int().min(0),
	firstSeq: z.number().int().min(0),
	lastSeq: z.number().int().min(0),
});
export type Held = z.infer<typeof held>;

const savedFile = z.object({
	file: z.string(),
	fileBytes: z.number().int().min(0),
	sha256: z.string().regex(/^[0-9a-f]{64}$/),
});
export type SavedFile = z.infer<typeof savedFile>;

const savedStream = z.object({
	name: z.string(),
	...savedFile.shape,
	tail: savedFile
		.nullable()
		.describe('what came while it was copied, where that may have replaced something'),
	/** In the server's format. */
	config: z.looseObject({
		name: z.string(),
		storage: z.enum(['file', 'memory']),
		max_bytes: z.number(),
		num_replicas: z.number().int().min(1),
	}),
	createdAt: z.string().describe('when the stream was made, as the server says it'),
	before: held.describe('when its copying began'),
	after: held.describe('when it had ended'),
	quiet: z.boolean().describe('nothing changed while it was copied: the numbers are exact'),
});
export type SavedStream = z.infer<typeof savedStream>;

/** `manifest.json` of a backup. */
export const backupManifest = z.object({
	format: z.literal(1),
	steward: z.string().describe('version that made it'),
	server: z.string().describe('version of nats-server'),
	schema: z.number().int(),
	shards: z.number().int().min(1),
	startedAt: time,
	endedAt: time,
	streams: z.array(savedStream).describe('in the order in which they were copied'),
	left: z.array(z.string()).describe('streams that are left out, because they are of the moment only'),
});
export type BackupManifest = z.infer<typeof backupManifest>;

const restored = z.object({
	streams: z.array(
		z.object({ name: z.string(), ...held.shape, aged: z.number().int().min(0).describe('too old by now') }),
	),
	replaced: z.array(z.string()),
});
export type Restored = z.infer<typeof restored>;

export const keepingViewSchemas = { streamsPlan, backup: backupManifest, restored } as const;
export type StreamsPlanView = z.infer<typeof streamsPlan>;
