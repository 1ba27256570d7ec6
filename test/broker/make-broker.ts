/**
 * Owns brokers for the tests of this folder: on a temporary folder, quiet, with what they logged kept.
 * Promises that none is left when its test ends.
 * A killed test run takes its servers with it, as every broker does.
 */

import { systemClock } from '../../src/base/clock.ts';
import type { Log } from '../../src/base/log.ts';
import { Broker, type BrokerOptions } from '../../src/broker/broker.ts';

export type TestBroker = AsyncDisposable & { broker: Broker; lines: string[] };

export function makeBroker(dataDir: string, options: Partial<BrokerOptions> = {}): TestBroker {
	const lines: string[] = [];
	const log = recordingLog(lines);
	const broker = new Broker({
		...{ dataDir, port: 0, env: process.env, clock: systemClock, log, random: Math.random },
		...options,
	});
	return { broker, lines, [Symbol.asyncDispose]: () => broker.stop() };
}

export function recordingLog(lines: string[]): Log {
	const at = (level: string) => (fields: unknown, message?: string) => {
		lines.push(`${level} ${message ?? fields} ${message === undefined ? '' : JSON.stringify(fields)}`);
	};
	const log: Log = {
		debug: at('debug'),
		info: at('info'),
		warn: at('warn'),
		error: at('error'),
		child: () => log,
	};
	return log;
}
