/**
 * Owns finding ports for servers that have to be told theirs, or to keep theirs through a restart.
 * Promises ports of 127.0.0.1 that no other test process is given before this one ends, that nobody listened on a moment ago, and
 * that the system gives to nobody by itself: a client that dials anywhere takes one of that range, and holds it against a server
 * that comes back.
 */

import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';

/** Below it are those of services that everybody knows. */
const lowest = 10_000;

/** The first of those that the system gives away. */
function firstGivenAway(): number {
	const [first = ''] = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').split('\t');
	return Math.max(Number(first), lowest + 1000);
}

/** Who listens there on a port has been given it. */
const givenAt = '127.0.0.99';

async function listens(port: number, host: string): Promise<Server | undefined> {
	const server = createServer();
	try {
		await once(server.listen(port, host), 'listening');
		return server;
	} catch {
		return undefined;
	}
}

async function isFree(port: number): Promise<boolean> {
	const server = await listens(port, '127.0.0.1');
	if (server) await once(server.close(), 'close');
	return server !== undefined;
}

export async function freePorts(count: number): Promise<readonly number[]> {
	const found: number[] = [];
	while (found.length < count) {
		const port = randomInt(lowest, firstGivenAway());
		// Kept until this process ends.
		const given = await listens(port, givenAt);
		given?.unref();
		if (given && (await isFree(port))) found.push(port);
	}
	return found;
}

export async function freePort(): Promise<number> {
	const [port = 0] = await freePorts(1);
	return port;
}
