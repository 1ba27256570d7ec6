/**
 * Owns what nats-server prints: its warnings and errors become our warnings, all else is for debugging.
 * Promises bounds: a line is cut, a flood is counted instead of logged, and only the last lines are kept.
 * The kept lines are for the error message of a server that did not come up; a crash may lose them.
 */

import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';

const longestLine = 500;
const keptLines = 20;
/** A server whose disk is full says so at each message. */
const warningsPerMinute = 30;

/** What it warns of is what was asked for. */
const meant = [/^Clients that are not using "TLS Handshake First" option will fail to connect/];

export type ServerOutput = {
	/** The last lines, oldest first. */
	tail(): string;
};

export function followOutput(streams: readonly (Readable | null)[], clock: Clock, log: Log): ServerOutput {
	const kept: string[] = [];
	let minuteStart = clock.monotonic();
	let warnings = 0;
	const warn = (message: string) => {
		if (clock.monotonic() - minuteStart >= 60_000) {
			const left = warnings - warningsPerMinute;
			if (left > 0) log.warn({ left }, 'nats-server printed more warnings than were logged');
			minuteStart = clock.monotonic();
			warnings = 0;
		}
		warnings += 1;
		if (warnings <= warningsPerMinute) log.warn(`nats-server: ${message}`);
	};
	for (const stream of streams) {
		if (stream === null) continue;
		createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY }).on('line', (whole) => {
			const line = whole.slice(0, longestLine);
			kept.push(line);
			if (kept.length > keptLines) kept.shift();
			// [pid] date time [LVL] message; a line that is none of the server's own comes from a crash.
			const [, level, message = line] = /^\[\d+\] \S+ \S+ \[(\w{3})\] (.*)$/.exec(line) ?? [];
			const isMeant = meant.some((known) => known.test(message));
			if (isMeant || level === 'INF' || level === 'DBG' || level === 'TRC')
				log.debug(`nats-server: ${message}`);
			else warn(message);
		});
	}
	return { tail: () => kept.join('\n') };
}
