/**
 * Owns how errors are told: a sentence for people, or `{ error: { code, message, details } }` under --json.
 * Promises an exit code for everything that can be thrown, and no stack unless it was asked for.
 * Only writes to stderr.
 */

import { inspect } from 'node:util';
import { isStewardError, messageOf, StewardError } from '../base/errors.ts';
import type { Cli } from './cli.ts';
import { exitCodeOf, exitCodes } from './exit-codes.ts';

/** Tells an error and gives the exit code. */
export function reportError(cli: Cli, thrown: unknown, asJson: boolean): number {
	const error = lostBroker(thrown) ?? thrown;
	const known = isStewardError(error);
	const debug = cli.env.STEWARD_LOG === 'debug';
	if (asJson) {
		const code = known ? error.code : 'defect';
		const details = known ? error.details : {};
		cli.stderr.line(JSON.stringify({ error: { code, message: messageOf(error), details } }));
	} else {
		const text = known
			? error.message
			: `this is a defect of steward: ${messageOf(error)}${debug ? '' : ' (STEWARD_LOG=debug shows the stack)'}`;
		cli.stderr.line(`${cli.stderr.paint('red', 'error:')} ${text}`);
	}
	if (debug) cli.stderr.line(inspect(error));
	return known ? exitCodeOf(error.code) : exitCodes.defect;
}

/** Names of the NATS client's errors for a connection that broke, or a request that nobody answered. */
const brokerErrors: readonly string[] = [
	'ClosedConnectionError',
	'ConnectionError',
	'DrainingConnectionError',
	'NoRespondersError',
	'RequestError',
	'TimeoutError',
];

function lostBroker(error: unknown): StewardError | undefined {
	if (!(error instanceof Error) || !brokerErrors.includes(error.name)) return undefined;
	return new StewardError(
		'no-broker',
		`the broker went silent in the middle (${error.message}): ask again; sending again with the same --id is safe`,
		{ cause: error },
	);
}
