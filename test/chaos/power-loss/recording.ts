/**
 * Owns a recorded world: a broker and a node under strace, a centre, and work, until all of them die in one moment.
 * Promises the two traces with the disks that they began with, and what was sent. The broker has lived before, so that its store
 * holds what a server writes when it stops. Everything is gone at the end; the traces are in memory.
 */

import { cp, mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { MessageForm } from '../../../src/domain/message.ts';
import { startCentralProcess } from '../../support/central-process.ts';
import { disposables } from '../../support/disposables.ts';
import { type Effects, effectsIn } from '../../support/effects.ts';
import { openFleet } from '../../support/fleet.ts';
import { shortenLeases } from '../../support/leases.ts';
import { startNats } from '../../support/nats.ts';
import { startNodeProcess } from '../../support/node-process.ts';
import { tempDir } from '../../support/temp.ts';
import { type Random, randomFrom } from '../random.ts';
import { Disk, type Inode } from './disk.ts';
import { readTrace, traced } from './strace.ts';
import type { Trace } from './trace.ts';

export const ship = 'ship1';
export const lanes = { normal: 4, urgent: 2 };
export const quickCentre = { presenceTtlMs: 1500, leaseTtlMs: 3000 };

type Recorded = {
	readonly trace: Trace;
	/** The folder whose disk is modelled. */
	readonly folder: string;
	readonly before: () => Disk;
};

export type Recording = AsyncDisposable & {
	readonly broker: Recorded;
	readonly node: Recorded;
	/** Ids of commands that waited in the store before the recording began. */
	readonly found: readonly string[];
	/** Commands write here that they started; outside what a power loss takes. */
	readonly effects: Effects;
};

export type RecordingOptions = {
	readonly seed: number;
	/** How long there is work at least, milliseconds. */
	readonly forMs: number;
	/** How many commands must have started by then: a busy machine takes longer for them. */
	readonly starts?: number;
	/** Another broker's config than the shipped one. */
	readonly config?: string;
	/** The broker begins with an empty store. */
	readonly isNew?: boolean;
};

export async function record({
	seed,
	forMs,
	starts = 30,
	config,
	isNew = false,
}: RecordingOptions): Promise<Recording> {
	await using parts = disposables();
	const dir = await tempDir('steward-power-');
	try {
		const random = randomFrom(seed);
		const effects = effectsIn(dir.path);
		const found = join(dir.path, 'found');
		const ids = isNew ? [] : Array.from({ length: 12 }, (_, n) => `old${n}`);
		if (isNew) await mkdir(found);
		else await liveOnce(found, ids, effects, random.fork('before'), config);
		const [brokerFile, nodeFile] = [join(dir.path, 'broker.trace'), join(dir.path, 'node.trace')];
		const nats = parts.use(
			await startNats({
				...(config === undefined ? {} : { config }),
				under: traced(brokerFile),
				prepare: (storeDir) => cp(found, storeDir, { recursive: true }),
			}),
		);
		const central = parts.use(await startCentralProcess(nats.url, quickCentre));
		await central.whenReady;
		const fleet = parts.use(await openFleet(nats.url));
		await shortenLeases(nats.url, ship, 1000, { ...lanes, events: 1 });
		const dataDir = join(dir.path, ship);
		await mkdir(dataDir);
		const node = parts.use(
			await startNodeProcess(nats.url, ship, dataDir, {
				node: { lanes },
				under: traced(nodeFile, { lateMs: 60 }),
			}),
		);
		await work(fleet, effects, random.fork('work'), { forMs, starts });
		const pids = [nats.pid, node.pid] as const;
		await Promise.all([nats.kill(), node.kill(), central[Symbol.asyncDispose]()]);
		const before = await diskOf(found);
		return {
			broker: { trace: await readTrace(brokerFile, pids[0]), folder: nats.storeDir, before },
			node: { trace: await readTrace(nodeFile, pids[1]), folder: dataDir, before: () => new Disk() },
			effects,
			found: ids,
			[Symbol.asyncDispose]: () => dir[Symbol.asyncDispose](),
		};
	} catch (error) {
		await dir[Symbol.asyncDispose]();
		throw error;
	}
}

/** A broker's first life, with an orderly end: its store is copied to `found`. */
async function liveOnce(
	found: string,
	ids: readonly string[],
	effects: Effects,
	random: Random,
	config?: string,
): Promise<void> {
	await using nats = await startNats(config === undefined ? {} : { config });
	await using central = await startCentralProcess(nats.url, quickCentre);
	await central.whenReady;
	await using fleet = await openFleet(nats.url);
	await Promise.all(ids.map((id) => fleet.send(commandForm(id, effects, random))));
	await nats.stop();
	await cp(nats.storeDir, found, { recursive: true });
}

/** A machine on which the work takes longer does not do it. */
const longestWorkMs = 180_000;

type Sender = { send(form: MessageForm): Promise<unknown> };

/** One at a time and many at once, commands and events, as fast as they are acknowledged. */
async function work(
	fleet: Sender,
	effects: Effects,
	random: Random,
	{ forMs, starts }: Required<Pick<RecordingOptions, 'forMs' | 'starts'>>,
): Promise<void> {
	const until = performance.now() + forMs;
	const isEnough = async () => performance.now() > until && (await effects.words()).length >= starts;
	for (let n = 0; !(await isEnough()); ) {
		if (performance.now() > until + longestWorkMs) throw new Error(`fewer than ${starts} commands started`);
		const forms = Array.from({ length: random.pick([1, 1, 3, 20]) }, () => {
			n += 1;
			if (random.chance(0.2)) return eventForm(n);
			return commandForm(`c${n}`, effects, random);
		});
		await Promise.all(forms.map((form) => fleet.send(form)));
		await new Promise((resolve) => setTimeout(resolve, random.between(0, 150)));
	}
}

/** What a command prints. */
export function outputOf(id: string): string {
	return `out ${id}\n`;
}

function commandForm(id: string, effects: Effects, random: Random): MessageForm {
	const takes = (random.between(0, 15) / 100).toFixed(2);
	const data = effects.shell(id, `sleep ${takes}; echo out ${id}`);
	const lane = random.chance(0.2) ? 'urgent' : 'normal';
	return { toNode: ship, kind: 'command', method: 'shellCommand', id, lane, data };
}

function eventForm(n: number): MessageForm {
	return { toNode: ship, kind: 'event', method: 'textLogging', data: [`event ${n}`] };
}

/** A disk with what the folder holds, all of it safe. */
async function diskOf(folder: string): Promise<() => Disk> {
	const files: { path: readonly string[]; data: Buffer | undefined }[] = [];
	const walk = async (path: readonly string[]): Promise<void> => {
		for (const entry of await readdir(join(folder, ...path), { withFileTypes: true })) {
			const own = [...path, entry.name];
			const isFolder = entry.isDirectory();
			files.push({ path: own, data: isFolder ? undefined : await readFile(join(folder, ...own)) });
			if (isFolder) await walk(own);
		}
	};
	await walk([]);
	return () => {
		const disk = new Disk();
		for (const { path, data } of files) {
			const into = disk.find(path.slice(0, -1)) as Inode;
			const inode = disk.create(into, path.at(-1) ?? '', data === undefined);
			if (data && data.length > 0) disk.write(inode, 0, data, true);
		}
		disk.allSafe();
		return disk;
	};
}
