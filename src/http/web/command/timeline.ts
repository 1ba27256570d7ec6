/**
 * Owns the life of a command as stretches of time: it waited, it ran, it waited for its next attempt; and what was too late to count.
 * Promises that what has not ended is open, and that nothing is made up: what nobody knows is left out.
 * Pure.
 */

import { isFinal } from '../../../domain/state.ts';
import type { AttemptView, CommandView } from '../../../domain/view-schema.ts';

export type Stretch = {
	readonly kind: 'scheduled' | 'waiting' | 'attempt' | 'between';
	readonly from: string;
	/** null: it goes on. */
	readonly to: string | null;
	readonly attempt: AttemptView | null;
	/** Why it ended so, or what it is. */
	readonly label: string;
	/** Share of the picture, from the logarithm of its length, so that two seconds are seen beside a week. */
	readonly share: number;
};

type Life = Pick<
	CommandView,
	'state' | 'history' | 'queuedAt' | 'startedAt' | 'endedAt' | 'attempts' | 'nextAttemptAt' | 'notBefore'
>;

export function stretchesOf(view: Life, now: number): readonly Stretch[] {
	const found: Omit<Stretch, 'share'>[] = [];
	const ended = view.state === 'delivered' || isEnded(view.state);
	const accepted = view.history.find(({ state }) => state === 'scheduled')?.at;
	if (accepted !== undefined) {
		const to = view.queuedAt ?? view.endedAt;
		found.push({ kind: 'scheduled', from: accepted, to, attempt: null, label: 'waited for its time' });
	}
	const [first] = view.attempts;
	if (view.queuedAt !== null) {
		const to = first?.startedAt ?? view.startedAt ?? view.endedAt;
		found.push({ kind: 'waiting', from: view.queuedAt, to, attempt: null, label: 'waited for its node' });
	}
	for (const [index, attempt] of view.attempts.entries()) {
		const next = view.attempts[index + 1];
		const to = attempt.endedAt ?? next?.startedAt ?? (ended ? view.endedAt : null);
		found.push({
			kind: 'attempt',
			from: attempt.startedAt,
			to,
			attempt,
			label: attemptLabel(attempt, ended),
		});
		if (attempt.endedAt === null) continue;
		const until =
			next?.startedAt ?? (view.state === 'retrying' ? null : laterEnd(view.endedAt, attempt.endedAt));
		if (until === undefined) continue;
		found.push({
			kind: 'between',
			from: attempt.endedAt,
			to: until,
			attempt: null,
			label: 'waited for the next attempt',
		});
	}
	const shares = found.map(({ from, to }) =>
		shareOf((to === null ? now : Date.parse(to)) - Date.parse(from)),
	);
	const all = shares.reduce((sum, one) => sum + one, 0);
	return found.map((stretch, index) => ({ ...stretch, share: (shares[index] ?? 0) / all }));
}

/** The command ended some time after its last attempt had: cancelled or given up in between. */
function laterEnd(endedAt: string | null, attemptEndedAt: string): string | undefined {
	if (endedAt === null) return undefined;
	return Date.parse(endedAt) - Date.parse(attemptEndedAt) > 1000 ? endedAt : undefined;
}

function shareOf(ms: number): number {
	return 1 + Math.log10(1 + Math.max(0, ms) / 1000);
}

export function isEnded(state: CommandView['state']): boolean {
	if (state === 'accepted' || state === 'waiting') return false;
	return state === 'delivered' || isFinal(state);
}

/** `attempt 2: failed, exit 3`. */
function attemptLabel({ attempt, outcome, exitCode, signal }: AttemptView, ended: boolean): string {
	const how = signal !== null ? `signal ${signal}` : exitCode !== null ? `exit ${exitCode}` : '';
	const unknown = ended ? 'nobody heard how it ended' : 'runs';
	return [`attempt ${attempt}: ${outcome ?? unknown}`, how].filter(Boolean).join(', ');
}

/** How far the run is towards the longest that it may take, 0 to 1; undefined where it does not run or has no bound. */
export function runShare(
	{ state, attempts, runForMs }: Pick<CommandView, 'state' | 'attempts' | 'runForMs'>,
	now: number,
): number | undefined {
	const last = attempts.at(-1);
	if (state !== 'running' || !last || last.endedAt !== null || !runForMs) return undefined;
	return Math.min(1, Math.max(0, (now - Date.parse(last.startedAt)) / runForMs));
}
