/**
 * Owns one chaos run: work and faults side by side for a time, then quiet, then the verdict.
 * Promises that what is asked and what breaks are drawn from the seed; when things happen to meet is up to the machine.
 * Everything is healed and gone at the end, also when it fails.
 */

import { setMaxListeners } from 'node:events';
import { isStewardError } from '../../src/base/errors.ts';
import { hasEnded } from '../../src/domain/state.ts';
import { streams, subjects } from '../../src/domain/subject.ts';
import { subjectsOf } from '../../src/jetstream/consumers.ts';
import type { Fault } from './faults/fault.ts';
import { randomFrom } from './random.ts';
import type { Site } from './site.ts';
import { judge, type Verdict, wentWithStore } from './verdict.ts';
import { type CommandKind, nothingSent, type Sent, type SentCommand, sendOne } from './workload.ts';
import { buildWorld, healAll, type Pace, type World } from './world.ts';

export type ChaosOptions = {
	readonly site: () => Promise<Site>;
	/** Those that may come. */
	readonly faults: Readonly<Record<string, Fault>>;
	readonly seed: number;
	/** How long things break at least, milliseconds. */
	readonly forMs: number;
	/** How much must have been asked and broken by then: a busy machine takes longer for as much, and less proves nothing. */
	readonly least: Least;
	readonly pace: Pace;
	readonly ships: number;
	/** Commands and events a second. */
	readonly rate: number;
	/** Longest time between two faults, milliseconds. */
	readonly faultEveryMs: number;
	/** What is asked for; everything by default. */
	readonly kinds?: readonly CommandKind[];
	/** Longest wait for one more end after the last fault, and for the ledger to say so, milliseconds; longer on a busy machine. */
	readonly quietWithinMs?: number;
	/** Before anything is asked, and anything breaks. */
	readonly prepare?: (world: World) => Promise<void>;
	/** Folder of the compiled program, where it is another than what the sources say now. */
	readonly buildDir?: string | undefined;
	readonly log?: (line: string) => void;
	/** Told every second while things break: for how many seconds so far, and what was asked and broken. */
	readonly onProgress?: (seconds: number, detail: string) => void;
};

type Least = { readonly commands: number; readonly faults: number };

/** What broke, when after the beginning, and for how long, milliseconds. */
export type FaultRecord = {
	readonly name: string;
	readonly what: string;
	readonly atMs: number;
	readonly forMs: number;
};

export type ChaosReport = {
	readonly verdict: Verdict;
	readonly faults: readonly FaultRecord[];
	readonly unacknowledged: number;
	/** What a sender was told that it should not have been. */
	readonly problems: readonly string[];
	/** From the last fault's end until every command was final, milliseconds. */
	readonly recoveryMs: number;
};

const usualQuietMs = 360_000;
const lookedAtOnce = 64;

export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
	const { seed, forMs, log = () => undefined } = options;
	const beganAt = performance.now();
	await using world = await buildWorld(await options.site(), options);
	await options.prepare?.(world);
	// Where it takes long to start everything, it takes long until everything has started again.
	const quietWithinMs = Math.max(options.quietWithinMs ?? usualQuietMs, 3 * (performance.now() - beganAt));
	const random = randomFrom(seed);
	const over = new AbortController();
	// Each fault that lasts listens to it.
	setMaxListeners(0, over.signal);
	const sent = nothingSent();
	const broken: FaultRecord[] = [];
	const workOver = new AbortController();
	const ending = untilAllEnded(world, sent, workOver.signal, quietWithinMs);
	const working = work(world, sent, options, over.signal);
	const breaking = breakThings(world, { broken, problems: sent.problems }, options, over.signal);
	const { onProgress = () => undefined } = options;
	const endsAt = performance.now() + forMs + random.fork('end').between(0, 500);
	for (let left = endsAt - performance.now(); left > 0; left = endsAt - performance.now()) {
		onProgress(
			Math.round((forMs - left) / 1000),
			`${sent.commands.length} commands, ${broken.length} faults`,
		);
		await sleep(Math.min(1000, left));
	}
	await untilEnough(options.least, { sent, broken });
	over.abort();
	await breaking;
	await healAll(world);
	const healedAt = performance.now();
	await working;
	workOver.abort();
	const left = await ending;
	if (left > 0) log(`${left} commands have not ended`);
	await eventsTaken(world, quietWithinMs, log);
	const recoveryMs = Math.round(performance.now() - healedAt);
	return {
		verdict: await judge(world, sent, quietWithinMs),
		faults: broken,
		unacknowledged: sent.unacknowledged,
		problems: sent.problems,
		recoveryMs,
	};
}

/** A machine on which it takes longer does not do it; then the counts say so. */
const enoughWithinMs = 120_000;

async function untilEnough(
	{ commands, faults }: Least,
	{ sent, broken }: { sent: Sent; broken: readonly FaultRecord[] },
): Promise<void> {
	const deadline = performance.now() + enoughWithinMs;
	while (sent.commands.length < commands || broken.length < faults) {
		if (performance.now() > deadline) return;
		await sleep(100);
	}
}

