/**
 * Owns the world that chaos breaks: a broker, a centre and nodes as processes of their own, each node behind a link that can
 * be broken, and a service manager that starts again what has ended.
 * Promises that everything is healed by `heal`, and gone when it is disposed of.
 * A process that was stopped goes on before it is ended.
 */

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Fleet } from '../../src/client/fleet.ts';
import { type CentralProcess, startCentralProcess } from '../support/central-process.ts';
import { disposables } from '../support/disposables.ts';
import { type Effects, effectsIn } from '../support/effects.ts';
import { openFleet } from '../support/fleet.ts';
import { type Nats, startNats } from '../support/nats.ts';
import { type NodeProcess, startNodeProcess } from '../support/node-process.ts';
import { type LinkProxy, startProxy } from '../support/proxy.ts';
import { openRaw } from '../support/raw.ts';
import { tempDir } from '../support/temp.ts';

/** A process that is started again whenever it has ended. */
export type Kept = AsyncDisposable & {
	/** Undefined between two starts. */
	readonly pid: number | undefined;
	readonly starts: number;
	/** While it is held down it is not started again. */
	hold(down: boolean): void;
};

export type Ship = {
	readonly name: string;
	readonly dataDir: string;
	readonly effects: Effects;
	readonly link: LinkProxy;
	readonly process: Kept;
};

export type World = AsyncDisposable & {
	readonly nats: Nats;
	readonly central: Kept;
	readonly ships: readonly Ship[];
	readonly fleet: Fleet;
	readonly raw: Awaited<ReturnType<typeof openRaw>>;
};

type Running = AsyncDisposable & { readonly pid: number; readonly exited: Promise<unknown> };

const restartAfterMs = 200;

export async function buildWorld(shipNames: readonly string[]): Promise<World> {
	const parts = disposables();
	try {
		const nats = parts.use(await startNats());
		const dir = parts.use(await tempDir('steward-chaos-'));
		const central = parts.use(
			keep(
				() =>
					startCentralProcess(nats.url, { presenceTtlMs: 3000, leaseTtlMs: 3000 }) as Promise<CentralProcess>,
			),
		);
		const ships: Ship[] = [];
		for (const name of shipNames) {
			const dataDir = join(dir.path, name);
			await mkdir(dataDir);
			const link = parts.use(await startProxy(nats.port));
			const lanes = { normal: 4, urgent: 2 };
			const start = (): Promise<NodeProcess> =>
				startNodeProcess(link.url, name, dataDir, { node: { beatEveryMs: 1000, lanes } });
			ships.push({ name, dataDir, effects: effectsIn(dataDir), link, process: parts.use(keep(start)) });
		}
		const fleet = await connectPatiently(nats.url);
		parts.use({ [Symbol.asyncDispose]: () => fleet.close() });
		const raw = parts.use(await openRaw(nats.url));
		return { nats, central, ships, fleet, raw, [Symbol.asyncDispose]: () => parts[Symbol.asyncDispose]() };
	} catch (error) {
		await parts[Symbol.asyncDispose]();
		throw error;
	}
}

/** The centre makes the streams when it has found the broker. */
async function connectPatiently(url: string): Promise<Fleet> {
	const deadline = performance.now() + 30_000;
	for (;;) {
		try {
			return await openFleet(url);
		} catch (error) {
			if (performance.now() > deadline) throw error;
			await new Promise((resolve) => setTimeout(resolve, 100));
		}
	}
}

function keep(start: () => Promise<Running>): Kept {
	const state = { current: undefined as Running | undefined, starts: 0, down: false, over: false };
	const loop = (async () => {
		while (!state.over) {
			if (state.down) {
				await pause(restartAfterMs);
				continue;
			}
			try {
				state.current = await start();
				state.starts += 1;
				if (state.over) await state.current[Symbol.asyncDispose]();
				await state.current.exited;
			} catch {
				// It ended before it said that it runs: that is a start as well.
			}
			state.current = undefined;
			await pause(restartAfterMs);
		}
	})();
	return {
		get pid() {
			return state.current?.pid;
		},
		get starts() {
			return state.starts;
		},
		hold(down) {
			state.down = down;
		},
		async [Symbol.asyncDispose]() {
			state.over = true;
			await state.current?.[Symbol.asyncDispose]();
			await loop;
		},
	};
}

function pause(ms: number): Promise<void> {
	return new Promise((resolve) => setTimeout(resolve, ms));
}
