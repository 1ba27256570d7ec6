/**
 * Owns handing changes to a reader who may be slow: of each thing the latest, in the order in which they changed first.
 * Promises that nothing grows beyond one change for each thing, and that it ends with the signal or the connection.
 * Keeps only what was not read yet.
 */

import type { Connection } from '../jetstream/connection.ts';
import type { Following } from '../jetstream/follow.ts';

/** `begin` follows what changes, and pushes each change under the name of the thing. */
export async function* latestChanges<Change>(
	{ nc }: Pick<Connection, 'nc'>,
	signal: AbortSignal | undefined,
	begin: (push: (name: string, change: Change) => void) => Promise<readonly Following[]>,
): AsyncGenerator<Change> {
	const changed = new Map<string, Change>();
	let wake: () => void = () => undefined;
	const isOver = () => signal?.aborted === true || nc.isClosed();
	const stop = () => wake();
	signal?.addEventListener('abort', stop);
	void nc.closed().then(stop);
	const followings = await begin((name, change) => {
		changed.set(name, change);
		wake();
	});
	try {
		while (!isOver()) {
			const changes = [...changed.values()];
			changed.clear();
			yield* changes;
			if (changed.size > 0 || isOver()) continue;
			await new Promise<void>((resolve) => {
				wake = resolve;
			});
		}
	} finally {
		signal?.removeEventListener('abort', stop);
		await Promise.all(followings.map((following) => following.stop()));
	}
}
