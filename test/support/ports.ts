/**
 * Owns finding ports for servers that have to be told theirs.
 * Promises ports of 127.0.0.1 that differ from each other and that nobody listened on a moment ago.
 * Holds nothing once it has answered.
 */

import { once } from 'node:events';
import { createServer } from 'node:net';

export async function freePorts(count: number): Promise<readonly number[]> {
	const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
	await Promise.all(servers.map((server) => once(server, 'listening')));
	const addresses = servers.map((server) => server.address());
	await Promise.all(servers.map((server) => once(server.close(), 'close')));
	return addresses.map((address) => {
		if (address === null || typeof address === 'string') throw new Error('the system gave no port');
		return address.port;
	});
}

export async function freePort(): Promise<number> {
	const [port = 0] = await freePorts(1);
	return port;
}
