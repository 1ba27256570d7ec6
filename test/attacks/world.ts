/**
 * Owns the place of an attack: the shipped streams, a victim with something of each kind, and whoever attacks it.
 * Promises the same place with and without the defence: with accounts the attacker is ship1 and has its credentials; without, it is
 * any client of a server of development. Everything is gone at the end.
 */

import { streamsDir } from '../../src/base/package.ts';
import { importedApi } from '../../src/domain/subject.ts';
import type { Connection } from '../../src/jetstream/connection.ts';
import { ensureLaneConsumer } from '../../src/jetstream/consumers.ts';
import { isStreamNotFound } from '../../src/jetstream/errors.ts';
import { applyTopology } from '../../src/jetstream/topology.ts';
import { publicKeyOf } from '../../src/security/accounts.ts';
import { disposables } from '../support/disposables.ts';
import { startNats } from '../support/nats.ts';
import { openRaw } from '../support/raw.ts';
import { accountHash, startSecureNats } from '../support/secure-nats.ts';
import { openUser, type User } from './user.ts';

export type World = AsyncDisposable & {
	readonly isDefended: boolean;
	/** Of the attacker: what JetStream's API is called where it is. */
	readonly api: string;
	readonly attacker: User;
	/** Reads only. */
	readonly viewer: User;
	/** A ship that suffers. */
	readonly victim: User;
	/** The victim as steward connects it. */
	readonly victimLink: Connection;
	/** The centre's side, which sees what truly is. */
	readonly hub: Connection;
	/** How the account with the streams is called in the longer form of an ack. */
	readonly accountHash: string;
	/** Makes streams and consumers that are gone. */
	restore(): Promise<void>;
	/** Puts something of the victim everywhere: `<family>.victim.<id>`. */
	seed(id: string): Promise<void>;
	/** How many messages of a stream match. */
	count(stream: string, filter: string): Promise<number>;
};

const shipName = 'ship1';
const victimName = 'victim';

export async function defended(): Promise<World> {
	const parts = disposables();
	const secure = parts.use(await startSecureNats());
	const open = async (role: 'node' | 'viewer', name: string) =>
		parts.use(await openUser(secure.url, await secure.credentials(role, name)));
	const raw = parts.use(await openRaw(secure.url, undefined, await secure.credentials('centre', 'centre')));
	return world(parts, raw.connection, {
		...{
			isDefended: true,
			api: importedApi,
			accountHash: accountHash(publicKeyOf(secure.keys.accounts.HUB)),
		},
		attacker: await open('node', shipName),
		viewer: await open('viewer', 'bob'),
		victim: await open('node', victimName),
		victimLink: parts.use(await openRaw(secure.url, undefined, await secure.credentials('node', victimName)))
			.connection,
	});
}

export async function undefended(): Promise<World> {
	const parts = disposables();
	const nats = parts.use(await startNats());
	const raw = parts.use(await openRaw(nats.url));
	const open = async () => parts.use(await openUser(nats.url));
	return world(parts, raw.connection, {
		...{ isDefended: false, api: '$JS.API', accountHash: accountHash('$G') },
		...{ attacker: await open(), viewer: await open(), victim: await open(), victimLink: raw.connection },
	});
}

async function world(
	parts: AsyncDisposable,
	hub: Connection,
	sides: Omit<World, 'hub' | 'restore' | 'seed' | 'count' | keyof AsyncDisposable>,
): Promise<World> {
	const restore = async () => {
		await applyTopology(hub, { dir: streamsDir });
		for (const node of [shipName, victimName]) {
			for (const lane of ['normal', 'events'] as const)
				await ensureLaneConsumer(hub, { node, lane, shard: 0, capacity: 4 });
		}
	};
	await restore();
	const store = (subject: string) => hub.nc.request(subject, `of ${victimName}`);
	return {
		...sides,
		...{ hub, restore },
		seed: async (id) => {
			await store(`steward.command.0.${victimName}.normal.shellCommand.${id}`);
			for (const family of ['claim', 'report', 'output'])
				await store(`steward.${family}.${victimName}.${id}`);
			await store(`steward.event.${victimName}._operator.textLogging`);
			await store(`steward.state.${victimName}`);
			await store(`$KV.steward-ledger.${victimName}.${id}`);
			await store(`$KV.steward-nodes.${victimName}`);
			await hub.nc.request(`$KV.steward-presence.${victimName}`, '');
		},
		count: async (stream, filter) => {
			const { state } = await hub.jsm.streams.info(stream, { subjects_filter: filter }).catch(goneIsEmpty);
			return Object.values(state.subjects ?? {}).reduce((sum, count) => sum + count, 0);
		},
		[Symbol.asyncDispose]: () => parts[Symbol.asyncDispose](),
	};
}

function goneIsEmpty(error: unknown): { state: { subjects?: Record<string, number> } } {
	if (!isStreamNotFound(error)) throw error;
	return { state: {} };
}
