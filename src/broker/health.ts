/**
 * Owns the questions to the server's monitor: is it well, and does it ask who connects.
 * Promises an answer within its deadline; a server that does not answer is unhealthy.
 * Asks, and keeps nothing.
 */

import { z } from 'zod';
import type { Clock } from '../base/clock.ts';
import { messageOf } from '../base/errors.ts';
import type { Health } from './watch.ts';

const answerWithinMs = 4000;

/** The full /healthz: also each stream and consumer, so it knows a stream that a full disk froze. */
export async function askHealth(monitorUrl: string, clock: Clock): Promise<Health> {
	try {
		const { ok, text } = await ask(`${monitorUrl}/healthz`, clock);
		return ok ? { ok: true } : { ok: false, reason: `/healthz says ${text.slice(0, 300)}` };
	} catch (error) {
		return { ok: false, reason: `/healthz: ${messageOf(error)}` };
	}
}

const varzSchema = z.object({ auth_required: z.boolean().optional() });

/** Whether it wants to know who connects. @throws where it does not say */
export async function asksWho(monitorUrl: string, clock: Clock): Promise<boolean> {
	const { text } = await ask(`${monitorUrl}/varz`, clock);
	return varzSchema.parse(JSON.parse(text)).auth_required === true;
}

async function ask(url: string, clock: Clock): Promise<{ readonly ok: boolean; readonly text: string }> {
	const late = new AbortController();
	const cancel = clock.after(answerWithinMs, () =>
		late.abort(new Error(`no answer in ${answerWithinMs} ms`)),
	);
	try {
		const answer = await fetch(url, { signal: late.signal });
		return { ok: answer.ok, text: await answer.text() };
	} finally {
		cancel();
	}
}
