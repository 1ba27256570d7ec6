/**
 * Owns how this program is called by somebody beside it, so that it reaches the same fleet.
 * Promises the shortest line that does, and that an address which holds a password is told to nobody.
 * Pure.
 */

import { usualServer } from '../domain/config.ts';

/** `npx steward`, or `STEWARD_SERVERS=nats://hub.example:4223 steward`; the subcommand comes behind it. */
export function calledAs(program: string, servers: readonly string[]): string {
	const addresses = servers.join(',');
	// A shell would take what else there may be in an address for its own.
	const isTold = addresses !== usualServer && /^[A-Za-z0-9:/.,[\]_-]+$/.test(addresses);
	return isTold ? `STEWARD_SERVERS=${addresses} ${program}` : program;
}
