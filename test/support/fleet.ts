/**
 * Owns the making of centres, nodes and fleets in integration tests, over a real nats-server.
 * Promises that what was started is stopped, also when the test fails.
 * Each has its own folder, gone at the end.
 */

import { type Clock, systemClock } from '../../src/base/clock.ts';
import { createLog, type Log } from '../../src/base/log.ts';
import { streamsDir } from '../../src/base/package.ts';
import { Central } from '../../src/central/central.ts';
import { connect, type Fleet } from '../../src/client/fleet.ts';
import { type ConfigForm, compileConfig } from '../../src/domain/config.ts';
import { Node } from '../../src/node/node.ts';
import type { Credentials } from '../../src/security/credentials.ts';
import { builtFile } from './built.ts';
import { tempDir } from './temp.ts';

const log = await createLog({
	level: process.env.TEST_LOG === undefined ? 'silent' : 'debug',
	pretty: false,
});
const quick: ConfigForm['centre'] = { presenceTtlMs: 1500, leaseTtlMs: 3000 };

export type Started<Part> = AsyncDisposable & { readonly part: Part; stop(): Promise<void> };

function started<Part extends { stop(): Promise<void> }>(
	part: Part,
	after?: () => Promise<void>,
): Started<Part> {
	const stop = () => part.stop();
	return {
		part,
		stop,
		[Symbol.asyncDispose]: async () => {
			await stop();
			await after?.();
		},
	};
}

export async function startCentral(
	servers: string,
	centre: ConfigForm['centre'] = {},
	credentials?: Credentials,
): Promise<Started<Central>> {
	const config = compileConfig([{ servers, data: 'unused', centre: { ...quick, ...centre } }]);
	const central = new Central({
		config,
		credentials,
		streamsDir,
		clock: systemClock,
		log: log.child({ part: 'central' }),
	});
	await central.start();
	await central.ready();
	return started(central);
}

export type StartedNode = Started<Node> & { readonly dataDir: string };

/** A node in a folder of its own, or in `dataDir` when that is given: then the folder stays. */
export async function startNode(
	servers: string,
	name: string,
	options: {
		dataDir?: string;
		domain?: string;
		credentials?: Credentials;
		node?: ConfigForm['node'];
		nameQuietMs?: number;
		clock?: Clock;
		log?: Log;
	} = {},
): Promise<StartedNode> {
	const own = options.dataDir === undefined ? await tempDir('steward-node-') : undefined;
	const dataDir = options.dataDir ?? own?.path ?? '';
	const config = compileConfig([
		{ servers, domain: options.domain, data: dataDir, node: { beatEveryMs: 400, ...options.node } },
	]);
	const node = new Node({
		name,
		config,
		credentials: options.credentials,
		dataDir,
		version: 'test',
		env: process.env,
		cwd: dataDir,
		runtimeDir: dataDir,
		runnerPath: builtFile('bin/isolated-child.js'),
		storeWalkPath: builtFile('bin/store-walk.js'),
		...(options.nameQuietMs === undefined ? {} : { nameQuietMs: options.nameQuietMs }),
		clock: options.clock ?? systemClock,
		log: options.log ?? log.child({ part: name }),
		random: Math.random,
	});
	await node.start();
	return { ...started(node, async () => own?.[Symbol.asyncDispose]()), dataDir };
}

/** `credentials`: path of a file. */
export async function openFleet(servers: string, credentials?: string): Promise<Fleet> {
	// On a busy machine the first answer takes its time.
	return connect({ servers, credentials, name: 'test', timeoutMs: 30_000 });
}
