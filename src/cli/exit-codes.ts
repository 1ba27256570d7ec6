/**
 * Owns the exit codes: the one table from what went wrong to what the shell sees.
 * Promises a code for every error that callers can act on; the compiler refuses a table that lacks one.
 * Pure.
 */

import type { ErrorCode } from '../base/errors.ts';

export const exitCodes = {
	done: 0,
	/** The remote command ended in another state than `succeeded`, or doctor found a problem. */
	notSucceeded: 1,
	usage: 2,
	/** `streams plan --check`: the broker is not as this release says. */
	differs: 11,
	/** Something in steward itself is broken. */
	defect: 70,
} as const;

const ofErrorCode = {
	usage: exitCodes.usage,
	invalid: exitCodes.usage,
	'no-broker': 3,
	'no-centre': 3,
	'no-topology': 3,
	ambiguous: 3,
	'not-found': 4,
	'waited-too-long': 5,
	refused: 6,
	denied: 6,
	'id-conflict': 6,
	'schema-newer': 7,
	'gave-up': 8,
	'already-running': 9,
	unauthorized: 10,
	storage: 74,
} as const satisfies Record<ErrorCode, number>;

export function exitCodeOf(code: ErrorCode): number {
	return ofErrorCode[code];
}

/** What a shell reports for a process that a signal ended. */
export const exitCodeOfSignal = { SIGINT: 130, SIGTERM: 143 } as const;

/** As `steward --help` and docs/cli.md tell them. */
export const exitCodeTexts: readonly (readonly [number, string])[] = [
	[0, 'done'],
	[1, 'the remote command ended in another state than succeeded (send --wait, wait); doctor found a problem'],
	[2, 'usage: an unknown option, a message or a configuration that is not valid'],
	[3, 'no broker, no centre where one is needed, or no answer: sending again with the same --id is safe'],
	[4, 'not found'],
	[5, 'waited too long; the command goes on'],
	[
		6,
		'refused at enqueue: id used with other content, denied by the access list, node absent under --when-absent reject, stream full',
	],
	[7, 'what is stored was written by a newer steward'],
	[8, 'supervision gave up; the log says why'],
	[9, 'already running on this data folder, or the port is taken'],
	[10, 'not let in: the broker refuses the credentials, or a certificate is not trusted'],
	[11, 'the streams differ from this release (streams plan --check)'],
	[70, 'a defect of steward; STEWARD_LOG=debug shows the stack'],
	[74, 'the disk refused a write'],
];
