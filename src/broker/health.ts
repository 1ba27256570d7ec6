/**
 * Owns the question to /healthz.
 * Promises an answer within its deadline; a server that does not answer is unhealthy.
 * Asks, and keeps nothing.
 */

import type { Clock } from '../base/clock.ts';
import { messageOf } from '../base/errors.ts';
import type { Health } from './watch.ts';

const answerWithinMs = 4000;

/** The full /healthz: also each stream and consumer, so it knows a stream that a full disk froze. */
export async function askHealth(monitorUrl: string, clock: Clock): Promise<Health> {
	const late = new AbortController();
	const cancel = clock.after(answerWithinMs, () =>
		late.abort(new Error(`no answer in ${answerWithinMs} ms`)),
	);
	try {
		const answer = await fetch(`${monitorUrl}/healthz`, { signal: late.signal });
		const text = await answer.text();
		return answer.ok ? { ok: true } : { ok: false, reason: `/healthz says ${text.slice(0, 300)}` };
	} catch (error) {
		return { ok: false, reason: `/healthz: ${messageOf(error)}` };
	} finally {
		cancel();
	}
}
