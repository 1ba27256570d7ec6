/**
 * Owns what the server's word on a publish means: a sequence, or why there is none.
 * Promises that an answer which did not come, or cannot be read, is never taken for a refusal.
 * Pure.
 */

import { ClosedConnectionError, errors, type Msg, TimeoutError } from '@nats-io/transport-node';
import { z } from 'zod';
import { messageOf, StewardError } from '../base/errors.ts';
import { decode } from '../domain/wire.ts';
import { isNotAllowed, isPassing, notAllowed } from './errors.ts';
import { LinkLostError } from './reach.ts';

/**
 * Why a publish has no PubAck. `refused`: the server said no, with its error code. `unavailable`: nobody took it
 * (no responders, a stream between two leaders, or the link is down). `ambiguous`: no answer came, and it may be stored.
 */
export class PublishError extends Error {
	readonly kind: 'refused' | 'unavailable' | 'ambiguous';
	/** The server's `err_code`, 0 where it gave none. */
	readonly errCode: number;

	constructor(kind: PublishError['kind'], errCode: number, message: string, options?: { cause?: unknown }) {
		super(message, options);
		this.name = 'PublishError';
		this.kind = kind;
		this.errCode = errCode;
	}
}

/** The expectation of a compare-and-set was not met. */
export function isWrongSequence(error: unknown): boolean {
	return error instanceof PublishError && error.errCode === 10071;
}

/** Another message of the same subject is in flight. */
function isInFlight(error: unknown): boolean {
	return error instanceof PublishError && error.errCode === 10164;
}

/** Nobody took it, and somebody may soon: the stream is between two leaders, or a server restarts. Nothing was stored. */
export function isLeaderless(error: unknown): boolean {
	return (
		error instanceof PublishError && error.kind === 'unavailable' && !(error.cause instanceof LinkLostError)
	);
}

/** To be asked again: nobody took it for now, or another message of the same subject is in flight. */
export function willPass(error: unknown): boolean {
	return isInFlight(error) || isLeaderless(error);
}

/** The message is larger than the broker, or what steward does with it, allows. */
export function isTooLarge(error: unknown): boolean {
	return error instanceof PublishError && error.errCode === 10054;
}

/** The server's own code for it, also where it is noticed before the server sees the message. */
export function tooLarge(bytes: number, limit: number): PublishError {
	return new PublishError(
		'refused',
		10054,
		`data: the message has ${bytes} bytes with it, and at most ${limit} can be taken`,
	);
}

const answerSchema = z.object({
	seq: z.number().optional(),
	/** JetStream domain of the stream that took it. */
	domain: z.string().optional(),
	/** Messages of the batch. */
	count: z.number().optional(),
	error: z.object({ err_code: z.number().optional(), description: z.string().optional() }).optional(),
});

/** `wanted`: domain where the stream has to be, if that was named. @throws PublishError */
export function parseAnswer(reply: Msg, wanted?: string): { seq: number; count: number | undefined } {
	const { seq, count, domain, error } = decode(answerSchema, reply.data) ?? {};
	if (error?.err_code !== undefined && isPassing(error.err_code)) {
		throw new PublishError('unavailable', error.err_code, error.description ?? 'the stream has no leader');
	}
	if (error) {
		throw new PublishError('refused', error.err_code ?? 0, error.description ?? 'refused by the server');
	}
	if (seq === undefined) throw new PublishError('ambiguous', 0, 'the answer holds no sequence');
	if (wanted !== undefined && domain !== wanted) {
		const where = domain === undefined ? 'no JetStream domain' : `the JetStream domain ${domain}`;
		const why = `a stream in ${where} took it, and may have come before the one in ${wanted}: remove steward's streams there`;
		throw new PublishError('ambiguous', 0, why);
	}
	return { seq, count };
}

/** What a request that threw means for the publish. */
export function publishErrorOf(error: unknown): PublishError {
	if (error instanceof PublishError) return error;
	if (error instanceof errors.NoRespondersError) {
		return new PublishError('unavailable', 0, 'no stream takes this subject at the moment', { cause: error });
	}
	if (error instanceof LinkLostError) {
		return new PublishError(error.sent ? 'ambiguous' : 'unavailable', 0, error.message, { cause: error });
	}
	if (isNotAllowed(error)) return new PublishError('refused', 0, messageOf(error), { cause: error });
	const why =
		error instanceof TimeoutError
			? 'no answer in time'
			: error instanceof ClosedConnectionError
				? 'the connection was closed before an answer came'
				: 'the connection failed';
	return new PublishError('ambiguous', 0, why, { cause: error });
}

/**
 * What a publish without a PubAck means to whoever asked for it, in their words: `refused` is followed by the reason and what
 * to do about it. Another error stays as it is.
 */
export function publishFailure(
	error: unknown,
	words: Readonly<Record<PublishError['kind'], string>> & { readonly details?: Record<string, unknown> },
): unknown {
	if (!(error instanceof PublishError)) return error;
	const { kind, errCode } = error;
	const { details } = words;
	if (isNotAllowed(error.cause)) return notAllowed(error.cause);
	switch (kind) {
		case 'ambiguous':
			return new StewardError('ambiguous', words.ambiguous, { cause: error, ...(details && { details }) });
		case 'unavailable':
			return new StewardError('no-broker', words.unavailable, { cause: error, ...(details && { details }) });
		case 'refused':
			return new StewardError('refused', `${words.refused}: ${refusalOf(error)}`, {
				cause: error,
				details: { ...details, errCode },
			});
	}
}

/** Why the broker, or we for it, said no, with what to do about it. */
function refusalOf(error: PublishError): string {
	if (isTooLarge(error)) return `${error.message}; put the data elsewhere, and send where it is`;
	return `${error.message} (is the stream full? see steward streams ls)`;
}
