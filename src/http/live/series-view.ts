/**
 * Owns the series as they travel: columns, which a chart draws as they are.
 * Promises columns of one length.
 * Pure.
 */

import { z } from 'zod';
import { rfc3339 } from '../../base/clock.ts';
import { time } from '../../domain/view-time.ts';
import type { Sample, Series } from './series.ts';

const numbers = z.array(z.number());
const perhaps = z.array(z.number().nullable());

export const seriesSchema = z.object({
	stepMs: z.number().int(),
	from: time.describe('since then it was watched; nothing is known of before'),
	points: z.object({
		at: numbers.describe('end of each step, milliseconds since the epoch, server time'),
		queued: numbers,
		running: numbers,
		succeeded: numbers.describe('in this step'),
		failed: numbers.describe('in this step: failed, timedOut, interrupted, lost, rejected'),
		oldestMs: perhaps.describe('how long the oldest has waited; null where nothing waits'),
		deliveryP50Ms: perhaps.describe('from queued to started; null where nothing started in this step'),
		deliveryP95Ms: perhaps,
	}),
});

export function seriesView(series: Series, windowMs: number): z.infer<typeof seriesSchema> {
	const { stepMs, samples } = series.of(windowMs);
	const column = <Key extends keyof Sample>(key: Key): Sample[Key][] => samples.map((sample) => sample[key]);
	return {
		stepMs,
		from: rfc3339(series.since),
		points: {
			at: column('at'),
			queued: column('queued'),
			running: column('running'),
			succeeded: column('succeeded'),
			failed: column('failed'),
			oldestMs: column('oldestMs'),
			deliveryP50Ms: column('deliveryP50Ms'),
			deliveryP95Ms: column('deliveryP95Ms'),
		},
	};
}
