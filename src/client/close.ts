/**
 * Owns closing commands that nobody has started: called off, expired, superseded.
 * Promises that what it calls closed certainly never starts, and that the claim brings the envelope along.
 * A crash after the claim is resumed by the projector, which reads it.
 */

import { isLater } from '../domain/delay.ts';
import type { CentreClaim } from '../domain/wire.ts';
import type { Claims } from '../jetstream/claims.ts';
import type { Commands } from '../jetstream/commands.ts';
import type { StoredCommand } from '../jetstream/stored-command.ts';

export type Closing = {
	readonly claims: Pick<Claims, 'write'>;
	/** The command's body, for the claim's copy; null when it is gone. */
	readonly readMessage: (command: Parameters<Commands['body']>[0]) => Promise<string | null>;
	readonly serverNow: () => number;
};

/**
 * True where it is closed by this; false where its node, or somebody else, was first, or where it is to be looked for again.
 * @throws PublishError while neither can be known
 */
export async function closeCommand(
	{ claims, readMessage, serverNow }: Closing,
	command: StoredCommand,
	why: Pick<CentreClaim, 'event' | 'reason' | 'actor'>,
): Promise<boolean> {
	const at = serverNow();
	const { facts } = command;
	const envelope = await readMessage({ ...command, seq: facts.seq });
	// Its time has come while we looked: it is on its lane now, and a claim has a copy of that one.
	if (envelope === null && isLater(facts)) return false;
	const claim: CentreClaim = { v: 1, by: 'centre', ...why, at, facts, envelope };
	return (await claims.write(command, claim)) === claim;
}
