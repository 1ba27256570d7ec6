/**
 * Owns logging: one JSON line an event on stderr, pretty on a TTY.
 * Promises that modules see only the narrow `Log` port; payloads and secrets are never logged above debug.
 * Lines are written synchronously, so the last line before a crash is there.
 */

type LogMethod = {
	(fields: Record<string, unknown>, message: string): void;
	(message: string): void;
};

/** The port that every part takes. `child` adds fields to each line (a command's handle, for one). */
export type Log = {
	debug: LogMethod;
	info: LogMethod;
	warn: LogMethod;
	error: LogMethod;
	child(fields: Record<string, unknown>): Log;
};

export const logLevels = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

/** A log on stderr. `pretty` loads pino-pretty, for people at a terminal. */
export async function createLog(options: { level: LogLevel; pretty: boolean }): Promise<Log> {
	// Loaded here: whoever needs only the port, or the names of the levels, starts faster without it.
	const { default: pino } = await import('pino');
	const settings = {
		level: options.level,
		base: null,
		timestamp: pino.stdTimeFunctions.isoTime,
		formatters: { level: (label: string) => ({ level: label }) },
	};
	if (!options.pretty) {
		const plain: Log = pino(settings, pino.destination({ fd: 2, sync: true }));
		return plain;
	}
	const { default: pretty } = await import('pino-pretty');
	const log: Log = pino(
		settings,
		pretty({ destination: 2, sync: true, colorize: true, translateTime: 'SYS:HH:MM:ss', ignore: 'part' }),
	);
	return log;
}

/** A log that goes nowhere, for libraries whose user gave none. */
export const silentLog: Log = {
	debug: () => undefined,
	info: () => undefined,
	warn: () => undefined,
	error: () => undefined,
	child: () => silentLog,
};
