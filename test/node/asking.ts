/**
 * Owns how the tests of a node send and wait.
 * Promises the views of settled commands in the order asked, also while the broker is just coming back.
 * Holds nothing.
 */

import type { Fleet } from '../../src/client/fleet.ts';
import type { MessageForm } from '../../src/domain/message.ts';
import type { CommandView } from '../../src/domain/view.ts';
import { eventually, longestWaitMs } from '../support/eventually.ts';

/** A command for ship1. */
export function command(id: string, data: MessageForm['data'], more: Partial<MessageForm> = {}): MessageForm {
	return { toNode: 'ship1', kind: 'command', method: 'shellCommand', id, data: data ?? null, ...more };
}

/** An event for ship1. */
export function event(
	method: string,
	data: MessageForm['data'],
	more: Partial<MessageForm> = {},
): MessageForm {
	return { toNode: 'ship1', kind: 'event', method, data: data ?? null, ...more };
}

export function settled(
	fleet: Fleet,
	ids: readonly string[],
	timeoutMs = 2 * longestWaitMs,
): Promise<CommandView[]> {
	const handles = ids.map((id) => `ship1.${id}`);
	return eventually(() => fleet.wait(handles, { timeoutMs }), { timeoutMs, message: `${ids} settled` });
}

/** `<state> <attempt>` of each. */
export function ends(views: readonly CommandView[]): string[] {
	return views.map(({ state, attempt }) => `${state} ${attempt}`);
}
