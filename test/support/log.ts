/**
 * Owns a log that tests can read.
 * Promises every line with its fields, those of its parents included, in the order in which they were written.
 * Holds nothing outside itself.
 */

import type { Log, LogLevel } from '../../src/base/log.ts';

export type LogLine = { level: LogLevel; message: string; fields: Record<string, unknown> };

export function recordingLog(
	lines: LogLine[] = [],
	bound: Record<string, unknown> = {},
): Log & { readonly lines: readonly LogLine[] } {
	const at =
		(level: LogLevel) =>
		(first: Record<string, unknown> | string, second = '') => {
			const [fields, message] = typeof first === 'string' ? [{}, first] : [first, second];
			lines.push({ level, message, fields: { ...bound, ...fields } });
		};
	return {
		lines,
		debug: at('debug'),
		info: at('info'),
		warn: at('warn'),
		error: at('error'),
		child: (fields) => recordingLog(lines, { ...bound, ...fields }),
	};
}
