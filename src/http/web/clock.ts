/**
 * Owns the page's one clock: the server's time, as far as the page knows it, and one tick a second that all relative times share.
 * Promises that a browser whose clock is wrong still says how long ago something was.
 * Dies with the page.
 */

import { signal } from '@preact/signals';

let offsetMs = 0;
/** Server time in milliseconds, once a second. */
export const now = signal(Date.now());

export function serverNow(): number {
	return Date.now() + offsetMs;
}

/** What the server says its time is. Small differences are the way here: only one that matters moves the clock. */
export function hearServerTime(time: string): void {
	const heard = Date.parse(time) - Date.now();
	if (Number.isNaN(heard) || Math.abs(heard - offsetMs) < 1500) return;
	offsetMs = heard;
	now.value = serverNow();
}

setInterval(() => {
	now.value = serverNow();
}, 1000);
