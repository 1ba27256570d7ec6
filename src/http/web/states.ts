/**
 * Owns how states and presence look and are called: one glyph, one tone and one word for each, everywhere the same.
 * Promises that every state of the contract has them. Pure.
 */

import type { NodeRow } from '../../domain/row-schema.ts';
import type { CommandView } from '../../domain/view-schema.ts';
import type { IconName } from './ui/glyphs.ts';
import { spaced } from './words.ts';

export type Tone = 'ok' | 'busy' | 'wait' | 'warn' | 'bad';
export type Look = { readonly icon: IconName; readonly tone: Tone; readonly word: string };

const looks = {
	scheduled: ['calendar', 'wait'],
	queued: ['dashed', 'wait'],
	running: ['half', 'busy'],
	retrying: ['again', 'warn'],
	succeeded: ['check', 'ok'],
	failed: ['cross', 'bad'],
	timedOut: ['clock', 'bad'],
	interrupted: ['bolt', 'bad'],
	cancelled: ['slash', 'wait'],
	expired: ['clock', 'warn'],
	rejected: ['minus', 'bad'],
	lost: ['question', 'bad'],
	waiting: ['dashed', 'wait'],
	delivered: ['check', 'ok'],
	accepted: ['ring', 'wait'],
} as const satisfies Record<CommandView['state'], readonly [IconName, Tone]>;

export function lookOfState(state: CommandView['state']): Look {
	const [icon, tone] = looks[state];
	return { icon, tone, word: spaced(state) };
}

const presences = {
	present: ['dot', 'ok', 'present'],
	absent: ['ring', 'warn', 'absent'],
	never: ['dashed', 'wait', 'never seen'],
	unknown: ['question', 'wait', 'unknown'],
} as const satisfies Record<NodeRow['presence'], readonly [IconName, Tone, string]>;

export function lookOfPresence(presence: NodeRow['presence']): Look {
	const [icon, tone, word] = presences[presence];
	return { icon, tone, word };
}

/** A clock that is a second off is worth a look; half a minute off, deadlines and ticks go wrong. */
export function toneOfOffset(ms: number | null): Tone | undefined {
	if (ms === null) return undefined;
	const size = Math.abs(ms);
	return size > 30_000 ? 'bad' : size > 1000 ? 'warn' : undefined;
}
