/**
 * Owns the measure of one message at a time: when its work began, and when its answer was back, both since it was sent.
 * Promises that one is over before the next is sent, as long as the caller waits for it. Keeps nothing.
 */

import { now } from '../payload.mjs';

/** @returns `begins` and `isBack`, to be called at those moments, and `once(send)`: milliseconds to each. */
export function oneAtATime() {
	let startedAt = 0;
	let resolve = () => undefined;
	return {
		begins() {
			startedAt = now();
		},
		isBack: () => resolve(),
		async once(send) {
			const back = new Promise((given) => {
				resolve = given;
			});
			const sentAt = now();
			await Promise.all([send(), back]);
			return { start: startedAt - sentAt, result: now() - sentAt };
		},
	};
}
