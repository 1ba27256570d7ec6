/**
 * Owns a broker and a connection to it for all tests of a file.
 * Promises that both are there before its first test and gone after its last, also when one of them could not be made.
 * Its tests share them: what one leaves on the broker the next one finds.
 */

import { afterAll, beforeAll } from 'vitest';
import type { Connection } from '../../src/jetstream/connection.ts';
import { disposables } from './disposables.ts';
import { startNats } from './nats.ts';
import { openRaw } from './raw.ts';

/** To be called where a file begins; the answer gives the connection within its tests. */
export function connectionOfFile(): () => Connection {
	const things = disposables();
	let connection: Connection | undefined;
	beforeAll(async () => {
		const nats = things.use(await startNats());
		connection = things.use(await openRaw(nats.url)).connection;
	});
	afterAll(() => things[Symbol.asyncDispose]());
	return () => {
		if (!connection) throw new Error('the connection is there within tests only');
		return connection;
	};
}
