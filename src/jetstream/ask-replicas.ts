/**
 * Owns asking what any replica of a stream may answer, while one of them may hang and say nothing.
 * Promises the first answer that comes to any of a few tries, within the time of one: the tries overlap, so that a slow link
 * costs no more time than it has to.
 * Only for what reads. Keeps nothing.
 */

import { TimeoutError } from '@nats-io/transport-node';
import { systemClock } from '../base/clock.ts';
import { askAgainWhenLost } from './reach.ts';

/** When the next try begins, milliseconds after the first: the server draws anew who is to answer it. */
const triesAtMs = [400, 1000, 2000, 3200] as const;

/** `ask` ends with a TimeoutError where nobody answers. */
export function askReplicas<T>(ask: (timeoutMs: number) => Promise<T>, timeoutMs: number): Promise<T> {
	return new Promise((resolve, reject) => {
		const later = triesAtMs.filter((ms) => ms < timeoutMs);
		let silent = 0;
		const cancels = later.map((ms) => systemClock.after(ms, () => begin(timeoutMs - ms)));
		const end = () => {
			for (const cancel of cancels) cancel();
		};
		const begin = (restMs: number) => {
			askAgainWhenLost(() => ask(restMs)).then(
				(answer) => {
					end();
					resolve(answer);
				},
				(error: unknown) => {
					silent += 1;
					if (error instanceof TimeoutError && silent <= later.length) return;
					end();
					reject(error);
				},
			);
		};
		begin(timeoutMs);
	});
}
