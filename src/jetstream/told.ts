/**
 * Owns hearing of reports at the moment at which the broker has stored them, without a consumer: their stream tells each on a subject
 * of its own. Promises nothing of what is stored while the link is away, or before the broker knows who listens: who must not miss
 * anything follows the stream as well. Keeps nothing.
 */

import { formatHandle, type Handle } from '../domain/names.ts';
import { importedApi, subjects } from '../domain/subject.ts';
import type { Connection } from './connection.ts';
import { apartFromReader } from './reach.ts';

/** Calls `onTold` with the handle of each of these that something is reported of; the answer ends it. */
export function hearReports(
	{ nc, api }: Connection,
	handles: readonly Handle[],
	onTold: (handle: string) => void,
): () => void {
	// Nobody outside of HUB hears it.
	if (api === importedApi || nc.isClosed()) return () => undefined;
	const subscriptions = handles.map((handle) =>
		nc.subscribe(subjects.toldReport(handle.node, handle.id), {
			// An error says that it may not be heard: credentials from before there was something to hear.
			callback: (error) => {
				if (!error) apartFromReader(() => onTold(formatHandle(handle)));
			},
		}),
	);
	return () => {
		for (const subscription of subscriptions) subscription.unsubscribe();
	};
}
