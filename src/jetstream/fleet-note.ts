/**
 * Owns the note from which a node learns into how many shards commands are spread, where it may not ask about streams: their
 * information would tell it what waits for others.
 * Promises that the note is there once the topology is, and that only the centre's side can write it: no node has its name.
 * A note that was lost is written again by the next centre that starts.
 */

import { z } from 'zod';
import { importedApi, streams, subjects } from '../domain/subject.ts';
import { decode } from '../domain/wire.ts';
import type { Connection } from './connection.ts';
import { getFromLeader, getLast } from './direct-get.ts';
import { Publisher } from './publisher.ts';
import { checkSchema, readTopology, schemaVersion } from './topology.ts';

const noteSchema = z.object({ schema: z.number(), shards: z.number().int().min(1) });

/** Writes it, unless it says so already. @throws PublishError, StewardError `no-broker` */
export async function writeFleetNote(connection: Connection, shards: number): Promise<void> {
	const subject = subjects.fleetNote;
	const data = JSON.stringify({ schema: schemaVersion, shards });
	const stored = await getFromLeader(connection, streams.state, { last_by_subj: subject });
	if (stored && new TextDecoder().decode(stored.data) === data) return;
	await new Publisher(connection, { stream: streams.state, mayLookUp: true }).publish({ subject, data });
}

/**
 * Into how many shards commands are spread; undefined where steward was never set up.
 * @throws StewardError `schema-newer`, `no-broker`
 */
export async function readShards(connection: Connection): Promise<number | undefined> {
	if (connection.api !== importedApi) return (await readTopology(connection))?.shards;
	const stored = await getLast(connection, streams.state, subjects.fleetNote);
	const note = stored && decode(noteSchema, stored.data);
	if (note) checkSchema(note.schema);
	return note?.shards;
}
