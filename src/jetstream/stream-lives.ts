/**
 * Owns which stream a sequence belongs to, where one of the same name was restored from a backup: ids are derived from
 * sequences, and what a backup brought keeps the ids that it had. Promises that a sequence given after a restore is told from
 * the same number given before it, by the streams' times of birth. Kept in the stream's metadata, so it lives as long as the stream.
 */

import type { StreamInfo } from '@nats-io/jetstream';
import { z } from 'zod';

const livesKey = 'steward.lives';

/** Last sequence that came from an earlier stream, and when that was made; ascending. */
const livesSchema = z.array(z.tuple([z.number(), z.string()]));
type Lives = z.infer<typeof livesSchema>;

type Metadata = Readonly<Record<string, string>> | undefined;

/** When the stream was made that gave out this sequence. */
export function lifeOf({ created, config }: Pick<StreamInfo, 'created' | 'config'>, seq: number): string {
	return livesIn(config.metadata).find(([upTo]) => seq <= upTo)?.[1] ?? created;
}

/** The metadata of a stream that is restored: up to `upTo` its sequences are of the one made at `createdAt`. */
export function withLife(metadata: Metadata, createdAt: string, upTo: number): Record<string, string> {
	const earlier = livesIn(metadata).filter(([last]) => last < upTo);
	return { ...metadata, [livesKey]: JSON.stringify([...earlier, [upTo, createdAt]] satisfies Lives) };
}

function livesIn(metadata: Metadata): Lives {
	try {
		return livesSchema.parse(JSON.parse(metadata?.[livesKey] ?? '[]'));
	} catch {
		// Somebody else's: then the stream is what the server says.
		return [];
	}
}
