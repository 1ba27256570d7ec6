/**
 * Owns the world that chaos breaks: a site, two centres whose clocks are an hour apart, and nodes as processes of their own,
 * each behind a link that can be broken, with service managers that start again what has ended.
 * Promises that everything is healed by `heal`, and gone when it is disposed of.
 * A process that was stopped goes on before it is ended.
 */

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Fleet } from '../../src/client/fleet.ts';
import type { ConfigForm } from '../../src/domain/config.ts';
import { type CentralProcess, startCentralProcess } from '../support/central-process.ts';
import { disposables } from '../support/disposables.ts';
import { type Effects, effectsIn } from '../support/effects.ts';
import { eventually } from '../support/eventually.ts';
import { openFleet } from '../support/fleet.ts';
import { type NodeProcess, type NodeProcessOptions, startNodeProcess } from '../support/node-process.ts';
import { openRaw } from '../support/raw.ts';
import type { SmallDisk } from '../support/small-disk.ts';
import { tempDir } from '../support/temp.ts';
import { shipDisk } from './disk.ts';
import { type Kept, keep } from './kept.ts';
import type { ShipWay, Site } from './site.ts';

export type Ship = ShipWay & {
	readonly name: string;
	readonly dataDir: string;
	/** Data folders of all nodes that ever ran under this name. */
	readonly folders: string[];
	/** Not in the data folder: faults there must not touch the witness. */
	readonly effects: Effects;
	readonly process: Kept<NodeProcess>;
	/** Below its data folder, where this process may mount one. */
	readonly disk: SmallDisk | undefined;
	/** How far the node's clock is from the machine's, milliseconds; stays across its restarts. */
	clockOffsetMs: number;
	/**
	 * Epoch times at which what only its store knew may have been lost, or a second node used its name: what is promised of
	 * one store does not reach across.
	 */
	readonly storeLostAt: number[];
	readonly nameSharedAt: number[];
};

export type World = AsyncDisposable & {
	readonly site: Site;
	readonly centres: readonly Kept<CentralProcess>[];
	readonly ships: readonly Ship[];
	readonly fleet: Fleet;
	readonly raw: Awaited<ReturnType<typeof openRaw>>;
	/** Longest and shortest times of what lasts: the long form has longer ones. */
	readonly pace: Pace;
	/** Folder for whatever faults need; gone at the end. */
	readonly dir: string;
	/** Starts another node under this ship's name, with a store of its own. */
	startNamesake(ship: Ship, dataDir: string): Promise<NodeProcess>;
};

export type Pace = 'short' | 'long';

/** The clock of the second centre is another machine's. */
const centreClocksMs = [0, 3_600_000];
/** Also in a service manager's view a centre that answers nothing for so long has lost its lease. */
const leaseTtlMs = 3000;

export async function buildWorld(
	site: Site,
	options: { readonly ships: number; readonly pace: Pace; readonly buildDir?: string | undefined },
): Promise<World> {
	const { buildDir } = options;
	const parts = disposables();
	parts.use(site);
	try {
		const { path: dir } = parts.use(await tempDir('steward-chaos-'));
		const centre = { presenceTtlMs: 3000, leaseTtlMs, ...site.centre };
		const centres = centreClocksMs.map((clockOffsetMs) =>
			parts.use(
				keep(async (onSpawn) => {
					const process = await startCentralProcess(site.servers, centre, clockOffsetMs, buildDir);
					onSpawn(process.pid);
					return process;
				}),
			),
		);
		const ships: Ship[] = [];
		for (let n = 0; n < options.ships; n++) {
			const ship = await launch(`ship${n}`, dir, await site.shipWay(`ship${n}`), buildDir);
			if (ship.disk) parts.use(ship.disk);
			parts.use(ship.process);
			ships.push(ship);
		}
		const fleet = await eventually(() => openFleet(site.servers), {
			timeoutMs: 60_000,
			everyMs: 100,
			message: 'the centre makes the streams when it has found the broker',
		});
		parts.use({ [Symbol.asyncDispose]: () => fleet.close() });
		const raw = parts.use(await openRaw(site.servers));
		return {
			...{ site, centres, ships, fleet, raw, dir, pace: options.pace },
			async startNamesake(ship, dataDir) {
				await mkdir(dataDir);
				return startNode(ship, dataDir, { buildDir });
			},
			[Symbol.asyncDispose]: () => parts[Symbol.asyncDispose](),
		};
	} catch (error) {
		await parts[Symbol.asyncDispose]();
		throw error;
	}
}

const nodeConfig: ConfigForm['node'] = { beatEveryMs: 1000, lanes: { normal: 4, urgent: 2 } };

async function launch(name: string, dir: string, way: ShipWay, buildDir?: string): Promise<Ship> {
	const dataDir = join(dir, name);
	const witness = join(dir, `${name}-witness`);
	for (const path of [dataDir, witness]) await mkdir(path);
	const disk = await shipDisk(dataDir);
	const ship: Ship = {
		...{ ...way, disk },
		...{ name, dataDir, folders: [dataDir], effects: effectsIn(witness) },
		...{ clockOffsetMs: 0, storeLostAt: [], nameSharedAt: [] },
		process: keep((onSpawn) =>
			startNode(ship, dataDir, { onSpawn, clockOffsetMs: ship.clockOffsetMs, buildDir }),
		),
	};
	return ship;
}

async function startNode(
	{ servers, name, config }: ShipWay & { name: string },
	dataDir: string,
	more: NodeProcessOptions = {},
): Promise<NodeProcess> {
	return startNodeProcess(servers, name, dataDir, { node: nodeConfig, nameQuietMs: 5000, config, ...more });
}

/** Everything that lasts is over. */
export async function healAll({ site, centres, ships }: World): Promise<void> {
	for (const pid of [...site.brokers, ...centres, ...ships.map(({ process }) => process)].map(
		({ pid }) => pid,
	)) {
		if (pid !== undefined) goOn(pid);
	}
	for (const { link, process } of ships) {
		link.heal();
		process.hold(false);
	}
	await site.heal();
}

function goOn(pid: number): void {
	try {
		process.kill(pid, 'SIGCONT');
	} catch {
		// It has ended, and is started again.
	}
}
