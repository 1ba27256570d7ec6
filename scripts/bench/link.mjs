/**
 * Owns a way to a server that can be cut and let back, and what goes over it.
 * Promises that a cut ends all connections at once, that none comes up until the link is back, and that its port stays the same.
 * Dies with its process, and all connections with it.
 */

import { once } from 'node:events';
import { connect, createServer } from 'node:net';

const host = '127.0.0.1';

/** @param target Port of the server. */
export async function startLink(target) {
	const sockets = new Set();
	const bytes = { toServer: 0, toClients: 0 };
	const join = (from, to, way) => {
		sockets.add(from);
		from.setNoDelay(true);
		// The other side's end, or its death, is this side's.
		from.on('error', () => undefined).on('close', () => sockets.delete(from) && to.destroy());
		from.on('data', (chunk) => {
			bytes[way] += chunk.length;
		});
		from.pipe(to);
	};
	const open = async (port) => {
		const server = createServer((client) => {
			const there = connect(target, host);
			join(client, there, 'toServer');
			join(there, client, 'toClients');
		});
		server.listen(port, host);
		await once(server, 'listening');
		return server;
	};
	let server = await open(0);
	const { port } = server.address();
	const cut = () => {
		server.close();
		for (const socket of sockets) socket.destroy();
	};
	return {
		/** What has gone over it so far. */
		bytes: () => bytes.toServer + bytes.toClients,
		url: `nats://${host}:${port}`,
		cut,
		async letBack() {
			server = await open(port);
		},
		stop: async () => cut(),
	};
}
