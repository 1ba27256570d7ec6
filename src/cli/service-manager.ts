/**
 * Owns what the service manager is told (systemd's Type=notify): that all runs, that it ends, and, again and again, that it is alive.
 * Promises silence where nobody asked (no NOTIFY_SOCKET), and that a message which cannot be delivered stops nothing. Node has no
 * datagram sockets of the system, so systemd-notify is asked, a child of some 6 ms. A process that hangs says nothing, and is started again.
 */

import { execFile } from 'node:child_process';
import type { Clock } from '../base/clock.ts';
import { messageOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';

export type ServiceManager = {
	/** All runs; from now on it hears that we are alive. */
	ready(): void;
	/** We end; it hears no more. */
	stopping(): Promise<void>;
};

type Env = Readonly<Record<string, string | undefined>>;

const withinMs = 5000;
/** What systemd sets for a process that it watches; not meant for those that it starts. */
const ours = ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID'] as const;

/** The environment for what is started from here: it is not watched, and has nothing to say. */
export function unwatched(env: Env): Env {
	return Object.fromEntries(
		Object.entries(env).filter(([name]) => !(ours as readonly string[]).includes(name)),
	);
}

export function serviceManager({ env, clock, log }: { env: Env; clock: Clock; log: Log }): ServiceManager {
	const everyMs = watchdogEveryMs(env);
	let cancel: () => void = () => undefined;
	let isOver = false;
	const alive = () => {
		if (isOver || everyMs === undefined) return;
		void tell(env, log, 'WATCHDOG=1');
		cancel = clock.after(everyMs, alive);
	};
	return {
		ready() {
			void tell(env, log, 'READY=1');
			if (everyMs !== undefined) cancel = clock.after(everyMs, alive);
		},
		async stopping() {
			isOver = true;
			cancel();
			await tell(env, log, 'STOPPING=1');
		},
	};
}

/** A third of what it allows, so that two may be lost; undefined where nobody watches, or another process is meant. */
function watchdogEveryMs({ WATCHDOG_USEC, WATCHDOG_PID }: Env): number | undefined {
	const allowedMs = Number(WATCHDOG_USEC) / 1000;
	if (!(allowedMs > 0)) return undefined;
	return WATCHDOG_PID === undefined || Number(WATCHDOG_PID) === process.pid ? allowedMs / 3 : undefined;
}

function tell({ NOTIFY_SOCKET, PATH }: Env, log: Log, what: string): Promise<void> {
	if (!NOTIFY_SOCKET) return Promise.resolve();
	return new Promise((resolve) => {
		execFile('systemd-notify', [what], { env: { NOTIFY_SOCKET, PATH }, timeout: withinMs }, (error) => {
			if (error) log.warn({ err: messageOf(error) }, `systemd was not told ${what}`);
			resolve();
		});
	});
}
