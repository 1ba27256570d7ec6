/**
 * Owns a hub and the leaf servers of ships in tests: the files of deploy/leaf as they are, with ports, stores and addresses
 * of the test's own.
 * Promises that the link between a leaf and the hub can be broken, and that nothing is left when it is disposed of.
 * A leaf keeps its port, its store and its link through a restart.
 */

import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { packageRoot } from '../../src/base/package.ts';
import { disposables } from './disposables.ts';
import { type Nats, startNats } from './nats.ts';
import { freePort } from './ports.ts';
import { type LinkProxy, startProxy } from './proxy.ts';
import { tempDir } from './temp.ts';

export const hubDomain = 'hub';

/** A ship's own server, and its link to the hub. */
export type Leaf = AsyncDisposable & { readonly nats: Nats; readonly link: LinkProxy };

export type Hub = AsyncDisposable & {
	readonly nats: Nats;
	/** Starts the leaf server of a ship; it ends with the hub, if not before. */
	startLeaf(ship: string): Promise<Leaf>;
};

export async function startHub(): Promise<Hub> {
	const parts = disposables();
	try {
		const dir = parts.use(await tempDir('steward-leaf-'));
		// The hub's listener for leaf servers has to keep its port through a restart, and no flag sets it.
		const leafPort = await freePort();
		const config = join(dir.path, 'hub.conf');
		await writeConfig('hub.conf', config, { 'port: 7422': `port: ${leafPort}` });
		const nats = parts.use(await startNats({ config }));
		const startLeaf = async (ship: string): Promise<Leaf> => {
			const own = parts.use(disposables());
			const link = own.use(await startProxy(leafPort));
			const file = join(dir.path, `${ship}.conf`);
			await writeConfig('ship.conf', file, {
				'127.0.0.1:7422': `127.0.0.1:${link.port}`,
				'domain: ship1': `domain: ${ship}`,
			});
			return {
				link,
				nats: own.use(await startNats({ config: file })),
				[Symbol.asyncDispose]: () => own[Symbol.asyncDispose](),
			};
		};
		return { nats, startLeaf, [Symbol.asyncDispose]: () => parts[Symbol.asyncDispose]() };
	} catch (error) {
		await parts[Symbol.asyncDispose]();
		throw error;
	}
}

/** The shipped file with some of its words replaced. Its client and monitoring ports are set by flags, its store is relative. */
async function writeConfig(
	name: string,
	path: string,
	words: Readonly<Record<string, string>>,
): Promise<void> {
	let text = await readFile(join(packageRoot, 'deploy/leaf', name), 'utf8');
	text = text.replaceAll(/store_dir: ".*"/g, 'store_dir: "./data/broker/store"');
	for (const [shipped, own] of Object.entries(words)) {
		if (text.split(shipped).length !== 2) throw new Error(`deploy/leaf/${name}: expected "${shipped}" once`);
		text = text.replace(shipped, own);
	}
	await writeFile(path, text);
}
