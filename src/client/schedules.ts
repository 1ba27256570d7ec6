/**
 * Owns what users hold of schedules: `fleet.schedules`.
 * Promises that whoever uses no schedule loads nothing of them (reading cron takes a tenth of the time of a `send`).
 * Keeps nothing.
 */

import type { ScheduleForm } from '../domain/schedule.ts';
import type {
	ScheduleChangeView,
	ScheduleOutcome,
	ScheduleTickView,
	ScheduleView,
} from '../domain/schedule-view.ts';
import type { Receipt } from '../domain/view.ts';
import { askAll } from '../jetstream/api.ts';
import type { FleetParts } from './parts.ts';
import type { AddScheduleOptions, ScheduleReason, SignOptions } from './schedule-changes.ts';
import type { UnsignedSchedule } from './schedule-reading.ts';
import type { RunNowOptions } from './schedule-run.ts';

export class ScheduleBook {
	readonly #parts: FleetParts;

	/** Made by `fleet.schedules`. */
	constructor(parts: FleetParts) {
		this.#parts = parts;
	}

	/**
	 * Adds a schedule, or with `replace` changes the one of that name. What is there with the same meaning stays `unchanged`; one
	 * that is paused stays so where the form does not say `paused`.
	 * @throws StewardError `invalid` (all problems listed), `refused`, `no-broker`, `ambiguous`: adding it again is safe
	 */
	async add(form: ScheduleForm, options: AddScheduleOptions = {}): Promise<ScheduleOutcome> {
		return (await changes()).addSchedule(this.#parts, form, options);
	}

	/** All of them, in the order of their names. @throws StewardError `no-centre` */
	list(): Promise<ScheduleView[]> {
		return askAll<ScheduleView>(this.#parts.connection, 'schedules', {});
	}

	/** One; undefined where there is none of that name. @throws StewardError `no-centre` */
	async get(name: string): Promise<ScheduleView | undefined> {
		const [view] = await askAll<ScheduleView>(this.#parts.connection, 'schedules', { name });
		return view;
	}

	/** As it was written, to be changed and added again. @throws StewardError `not-found`, `no-broker` */
	async form(name: string): Promise<ScheduleForm> {
		return (await reading()).formOf(this.#parts, name);
	}

	/** Its next ticks, ten by default, also where it is paused. @throws StewardError `not-found`, `usage`, `no-broker` */
	async next(name: string, count = 10): Promise<ScheduleTickView[]> {
		return (await reading()).nextOf(this.#parts, name, count);
	}

	/** Who changed what, and when, the newest first; also of one that was removed. @throws StewardError `not-found`, `no-broker` */
	async history(name: string): Promise<ScheduleChangeView[]> {
		return (await reading()).historyOf(this.#parts, name);
	}

	/** No tick fires until it is resumed; what is queued already stays. @throws StewardError `not-found`, as {@link add} */
	async pause(name: string, options: ScheduleReason = {}): Promise<ScheduleOutcome> {
		return (await changes()).setPaused(this.#parts, name, true, options);
	}

	/** Ticks count from now on: those of the pause were not missed. @throws as {@link pause} */
	async resume(name: string, options: ScheduleReason = {}): Promise<ScheduleOutcome> {
		return (await changes()).setPaused(this.#parts, name, false, options);
	}

	/** Those for which nobody vouches, by their stored records. Needs no centre. @throws StewardError `usage` without credentials */
	async unsigned(): Promise<UnsignedSchedule[]> {
		return (await reading()).unsignedOf(this.#parts);
	}

	/**
	 * Vouches for what is stored with the key of these credentials, where nobody does: read it before. Its ticks count from then on.
	 * @throws StewardError `refused` where another form is stored by now, `denied`, `usage` without credentials, as {@link pause}
	 */
	async sign(name: string, options: SignOptions = {}): Promise<ScheduleOutcome> {
		return (await changes()).signSchedule(this.#parts, name, options);
	}

	/**
	 * Sends what a tick sends to its nodes at once, as commands of their own; also where it is paused. `{{tick}}` is now.
	 * @throws StewardError `not-found`, `usage` for a node that is none of its own, as Fleet.send
	 */
	async runNow(name: string, options: RunNowOptions = {}): Promise<Receipt[]> {
		return (await import('./schedule-run.ts')).runSchedule(this.#parts, name, options);
	}

	/** No tick fires any more; what is queued already stays. Its history can be read for a while. @throws as {@link pause} */
	async remove(name: string, options: ScheduleReason = {}): Promise<ScheduleOutcome> {
		return (await changes()).removeSchedule(this.#parts, name, options);
	}
}

const changes = () => import('./schedule-changes.ts');
const reading = () => import('./schedule-reading.ts');
