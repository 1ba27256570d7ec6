/**
 * Owns why a method does not take what it was sent, and who is told of a refusal.
 * Promises that what was refused because of who sent it is told apart from what could not be done.
 * Holds nothing.
 */

import { messageOf } from '../../base/errors.ts';
import type { Envelope } from '../../domain/envelope.ts';
import { formatHandle } from '../../domain/names.ts';
import type { FaultRecord } from '../../domain/result.ts';
import type { StoredCommand } from '../../jetstream/stored-command.ts';
import type { ErrorReporter } from '../error-reporter.ts';
import type { KnownMethod, MethodsTable } from '../methods-table.ts';
import { ProcessPaused } from '../processes/method.ts';

/** Faults of which the error kernel knows more than that the data is bad. */
const kinds = ['undecodable', 'unknownMethod', 'untrusted', 'denied'] as const;

type Reporters = {
	readonly errors: Pick<ErrorReporter, 'report'>;
	/** Told of what was refused because of who sent it. */
	readonly audit: Pick<ErrorReporter, 'report'>;
};

export function reportRefusal(
	{ errors, audit }: Reporters,
	command: StoredCommand,
	{ code, message }: FaultRecord,
): void {
	const kind = kinds.find((one) => one === code) ?? 'badData';
	const reporter = kind === 'untrusted' || kind === 'denied' ? audit : errors;
	reporter.report({ kind, where: command.method, message, handle: formatHandle(command) });
}

/** Why the method does not take it, if so; `notNow` while its process is down for longer. */
export async function whyUnfit(
	methods: MethodsTable,
	method: KnownMethod | undefined,
	{ method: name, data }: Envelope,
): Promise<FaultRecord | 'notNow' | undefined> {
	if (!method) return { code: 'unknownMethod', message: methods.whyUnknown(name, 'command') };
	try {
		const problems = await method.process.check(name, data);
		if (problems.length === 0) return undefined;
		return { code: 'badData', message: `data does not fit ${name}: ${problems.join('; ')}` };
	} catch (error) {
		if (error instanceof ProcessPaused) return 'notNow';
		return { code: 'badData', message: `data could not be checked by ${name}: ${messageOf(error)}` };
	}
}
