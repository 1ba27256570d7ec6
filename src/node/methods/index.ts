/**
 * Owns the list of the methods that every node brings along.
 * Promises that they are defined as users' methods are.
 * Has no state; the files that two of them write to are a service of their own.
 */

import type { MethodDefinition } from '../processes/method.ts';
import { auditLog, errorLog } from './error-log.ts';
import type { LogFiles } from './log-files.ts';
import { ping } from './ping.ts';
import { type ShellCommandOptions, shellCommand } from './shell-command.ts';
import { textLogging } from './text-logging.ts';

export type BuiltinMethodsOptions = ShellCommandOptions & {
	/** Started before the first event is handled, stopped after the last. */
	readonly files: LogFiles;
};

export function builtinMethods(options: BuiltinMethodsOptions): readonly MethodDefinition[] {
	const { files, clock } = options;
	return [shellCommand(options), textLogging(files), errorLog(files, clock), auditLog(files, clock), ping()];
}
