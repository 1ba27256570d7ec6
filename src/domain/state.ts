/**
 * Owns the states of a command and the one table of their transitions.
 * Promises that `advance()` is the only door: a final state never changes, what comes later is `late`.
 * Pure; applying an event twice, or out of order, does no harm.
 */

export const commandStates = [
	'scheduled',
	'queued',
	'running',
	'retrying',
	'succeeded',
	'failed',
	'timedOut',
	'interrupted',
	'cancelled',
	'expired',
	'rejected',
	'lost',
] as const;
export type CommandState = (typeof commandStates)[number];

/** What can happen to a command. */
export const commandEvents = [
	'due',
	'started',
	'succeeded',
	'failed',
	'timedOut',
	'interrupted',
	'retryDue',
	'cancelled',
	'expired',
	'refused',
	'unheard',
] as const;
export type CommandEvent = (typeof commandEvents)[number];

type TransitionTable = Record<CommandState, Partial<Record<CommandEvent, CommandState>>>;

/** How a start ends: the same from everywhere, because a report may overtake the claim that it follows. */
const endings = {
	succeeded: 'succeeded',
	failed: 'failed',
	timedOut: 'timedOut',
	interrupted: 'interrupted',
	cancelled: 'cancelled',
	refused: 'rejected',
	retryDue: 'retrying',
	unheard: 'lost',
} as const;

export const transitions = {
	scheduled: { due: 'queued', started: 'running', expired: 'expired', ...endings },
	queued: { started: 'running', expired: 'expired', ...endings },
	running: { started: 'running', ...endings },
	retrying: { started: 'running', ...endings },
	succeeded: {},
	failed: {},
	timedOut: {},
	interrupted: {},
	cancelled: {},
	expired: {},
	rejected: {},
	lost: {},
} as const satisfies TransitionTable;

export type FinalState = Exclude<CommandState, 'scheduled' | 'queued' | 'running' | 'retrying'>;

export function isFinal(state: CommandState): state is FinalState {
	return Object.keys(transitions[state]).length === 0;
}

/** The state after `event`. `late`: the command was final already. `ignored`: the event says nothing new here. */
export function advance(
	state: CommandState,
	event: CommandEvent,
): { state: CommandState; effect: 'moved' | 'late' | 'ignored' } {
	const row: Partial<Record<CommandEvent, CommandState>> = transitions[state];
	const next = row[event];
	if (next !== undefined) return { state: next, effect: 'moved' };
	return { state, effect: isFinal(state) ? 'late' : 'ignored' };
}

export function isCommandState(text: string): text is CommandState {
	return (commandStates as readonly string[]).includes(text);
}

/** Whether a view, which may be an event's, is of a command in a final state. */
export function hasEnded({ state }: { readonly state: string }): boolean {
	return isCommandState(state) && isFinal(state);
}
