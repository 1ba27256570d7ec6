/**
 * Owns which commands a list has: those of the index that all filters fit, newest first, from a cursor on.
 * Promises that a list which is asked for page after page gives each command once, also while others come and go.
 * Soft state: made from what the index tells.
 */

import { formatHandle } from '../domain/names.ts';
import type { Question } from '../domain/questions.ts';
import type { StoredCommand } from '../jetstream/stored-command.ts';
import { CommandOrder, type Place } from './command-order.ts';
import type { CentreIndex } from './index.ts';
import { type IndexedCommand, isWaiting, stateOf } from './index-listeners.ts';

/** `stored`: it waits, and the ledger does not know it. */
export type ListedCommand = Place & { readonly stored: StoredCommand | undefined };
type Filter = Omit<Question<'commands'>, 'limit' | 'cursor'> & {
	/** Without wishes to nodes, on their control lane. */
	readonly isWithoutWishes?: boolean;
};

export class CommandList {
	readonly #order: CommandOrder<IndexedCommand>;

	constructor(index: Pick<CentreIndex, 'listen' | 'known'>) {
		this.#order = new CommandOrder((handle) => {
			const value = index.known(handle);
			return value && { queuedAt: queuedAtOf(value), value };
		});
		index.listen({
			command: (handle, before, after) =>
				this.#order.move(handle, before && queuedAtOf(before), after && queuedAtOf(after)),
			taken: () => undefined,
			reset: () => undefined,
		});
	}

	/** At most `limit`. */
	select(filter: Filter, limit: number, cursor?: string): ListedCommand[] {
		const found: ListedCommand[] = [];
		const isWanted = wanted(filter);
		const after = cursor === undefined ? undefined : placeOf(cursor);
		const prefix = filter.node === undefined ? '' : `${filter.node}.`;
		const places = this.#order.newestFirst(after, (handle) => handle.startsWith(prefix));
		for (const { handle, queuedAt, value: command } of places) {
			if (filter.since !== undefined && queuedAt < filter.since) break;
			if (!isWanted(handle, command)) continue;
			found.push({ handle, queuedAt, stored: isWaiting(command) ? command : undefined });
			if (found.length === limit) break;
		}
		return found;
	}
}

/** Where the next page begins after this one. */
export function cursorOf({ handle, queuedAt }: Place): string {
	return `${queuedAt} ${handle}`;
}

function placeOf(cursor: string): Place {
	const space = cursor.indexOf(' ');
	return { queuedAt: Number(cursor.slice(0, space)) || 0, handle: cursor.slice(space + 1) };
}

export function toListed(stored: StoredCommand): ListedCommand {
	return { handle: formatHandle(stored), queuedAt: stored.facts.queuedAt, stored };
}

function queuedAtOf(command: IndexedCommand): number {
	return isWaiting(command) ? command.facts.queuedAt : command.queuedAt;
}

function scheduleOf(command: IndexedCommand): string | null {
	if (!isWaiting(command)) return command.schedule;
	return command.lane === 'control' ? null : (command.facts.schedule?.name ?? null);
}

function wanted({ method, states, schedule, search, isWithoutWishes }: Filter) {
	const piece = search === undefined ? undefined : new RegExp(literal(search), 'i');
	return (handle: string, command: IndexedCommand): boolean => {
		if (method !== undefined && command.method !== method) return false;
		if (states && !states.includes(stateOf(command))) return false;
		if (schedule !== undefined && scheduleOf(command) !== schedule) return false;
		if (isWithoutWishes && command.lane === 'control') return false;
		return piece === undefined || piece.test(handle) || piece.test(command.method);
	};
}

/** The text itself, as a pattern: nothing of it steers. */
function literal(text: string): string {
	return text.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&');
}
