/**
 * Owns a connection of a test itself, beside those of the parts under test.
 * Promises that it is closed at the end.
 * Holds nothing.
 */

import { systemClock } from '../../src/base/clock.ts';
import { type Connection, closeConnection, openConnection } from '../../src/jetstream/connection.ts';
import type { Credentials } from '../../src/security/credentials.ts';

export async function openRaw(
	url: string,
	domain?: string,
	credentials?: Credentials,
): Promise<Connection & { readonly connection: Connection } & AsyncDisposable> {
	const connection = await openConnection({
		...{ servers: url.split(','), domain, credentials, name: 'test' },
		// On a busy machine the first answer takes its time.
		timeoutMs: 30_000,
	});
	return { ...connection, connection, [Symbol.asyncDispose]: () => closeConnection(connection, systemClock) };
}
