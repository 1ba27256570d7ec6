/**
 * Owns what a reader of the live stream wants to hear of.
 * Promises that what stops fitting a filter by its state is told once more, so that nobody's list keeps what has gone on.
 * Pure.
 */

import { matchesLabels } from '../../domain/node-state.ts';
import { type CommandState, transitions } from '../../domain/state.ts';

export const topics = ['commands', 'nodes', 'schedules', 'totals', 'dead'] as const;
type Topic = (typeof topics)[number];

export type FilterForm = {
	readonly topics?: readonly Topic[] | undefined;
	readonly node?: readonly string[] | undefined;
	readonly method?: string | undefined;
	readonly state?: readonly CommandState[] | undefined;
	readonly where?: Readonly<Record<string, string>> | undefined;
};

export type Filter = {
	/** The same for filters that mean the same. */
	readonly key: string;
	has(topic: Topic): boolean;
	node(name: string, labels: Readonly<Record<string, string>> | undefined): boolean;
	/** Its labels do not fit, and only they. */
	isGone(name: string, labels: Readonly<Record<string, string>> | undefined): boolean;
	command(one: { readonly method: string; readonly state: CommandState }): boolean;
};

export function filterOf(form: FilterForm): Filter {
	const wanted = new Set(form.topics ?? topics);
	const nodes = form.node && new Set(form.node);
	const { method, state, where } = form;
	const after = state && statesAfter(state);
	const isNamed = (name: string) => !nodes || nodes.has(name);
	return {
		key: JSON.stringify([
			[...wanted].sort(),
			nodes ? [...nodes].sort() : null,
			method ?? null,
			state ? [...new Set(state)].sort() : null,
			where ? Object.entries(where).sort(([a], [b]) => (a < b ? -1 : 1)) : null,
		]),
		has: (topic) => wanted.has(topic),
		node: (name, labels = {}) => isNamed(name) && (!where || matchesLabels(where, labels)),
		isGone: (name, labels = {}) => where !== undefined && isNamed(name) && !matchesLabels(where, labels),
		command: (one) => (method === undefined || one.method === method) && (!after || after.has(one.state)),
	};
}

/** These, and all that a command which was in one of them may be in now. */
function statesAfter(states: readonly CommandState[]): ReadonlySet<CommandState> {
	const after = new Set(states);
	for (const state of after)
		for (const next of Object.values<CommandState>(transitions[state])) after.add(next);
	return after;
}
