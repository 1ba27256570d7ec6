/**
 * Owns what becomes of a tick while a command of its schedule is still open on the node.
 * Promises that a tick which was fired before, by whoever came to its end or died, is fired again (and found to be known), so that
 * it counts once; and that of those that come due together only one waits, where one may wait.
 * Pure.
 */

import { formatHandle } from '../domain/names.ts';
import type { Overlap } from '../domain/schedule.ts';
import { tickId } from '../domain/ticks.ts';
import type { StoredCommand } from '../jetstream/stored-command.ts';

export type Overlapping = {
	readonly name: string;
	readonly node: string;
	readonly overlap: Overlap;
	/** Ticks that would fire, in order. */
	readonly fire: readonly number[];
	/** Commands of the schedule on this node that are on their stream. */
	readonly open: readonly StoredCommand[];
	/** Whether the ledger knows the command: it was started or has ended. */
	readonly isInLedger: (handle: string) => boolean;
};

/** What fires, and the commands that it takes the place of: those that nobody has started. */
export type Resolved = { readonly fire: readonly number[]; readonly replaced: readonly StoredCommand[] };

export function resolveOverlap(overlapping: Overlapping): Resolved {
	const { name, node, overlap, fire, open, isInLedger } = overlapping;
	if (fire.length <= 1 && open.length === 0) return { fire, replaced: [] };
	const idOf = (tick: number) => tickId(name, node, tick);
	const isOpen = (tick: number) => open.some(({ id }) => id === idOf(tick));
	const isKnown = (tick: number) => isOpen(tick) || isInLedger(formatHandle({ node, id: idOf(tick) }));
	switch (overlap) {
		case 'allow':
			return { fire, replaced: [] };
		case 'skip': {
			const own = new Set(fire.map(idOf));
			let isTaken = open.some(({ id }) => !own.has(id));
			const fired = fire.filter((tick) => {
				if (!isKnown(tick) && isTaken) return false;
				isTaken ||= isOpen(tick) || !isKnown(tick);
				return true;
			});
			return { fire: fired, replaced: [] };
		}
		case 'replace': {
			const last = fire.at(-1);
			if (last === undefined) return { fire, replaced: [] };
			const isReplaced = (command: StoredCommand) =>
				command.id !== idOf(last) && !isInLedger(formatHandle(command));
			return {
				fire: fire.filter((tick) => tick === last || isKnown(tick)),
				replaced: open.filter(isReplaced),
			};
		}
	}
}
