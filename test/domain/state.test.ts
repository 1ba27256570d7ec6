import { describe, expect, test } from 'vitest';
import {
	advance,
	type CommandEvent,
	type CommandState,
	commandEvents,
	commandStates,
	isCommandState,
	isFinal,
	transitions,
} from '../../src/domain/state.ts';

/** Where a command that is not over goes; written down here by hand, event by event, and nowhere derived. */
const fromOpen: Record<CommandEvent, Partial<Record<CommandState, CommandState>>> = {
	due: { scheduled: 'queued' },
	started: { scheduled: 'running', queued: 'running', running: 'running', retrying: 'running' },
	succeeded: { scheduled: 'succeeded', queued: 'succeeded', running: 'succeeded', retrying: 'succeeded' },
	failed: { scheduled: 'failed', queued: 'failed', running: 'failed', retrying: 'failed' },
	timedOut: { scheduled: 'timedOut', queued: 'timedOut', running: 'timedOut', retrying: 'timedOut' },
	interrupted: {
		scheduled: 'interrupted',
		queued: 'interrupted',
		running: 'interrupted',
		retrying: 'interrupted',
	},
	retryDue: { scheduled: 'retrying', queued: 'retrying', running: 'retrying', retrying: 'retrying' },
	cancelled: { scheduled: 'cancelled', queued: 'cancelled', running: 'cancelled', retrying: 'cancelled' },
	expired: { scheduled: 'expired', queued: 'expired' },
	refused: { scheduled: 'rejected', queued: 'rejected', running: 'rejected', retrying: 'rejected' },
	unheard: { scheduled: 'lost', queued: 'lost', running: 'lost', retrying: 'lost' },
};

const open: readonly CommandState[] = ['scheduled', 'queued', 'running', 'retrying'];
const final: readonly CommandState[] = [
	'succeeded',
	'failed',
	'timedOut',
	'interrupted',
	'cancelled',
	'expired',
	'rejected',
	'lost',
];

const pairs = commandStates.flatMap((state) => commandEvents.map((event) => ({ state, event })));

describe('every state with every event', () => {
	test('the states are the open and the final ones, and each has a row', () => {
		expect([...open, ...final].sort()).toEqual([...commandStates].sort());
		expect(Object.keys(transitions).sort()).toEqual([...commandStates].sort());
		expect(commandStates.filter(isFinal)).toEqual(final);
	});

	test.each(pairs.filter(({ state }) => open.includes(state)))('$state and $event', ({ state, event }) => {
		const next = fromOpen[event][state];
		expect(advance(state, event)).toEqual(
			next === undefined ? { state, effect: 'ignored' } : { state: next, effect: 'moved' },
		);
	});

	test.each(pairs.filter(({ state }) => final.includes(state)))(
		'$state stays when $event comes late',
		({ state, event }) => {
			expect(advance(state, event)).toEqual({ state, effect: 'late' });
		},
	);
});

test('what has started never expires', () => {
	expect(advance('running', 'expired')).toEqual({ state: 'running', effect: 'ignored' });
	expect(advance('retrying', 'expired')).toEqual({ state: 'retrying', effect: 'ignored' });
});

test('every final state can be reached', () => {
	const reached = new Set(pairs.map(({ state, event }) => advance(state, event).state));
	expect(final.filter((state) => !reached.has(state))).toEqual([]);
});

test('only the names of states are states', () => {
	for (const state of commandStates) expect(isCommandState(state)).toBe(true);
	for (const text of ['', 'waiting', 'Queued', 'toString', '__proto__']) {
		expect(isCommandState(text)).toBe(false);
	}
});
