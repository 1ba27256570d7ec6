/**
 * Owns the schedules that this node fires by itself: what the centre asked it to keep, when their ticks are due, and their firing.
 * Promises that a tick is on disk together with how far its schedule has come, in one transaction, before anything of it starts;
 * that no tick fires twice, whatever the clock does; and that it needs neither link nor the broker's clock.
 * A crash before that transaction fires nothing, and the tick is due still, or missed; after it the tick is handed over anew.
 */

import type { Clock } from '../../base/clock.ts';
import { StewardError } from '../../base/errors.ts';
import { Lifecycle, type Service } from '../../base/lifecycle.ts';
import type { Log } from '../../base/log.ts';
import type { Control, ControlAnswer } from '../../domain/control.ts';
import type { NodeState } from '../../domain/node-state.ts';
import { noProgress } from '../../domain/progress.ts';
import { parseSchedule } from '../../domain/schedule.ts';
import type { ErrorReporter } from '../error-reporter.ts';
import type { Store } from '../store/store.ts';
import { FiredTicks, type FiredTicksOptions } from './fired-ticks.ts';
import {
	decidedThrough,
	type KeptSchedule,
	type Now,
	nextDue,
	type ReadSchedule,
	readKept,
} from './kept-schedule.ts';
import { type Fired, TickFiring, type TickFiringOptions } from './tick-firing.ts';

export type NodeSchedulesOptions = Omit<FiredTicksOptions, 'onProgress' | 'onBroken'> &
	Omit<TickFiringOptions, 'ticks'> & {
		store: Store;
		errors: Pick<ErrorReporter, 'report'>;
		/** What the node says of its schedules has changed. */
		onChange: () => void;
		/** The store failed or our own code is broken: the node must end. */
		onShutdown: (error: unknown) => void;
		clock: Clock;
		log: Log;
	};

type Asked = Pick<Control<'schedule'>, 'name' | 'version'>;

/** A step of the clock forward is noticed after this time at the latest. */
const longestSleepMs = 30_000;
/** The node's state tells of each, and has to fit a message. */
const mostSchedules = 500;
/** What is due and was not decided is looked at again after this time. */
const shortSleepMs = 1000;

export class NodeSchedules implements Service {
	readonly name = 'schedules';
	readonly #options: NodeSchedulesOptions;
	readonly #lifecycle: Lifecycle;
	readonly #ticks: FiredTicks;
	readonly #firing: TickFiring;
	readonly #schedules = new Map<string, ReadSchedule>();
	#stopping = new AbortController();
	#sleep = new AbortController();
	#loop: Promise<void> = Promise.resolve();

