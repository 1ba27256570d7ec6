/**
 * Owns whether what is about to be sent again is what was sent: its sender's signature, of a key that the fleet trusts.
 * Promises that nobody's key signs, unread, what the broker made of another's message. Where nothing is signed here, nothing is asked.
 * Keeps nothing.
 */

import { StewardError } from '../base/errors.ts';
import type { Envelope } from '../domain/envelope.ts';
import { formatHandle, type Handle } from '../domain/names.ts';
import { signedContent } from '../security/signature.ts';
import type { FleetParts } from './parts.ts';

/** @throws StewardError `refused` */
export async function assertOriginal(
	{ access }: FleetParts,
	handle: Handle,
	envelope: Envelope,
): Promise<void> {
	if (!access) return;
	const problem = await problemOf(access, handle, envelope);
	if (problem === undefined) return;
	throw new StewardError(
		'refused',
		`what the broker keeps of ${formatHandle(handle)} ${problem}: it would be signed anew with your key; read it (steward show --json), and send it anew if it is what you want`,
	);
}

async function problemOf(
	access: NonNullable<FleetParts['access']>,
	{ node, id }: Handle,
	{ signed, ...message }: Envelope,
): Promise<string | undefined> {
	if (message.node !== node || message.id !== id) return `is ${message.node}.${message.id}`;
	if (!signed) return 'is not signed';
	if (!signedContent({ ...message, signed })) return 'is not what was signed';
	if (await access.trusts(signed.key)) return undefined;
	return 'is signed by a key that no trust list names (steward trust publish, where the keys of the fleet are)';
}
