/**
 * Owns the metrics of the process itself, under the names that every exporter uses.
 * Promises no watcher that outlives its stop: the usual collectors of prom-client leave an observer of garbage collections behind.
 * Soft: a new process begins anew.
 */

import { readdirSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Readings } from './readings.ts';

/** The loop's delay is looked at so often, milliseconds. */
const resolution = 20;

/** Adds them; the answer ends the watching. */
export function addProcessReadings(readings: Readings): () => void {
	const loop = monitorEventLoopDelay({ resolution });
	loop.enable();
	const startedAt = Math.round(performance.timeOrigin) / 1000;
	readings.total('process_cpu_seconds_total', 'Processor time, user and system, in seconds.', [], () => {
		const { user, system } = process.cpuUsage();
		return (user + system) / 1e6;
	});
	readings.gauge(
		'process_start_time_seconds',
		'When it began, seconds since the epoch.',
		[],
		() => startedAt,
	);
	readings.gauge(...(['process_resident_memory_bytes', 'Memory that it holds, bytes.', []] as const), () =>
		process.memoryUsage.rss(),
	);
	readings.gauge(
		...(['process_open_fds', 'File descriptors that are open.', []] as const),
		() => readdirSync('/proc/self/fd').length,
	);
	readings.gauge(
		...(['nodejs_heap_size_used_bytes', 'JavaScript heap in use, bytes.', []] as const),
		() => process.memoryUsage().heapUsed,
	);
	readings.gauge(
		'nodejs_eventloop_lag_p99_seconds',
		'How late timers were since the last reading: 99 of 100 were less late.',
		[],
		() => {
			// A timer that is in time is seen as one resolution late.
			const late = Math.max(0, loop.percentile(99) / 1e6 - resolution);
			loop.reset();
			return Number.isFinite(late) ? late / 1000 : 0;
		},
	);
	return () => loop.disable();
}