/** Resolves early when the run is over. */
function sleep(ms: number, signal?: AbortSignal): Promise<void> {
	return new Promise((resolve) => {
		const done = () => {
			clearTimeout(timer);
			signal?.removeEventListener('abort', done);
			resolve();
		};
		const timer = setTimeout(done, ms);
		signal?.addEventListener('abort', done, { once: true });
		if (signal?.aborted) done();
	});
}

async function work(
	world: World,
	sent: Sent,
	{ seed, rate, kinds }: ChaosOptions,
	signal: AbortSignal,
): Promise<void> {
	const under: Promise<void>[] = [];
	const fail = (error: unknown) => void sent.problems.push(String(error).slice(0, 500));
	for (let n = 1; !signal.aborted; n++) {
		under.push(sendOne(world, sent, n, randomFrom(seed).fork(`command ${n}`), signal, kinds).catch(fail));
		await sleep(1000 / rate, signal);
	}
	await Promise.all(under);
}

export function faultText({ name, what, atMs, forMs }: FaultRecord): string {
	return `${(atMs / 1000).toFixed(1)} s: ${name}: ${what} (${(forMs / 1000).toFixed(1)} s)`;
}

async function breakThings(
	world: World,
	{ broken, problems }: { broken: FaultRecord[]; problems: string[] },
	{ seed, faults, faultEveryMs, log = () => undefined }: ChaosOptions,
	signal: AbortSignal,
): Promise<void> {
	const beganAt = performance.now();
	const random = randomFrom(seed).fork('faults');
	const drawn = Object.entries(faults).map((entry) => [entry, entry[1].weight] as const);
	const under = new Set<Promise<void>>();
	const places = new Map<string, Promise<void>>();
	for (let n = 1; !signal.aborted; n++) {
		await sleep(random.between(200, faultEveryMs), signal);
		if (signal.aborted) break;
		const [name, fault] = random.weighted(drawn);
		const own = random.fork(`fault ${n}`);
		const run = async () => {
			// What still waits for its place when the run is over does not come.
			if (signal.aborted) return;
			const atMs = Math.round(performance.now() - beganAt);
			try {
				const what = await fault.run(world, own, (ms) => sleep(ms, signal));
				const record = { name, what, atMs, forMs: Math.round(performance.now() - beganAt) - atMs };
				broken.push(record);
				log(faultText(record));
			} catch (error) {
				problems.push(`${name} did not heal: ${String(error).slice(0, 500)}`);
			}
		};
		const before = places.get(fault.place ?? '');
		const running = fault.place && before ? before.then(run) : run();
		if (fault.place) places.set(fault.place, running);
		under.add(running);
		void running.finally(() => under.delete(running));
	}
	await Promise.all(under);
}

/** Looks at what has not ended until all has, and says how much is left when `patience` is over. */
async function untilAllEnded(
	world: World,
	sent: Sent,
	over: AbortSignal,
	quietWithinMs: number,
): Promise<number> {
	let seen = 0;
	let open: SentCommand[] = [];
	let deadline = Number.POSITIVE_INFINITY;
	// A busy machine takes long for all of them: as long as one more has ended, it is waited for the others.
	let hasMoved = true;
	while (performance.now() < deadline) {
		if (over.aborted && (hasMoved || deadline === Number.POSITIVE_INFINITY)) {
			deadline = performance.now() + quietWithinMs;
		}
		open.push(...sent.commands.slice(seen));
		seen = sent.commands.length;
		const looked = open.splice(0, lookedAtOnce);
		const hasEndedAt = await Promise.all(looked.map((command) => isOver(world, command)));
		open = [...open, ...looked.filter((_, at) => !hasEndedAt[at])];
		hasMoved = hasEndedAt.includes(true);
		if (over.aborted && open.length === 0) return 0;
		if (open.length <= lookedAtOnce) await sleep(250);
	}
	return open.length;
}

async function isOver(world: World, { handle, accepted }: SentCommand): Promise<boolean> {
	return isSo(async () => {
		const view = await world.fleet.get(handle);
		return view ? hasEnded(view) : wentWithStore(accepted);
	});
}

/** While the broker is away, or too busy to answer, nobody knows: it is asked again. */
async function isSo(ask: () => Promise<boolean>): Promise<boolean> {
	try {
		return await ask();
	} catch (error) {
		if (!isStewardError(error)) throw error;
		return false;
	}
}

/** Until nothing is on its way to any ship. */
async function eventsTaken(world: World, quietWithinMs: number, log: (line: string) => void): Promise<void> {
	const deadline = performance.now() + quietWithinMs;
	const { connection } = world.raw;
	const areTaken = async () => {
		const waiting = await Promise.all(
			world.ships.map(({ name }) => subjectsOf(connection, streams.events, subjects.eventsOfNode(name))),
		);
		return waiting.flat().length === 0;
	};
	while (performance.now() < deadline) {
		if (await isSo(areTaken)) return;
		await sleep(200);
	}
	// The verdict names those that did not come.
	log('events are still on their way');
}
