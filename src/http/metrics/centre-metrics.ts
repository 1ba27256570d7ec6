/**
 * Owns the metrics of a centre as one thing: what is read of its index, what is counted from what happens, and the window's own requests.
 * Promises that a scrape waits for nobody, costs the same however many commands there are, and has a bounded number of lines.
 * Soft: counts begin with the process, and with each centre that it runs.
 */

import type { Clock } from '../../base/clock.ts';
import type { CentreWindow } from '../../central/central.ts';
import { CommandCounts, otherMethods } from './command-counts.ts';
import { addFleetReadings } from './fleet-readings.ts';
import { type FleetSnapshot, snapshotOf, type Watched } from './fleet-snapshot.ts';
import { addProcessReadings } from './process-readings.ts';
import { Readings } from './readings.ts';

export type CentreMetricsOptions = {
	/** Undefined until the centre has found its broker. */
	readonly glance: () => CentreWindow | undefined;
	readonly clock: Clock;
};

/** Whether there is a centre now, and which, is looked at so often. */
const lookEveryMs = 1000;
/** Methods that have counters of their own: those that come first. */
const mostMethods = 50;

const minute = 60;
const hour = 3600;
const waitBuckets = [
	0.05,
	0.1,
	0.25,
	0.5,
	1,
	2.5,
	5,
	10,
	30,
	minute,
	5 * minute,
	30 * minute,
	hour,
	6 * hour,
	24 * hour,
	168 * hour,
];
const runBuckets = [
	0.01,
	0.05,
	0.1,
	0.5,
	1,
	5,
	10,
	30,
	minute,
	5 * minute,
	10 * minute,
	30 * minute,
	hour,
	6 * hour,
];
const requestBuckets = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];

export class CentreMetrics {
	readonly #options: CentreMetricsOptions;
	readonly #readings = new Readings();
	readonly #methods = new Set<string>();
	readonly #ended = this.#readings.counter(
		'steward_commands_ended_total',
		'Commands that the ledger called final, since this process began to look.',
		['state', 'method'],
	);
	readonly #attempts = this.#readings.counter(
		'steward_attempts_total',
		'Starts of commands, each attempt.',
		[],
	);
	readonly #delivery = this.#readings.histogram(
		'steward_delivery_seconds',
		'From queue to first start.',
		[],
		waitBuckets,
	);
	readonly #run = this.#readings.histogram(
		'steward_run_seconds',
		'From the first start to the end, with what was waited for between attempts.',
		[],
		runBuckets,
	);
	readonly #requests = this.#readings.histogram(
		'steward_http_request_duration_seconds',
		'Requests to the window, by route; streams are left out.',
		['method', 'route', 'status'],
		requestBuckets,
	);
	readonly #offProcess: () => void;
	#watched: Watched | undefined;
	/** Of the scrape that is answered. */
	#fleet: FleetSnapshot | undefined;
	#cancel: () => void = () => undefined;

	constructor(options: CentreMetricsOptions) {
		this.#options = options;
		addFleetReadings(this.#readings, () => this.#fleet);
		this.#offProcess = addProcessReadings(this.#readings);
		this.#look();
	}

	/** What is told. */
	get families(): Readings['families'] {
		return this.#readings.families;
	}

	get contentType(): string {
		return this.#readings.contentType;
	}

	text(): Promise<string> {
		this.#follow();
		this.#fleet = this.#watched && snapshotOf(this.#watched);
		return this.#readings.text();
	}

	/** A request was answered. */
	answered(method: string, route: string, status: number, seconds: number): void {
		this.#requests.observe({ method, route, status: String(status) }, seconds);
	}

	end(): void {
		this.#cancel();
		this.#offProcess();
		this.#forget();
	}

	/** What happens before somebody scrapes counts as well. */
	#look(): void {
		this.#follow();
		this.#cancel = this.#options.clock.after(lookEveryMs, () => this.#look());
	}

	#follow(): void {
		const window = this.#options.glance();
		if (window === this.#watched?.window) return;
		this.#forget();
		if (!window) return;
		const { index, serverNow } = window;
		const counts = new CommandCounts({
			...{ index, serverNow },
			delivered: (waitedMs) => this.#delivery.observe(waitedMs / 1000),
			attempts: (count) => this.#attempts.inc(count),
			ended: (method, state, ranMs) => {
				this.#ended.inc({ state, method: this.#labelOf(method) });
				if (ranMs !== undefined) this.#run.observe(ranMs / 1000);
			},
		});
		this.#watched = { window, counts };
	}

	#forget(): void {
		this.#watched?.counts.stop();
		this.#watched = undefined;
	}

	#labelOf(method: string): string {
		if (this.#methods.size < mostMethods) this.#methods.add(method);
		return this.#methods.has(method) ? method : otherMethods;
	}
}
