/**
 * Owns a broker with steward's streams on it, and the connections that a test opens to it.
 * Promises that all of them are closed before the broker ends, also when the test fails.
 * Holds nothing outside the broker's temporary folder.
 */

import { systemClock } from '../../src/base/clock.ts';
import { streamsDir } from '../../src/base/package.ts';
import { type Connection, closeConnection, openConnection } from '../../src/jetstream/connection.ts';
import { applyTopology } from '../../src/jetstream/topology.ts';
import { eventually } from '../support/eventually.ts';
import { type Nats, type NatsOptions, startNats } from '../support/nats.ts';
import { type LinkProxy, startProxy } from '../support/proxy.ts';

export type Broker = AsyncDisposable & {
	readonly nats: Nats;
	/** Straight to the server. */
	readonly connection: Connection;
	/** Another connection, also through a proxy. */
	connect(via?: { readonly url: string }): Promise<Connection>;
	/** A proxy in front of the server. */
	proxy(): Promise<LinkProxy>;
};

export async function startBroker(options: NatsOptions & { shards?: number } = {}): Promise<Broker> {
	const { shards, ...natsOptions } = options;
	const nats = await startNats(natsOptions);
	const connections: Connection[] = [];
	const proxies: LinkProxy[] = [];
	const connect = async (via: { readonly url: string } = nats) => {
		const connection = await openConnection({ servers: [via.url], name: 'test', timeoutMs: 30_000 });
		connections.push(connection);
		return connection;
	};
	const dispose = async () => {
		await Promise.all(connections.map((connection) => closeConnection(connection, systemClock)));
		await Promise.all(proxies.map((proxy) => proxy[Symbol.asyncDispose]()));
		await nats[Symbol.asyncDispose]();
	};
	try {
		const connection = await connect();
		await applyTopology(connection, { dir: streamsDir, shards });
		return {
			nats,
			connection,
			connect,
			async proxy() {
				const proxy = await startProxy(nats.port);
				proxies.push(proxy);
				return proxy;
			},
			[Symbol.asyncDispose]: dispose,
		};
	} catch (error) {
		await dispose();
		throw error;
	}
}

/** Resolves when the connection answers again, after its server or its link was gone. */
export async function answersAgain({ nc }: Connection): Promise<void> {
	await eventually(() => nc.rtt().then(() => true), {
		message: 'the connection came back',
	});
}

/** Resolves when the proxy has swallowed an answer, which is more than a ping. */
export async function answerIsLost(proxy: LinkProxy): Promise<void> {
	await eventually(() => proxy.bytesLost > 20, { message: 'an answer was lost' });
}

/** How many messages a stream holds. */
export async function messagesOf({ jsm }: Connection, stream: string): Promise<number> {
	return (await jsm.streams.info(stream)).state.messages;
}
