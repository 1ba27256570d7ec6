/**
 * Owns what becomes of the ticks of one node after an outage, as tests ask for it in one word.
 * Promises nothing of its own: ticks are found and decided as by the centre.
 * Holds nothing.
 */

import type { Schedule } from '../../src/domain/schedule.ts';
import { type Decision, decide, dueTicks } from '../../src/domain/ticks.ts';

export function decideDue(schedule: Schedule, through: number, now: number, shift = 0): Decision {
	return decide(schedule.missed, dueTicks(schedule, through, now), { through, now, shift });
}
