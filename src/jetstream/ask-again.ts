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

/** What any replica may answer, within the time of one try. */
export function askReplicas<T>(ask: (timeoutMs: number) => Promise<T>, timeoutMs: number): Promise<T> {
	const later = ofReplicasMs.filter((ms) => ms < timeoutMs);
	const isSilence = (error: unknown) => error instanceof TimeoutError;
	return askOverlapping((beganMs) => askAgainWhenLost(() => ask(timeoutMs - beganMs)), later, isSilence);
}

/** What only the leader of a stream answers. */
export function askLeader<T>(ask: () => Promise<T>): Promise<T> {
	return askOverlapping(ask, ofLeaderMs, isNoAnswer);
}

/** Where all tries meet silence, the last error; any other error at once. */
function askOverlapping<T>(
	ask: (beganMs: number) => Promise<T>,
	later: readonly number[],
	isSilence: (error: unknown) => boolean,
): Promise<T> {
	return new Promise((resolve, reject) => {
		let silent = 0;
		const begin = (beganMs: number) => {
			ask(beganMs).then(
				(answer) => {
					end();
					resolve(answer);
				},
				(error: unknown) => {
					silent += 1;
					if (isSilence(error) && silent <= later.length) return;
					end();
					reject(error);
				},
			);
		};
		const cancels = later.map((ms) => systemClock.after(ms, () => begin(ms)));
		const end = () => {
			for (const cancel of cancels) cancel();
		};
		begin(0);
	});
}