	constructor(options: NodeSchedulesOptions) {
		const { onShutdown } = options;
		this.#options = options;
		this.#ticks = new FiredTicks({ ...options, onProgress: () => this.wake(), onBroken: onShutdown });
		this.#firing = new TickFiring({ ...options, ticks: this.#ticks });
		this.#lifecycle = new Lifecycle(
			async () => {
				this.#stopping = new AbortController();
				this.#load();
				this.#loop = this.#run(this.#stopping.signal).catch(onShutdown);
			},
			async () => {
				this.halt();
				await this.#loop;
				await this.#ticks.end();
			},
		);
	}

	start(): Promise<void> {
		return this.#lifecycle.start();
	}

	/** Resolves when what runs of them has ended. */
	stop(): Promise<void> {
		return this.#lifecycle.stop();
	}

	/** Fires and starts nothing more, from this moment on; `stop` waits for what runs. */
	halt(): void {
		this.#stopping.abort();
		this.#ticks.halt();
		this.wake();
	}

	/** Something may begin now, or be due. */
	wake(): void {
		this.#sleep.abort();
	}

	/** As they are told to the centre. */
	states(): NodeState['schedules'] {
		const now = this.#now();
		return [...this.#schedules.values()].map(({ kept, schedule }) => {
			const { name, version, progress } = kept;
			const isSilent = schedule === undefined || schedule.paused;
			const next = isSilent ? undefined : nextDue(kept, schedule, this.#options.node, now);
			return { name, version, ...progress, next: next?.tick ?? null };
		});
	}

	/** Keeps this version instead of any before. @throws StewardError `invalid`, `storage` */
	async put({ name, version, form, since }: Control<'schedule'>): Promise<ControlAnswer<'schedule'>> {
		const { store, log } = this.#options;
		const now = this.#now();
		const known = this.#schedules.get(name);
		if (known && known.kept.version >= version) return this.#answer({ name, version });
		checkForm(name, form);
		if (!known && this.#schedules.size >= mostSchedules) throw tooMany(name);
		// What was due until now is its earlier version's; only what that may not decide at this moment is left to this one.
		const earlier = known && this.#fireDue(known);
		const before = this.#schedules.get(name)?.kept.progress ?? noProgress(since);
		const undecidedFrom = known && this.#isHeld() ? this.#dueAt(known, now) : Infinity;
		const through = Math.max(decidedThrough(before, now), Math.min(now.at, undecidedFrom - 1));
		const progress = { ...before, through: Math.max(since, through) };
		const kept: KeptSchedule = { v: 1, name, version, form, since, progress };
		this.#schedules.set(name, readKept(kept));
		const written = store.commit((writes) => writes.put('schedules', name, kept));
		await Promise.all([earlier?.isOnDisk, written]);
		log.info({ schedule: name, version }, 'a schedule is kept here');
		this.#changed();
		return this.#answer({ name, version });
	}

	/** Keeps it no more; what has fired goes on. @throws StewardError `storage` */
	async remove({ name, version }: Asked): Promise<ControlAnswer<'unschedule'>> {
		const { store, log } = this.#options;
		const known = this.#schedules.get(name);
		if (known && known.kept.version <= version) {
			this.#schedules.delete(name);
			await store.commit((writes) => writes.remove('schedules', name));
			log.info({ schedule: name, version }, 'a schedule is kept here no more');
			this.#changed();
		}
		return this.#answer({ name, version });
	}

	/** Decides what is due, and hands over what may begin; answers what fired. @throws StewardError `storage` */
	async runOnce(): Promise<readonly Fired[]> {
		const firing = this.#options.isHeldUp()
			? []
			: [...this.#schedules.values()].flatMap((schedule) => this.#fireDue(schedule) ?? []);
		await Promise.all(firing.map(({ isOnDisk }) => isOnDisk));
		this.#ticks.handOver();
		if (firing.length > 0) this.#options.onChange();
		return firing;
	}

	#now(): Now {
		return { at: this.#options.now(), isSure: this.#options.isTimeSure() };
	}

	/** Nothing is decided for now. */
	#isHeld(): boolean {
		return this.#options.isHeldUp() || this.#stopping.signal.aborted;
	}

	/** When the first that is not decided fires, server time; never, where it is silent. */
	#dueAt({ kept, schedule }: ReadSchedule, now: Now): number {
		if (!schedule || schedule.paused) return Infinity;
		return nextDue(kept, schedule, this.#options.node, now)?.at ?? Infinity;
	}

	/** In one synchronous step up to its commit: nothing comes between what is read and what is written. */
	#fireDue(read: ReadSchedule): Fired | undefined {
		if (this.#isHeld()) return undefined;
		const fired = this.#firing.fireDue(read);
		if (fired) this.#schedules.set(fired.kept.name, { ...read, kept: fired.kept });
		return fired;
	}

	#answer({ name, version }: Asked): ControlAnswer<'schedule'> {
		return { name, version, inEffect: this.#schedules.get(name)?.kept.version ?? null };
	}

	#changed(): void {
		this.wake();
		this.#options.onChange();
	}

	#load(): void {
		const { store, errors } = this.#options;
		this.#schedules.clear();
		for (const { value } of store.range<KeptSchedule>('schedules')) {
			const read = readKept(value);
			this.#schedules.set(value.name, read);
			const { problem } = read;
			if (problem === undefined) continue;
			const message = `version ${value.version} cannot fire here: ${problem}`;
			errors.report({ kind: 'refused', where: `schedule ${value.name}`, message });
		}
		this.#ticks.load();
	}

	async #run(stopping: AbortSignal): Promise<void> {
		while (!stopping.aborted) {
			this.#sleep = new AbortController();
			await this.runOnce();
			if (stopping.aborted) return;
			await this.#options.clock.sleep(this.#sleepMs(), this.#sleep.signal);
		}
	}

	#sleepMs(): number {
		const now = this.#now();
		const dues = [...this.#schedules.values()].map((read) => {
			const ms = this.#dueAt(read, now) - now.at;
			return ms > 0 ? ms : shortSleepMs;
		});
		return Math.min(longestSleepMs, this.#ticks.nextAt - this.#options.clock.monotonic(), ...dues);
	}
}

/** @throws StewardError `invalid` */
function checkForm(name: string, form: unknown): void {
	const schedule = parseSchedule(form);
	const problems = [
		...(schedule.name === name ? [] : [`name: expected "${name}", got "${schedule.name}"`]),
		...(schedule.placement === 'node' ? [] : ['placement: expected "node": the centre fires the others']),
	];
	if (problems.length === 0) return;
	throw new StewardError('invalid', `the schedule is not valid here: ${problems.join('; ')}`, {
		details: { problems },
	});
}

function tooMany(name: string): StewardError {
	return new StewardError(
		'invalid',
		`schedule ${name}: this node keeps ${mostSchedules} schedules already, and takes no more; remove one, or let the centre fire it`,
	);
}
