/**
 * Owns the colour and the plain words of each state.
 * Promises that what is uncertain is called so.
 * Pure.
 */

import type { CommandView } from '../../domain/view.ts';
import type { Style } from './screen.ts';

type State = CommandView['state'];

const styleOfState = {
	scheduled: 'cyan',
	queued: 'cyan',
	waiting: 'cyan',
	accepted: 'cyan',
	running: 'yellow',
	retrying: 'yellow',
	succeeded: 'green',
	delivered: 'green',
	failed: 'red',
	timedOut: 'red',
	interrupted: 'red',
	cancelled: 'red',
	expired: 'red',
	rejected: 'red',
	lost: 'red',
} as const satisfies Record<State, Style>;

export function stateStyle(state: State): Style {
	return styleOfState[state];
}

const explanations: Partial<Record<State, string>> = {
	accepted: 'on the disk of the local node; it goes out when the link is back',
	scheduled: 'waits on the broker for its time; a centre queues it then',
	queued: 'waits on the broker for its node',
	waiting: 'waits on the broker for its node',
	retrying: 'an attempt failed; the next one is due',
	timedOut: 'it ran longer than it may (--run-for) and was ended',
	interrupted:
		'outcome unknown: it started, its node died, and its policy forbids a second run (--on-interrupt)',
	expired: 'it certainly never started: its deadline passed first (--deliver-within)',
	rejected: 'the node refused it',
	lost: 'outcome unknown: it started, and then nothing was heard of its node for too long',
};

/** What a state means where its name does not say it. */
export function explainState({
	state,
	attempts,
}: Pick<CommandView, 'state' | 'attempts'>): string | undefined {
	// A method may be gone only for a later attempt.
	if (state === 'rejected' && attempts.length === 0) return `${explanations.rejected}; nothing ran`;
	return explanations[state];
}
