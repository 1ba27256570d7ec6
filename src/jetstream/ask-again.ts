/**
 * Owns asking again what nobody answers: a replica that hangs, a stream that is between two leaders.
 * Promises the first answer that comes to any of a few tries. The tries overlap, so that a slow link costs no more time than
 * it has to.
 * Only for what reads. Keeps nothing.
 */

import { TimeoutError } from '@nats-io/transport-node';
import { systemClock } from '../base/clock.ts';
import { isNoAnswer } from './errors.ts';
import { askAgainWhenLost } from './reach.ts';

/** When further tries begin, milliseconds after the first: the server draws anew which replica is to answer. */
const ofReplicasMs = [400, 900, 1500, 2100, 2800, 3500, 4200] as const;
/** An election takes 4 to 9 s, and what was asked before its end is lost. */
const ofLeaderMs = [1000, 2000, 3500, 5000, 6500, 8000, 9500] as const;

/** One of several tries. */
export type Try = {
	readonly timeoutMs: number;
	/** Another try has its answer: this one is of no use any more. */
	readonly signal: AbortSignal;
	/** To be called when an answer begins to come, which may be long: then no further try begins. */
	readonly heard: () => void;
};

/** What any replica may answer, within the time of one try. */
export function askReplicas<T>(ask: (one: Try) => Promise<T>, timeoutMs: number): Promise<T> {
	const later = ofReplicasMs.filter((ms) => ms < timeoutMs);
	const isSilence = (error: unknown) => error instanceof TimeoutError;
	const one = (beganMs: number, signal: AbortSignal, heard: () => void) =>
		askAgainWhenLost(() => ask({ timeoutMs: timeoutMs - beganMs, signal, heard }));
	return askOverlapping(one, later, isSilence);
}

/** What only the leader of a stream answers. */
export function askLeader<T>(ask: () => Promise<T>): Promise<T> {
	return askOverlapping(ask, ofLeaderMs, isNoAnswer);
}

/** Where all tries meet silence, the last error; any other error at once. */
function askOverlapping<T>(
	ask: (beganMs: number, signal: AbortSignal, heard: () => void) => Promise<T>,
	later: readonly number[],
	isSilence: (error: unknown) => boolean,
): Promise<T> {
	return new Promise((resolve, reject) => {
		const over = new AbortController();
		const left = [...later];
		let waiting = 0;
		let cancelNext: () => void = () => undefined;
		const begin = (beganMs: number) => {
			waiting += 1;
			awaitNext(beganMs);
			ask(beganMs, over.signal, cancelLater).then(
				(answer) => {
					end();
					resolve(answer);
				},
				(error: unknown) => {
					waiting -= 1;
					if (isSilence(error) && (waiting > 0 || left.length > 0)) return;
					end();
					reject(error);
				},
			);
		};
		const awaitNext = (nowMs: number) => {
			const [next] = left;
			if (next === undefined) return;
			cancelNext = systemClock.after(next - nowMs, () => {
				left.shift();
				begin(next);
			});
		};
		const cancelLater = () => {
			left.length = 0;
			cancelNext();
		};
		const end = () => {
			cancelLater();
			// With a reason: making one up costs more than all the rest.
			over.abort('answered');
		};
		begin(0);
	});
}
