/**
 * Owns the one error type that callers act on.
 * Promises a stable `code`, a message that names the field or thing and the next step, and the `cause`.
 * Nothing here has state; a crash loses nothing.
 */

/** What a caller can act on. The CLI maps each code to an exit code, HTTP to a problem type. */
export const errorCodes = [
	'usage',
	'invalid',
	'no-broker',
	'unauthorized',
	'no-centre',
	'no-topology',
	'not-found',
	'waited-too-long',
	'refused',
	'denied',
	'id-conflict',
	'ambiguous',
	'schema-newer',
	'gave-up',
	'already-running',
	'storage',
] as const;

export type ErrorCode = (typeof errorCodes)[number];

/** An error with a stable `code`. Match on the code, never on the text. */
export class StewardError extends Error {
	readonly code: ErrorCode;
	/** Facts for programs (a duplicate's state, the fields that differ); never secrets. */
	readonly details: Readonly<Record<string, unknown>>;

	constructor(
		code: ErrorCode,
		message: string,
		options: { cause?: unknown; details?: Record<string, unknown> } = {},
	) {
		super(message, options.cause === undefined ? undefined : { cause: options.cause });
		this.name = 'StewardError';
		this.code = code;
		this.details = options.details ?? {};
	}
}

export function isStewardError(error: unknown, code?: ErrorCode): error is StewardError {
	return error instanceof StewardError && (code === undefined || error.code === code);
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
	return error instanceof Error ? error.message : String(error);
}

/** The system's code of anything that was thrown (`ENOENT`), or undefined. */
export function systemCodeOf(error: unknown): string | undefined {
	if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
	return typeof error.code === 'string' ? error.code : undefined;
}

/** For the `default` of an exhaustive switch: does not compile while a case is missing. */
export function unreachable(value: never): never {
	throw new Error(`unreachable: ${JSON.stringify(value)}`);
}
