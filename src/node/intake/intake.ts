/**
 * Owns the port through which every way in on a node (inmsg.txt, the unix socket, its methods) hands over messages.
 * Promises that what was accepted is on disk, together with how far its source has been read.
 * A crash before `accept` resolves leaves the source as it was; after it, the same source position is known as done.
 */

import type { Message } from '../../domain/message.ts';

/** A checked message and the id that it keeps on every repeat. */
export type IntakeItem = { readonly message: Message; readonly id: string };

export type Accepted = { readonly id: string; readonly nodes: readonly string[] };

export type Intake = {
	/**
	 * Puts the messages into the outbox, all or none, and with them (in the same transaction) the progress of their source;
	 * `value` null removes it. Resolves after the fsync.
	 * @throws StewardError `refused` when a message is larger than the broker takes, or the outbox is full; `storage` when the disk fails.
	 */
	accept(
		items: readonly IntakeItem[],
		progress?: { key: string; value: string | null },
	): Promise<readonly Accepted[]>;
	/** The progress that was stored under `key`, or undefined. */
	progress(key: string): string | undefined;
};
