/**
 * Owns one chaos run: work and faults side by side for a time, then quiet, then the verdict.
 * Promises that what is asked and what breaks are drawn from the seed; when things happen to meet is up to the machine.
 * Everything is healed and gone at the end, also when it fails.
 */

import { drawFault, type FaultName, faultNames, faults, healAll } from './faults.ts';
import { randomFrom } from './random.ts';
import { judge, type Verdict } from './verdict.ts';
import { nothingSent, type Sent, sendOne } from './workload.ts';
import { buildWorld, type World } from './world.ts';

export type ChaosOptions = {
	readonly seed: number;
	/** How long things break, milliseconds. */
	readonly forMs: number;
	readonly ships: number;
	/** Commands and events a second. */
	readonly rate: number;
	/** Faults that may come; all of them by default. */
	readonly among?: readonly FaultName[];
	readonly log?: (line: string) => void;
};

export type ChaosReport = {
	readonly verdict: Verdict;
	readonly faults: readonly string[];
	readonly unacknowledged: number;
	/** From the last fault's end until every command was final, milliseconds. */
	readonly recoveryMs: number;
};

/** Longest wait for the end of everything after the last fault. */
const quietWithinMs = 180_000;
/** Faults that would only meet each other at the same process. */
const ofBroker: readonly FaultName[] = ['brokerKill', 'brokerStop'];

export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
	const { seed, forMs, ships, log = () => undefined } = options;
	await using world = await buildWorld(Array.from({ length: ships }, (_, n) => `ship${n}`));
	const random = randomFrom(seed);
	const over = new AbortController();
	const sent = nothingSent();
	const broken: string[] = [];
	const working = work(world, sent, options, over.signal);
	const breaking = breakThings(world, broken, options, over.signal);
	await sleepUntil(forMs, random.fork('end').between(0, 500));
	over.abort();
	await breaking;
	healAll(world);
	const healedAt = performance.now();
	await working;
	await settleAll(world, sent, log);
	const recoveryMs = Math.round(performance.now() - healedAt);
	return {
		verdict: await judge(world, sent),
		faults: broken,
		unacknowledged: sent.unacknowledged,
		recoveryMs,
	};
}

function sleepUntil(forMs: number, jitterMs: number): Promise<void> {
	return new Promise((resolve) => setTimeout(resolve, forMs + jitterMs));
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
	{ seed, rate }: ChaosOptions,
	signal: AbortSignal,
): Promise<void> {
	const under: Promise<void>[] = [];
	for (let n = 1; !signal.aborted; n++) {
		under.push(sendOne(world, sent, n, randomFrom(seed).fork(`command ${n}`), signal));
		await sleep(1000 / rate, signal);
	}
	await Promise.all(under);
}

async function breakThings(
	world: World,
	broken: string[],
	{ seed, among = faultNames, log = () => undefined }: ChaosOptions,
	signal: AbortSignal,
): Promise<void> {
	const random = randomFrom(seed).fork('faults');
	const under = new Set<Promise<void>>();
	let atBroker: Promise<unknown> = Promise.resolve();
	for (let n = 1; !signal.aborted; n++) {
		await sleep(random.between(200, 2500), signal);
		if (signal.aborted) break;
		const name = drawFault(random, among);
		const own = random.fork(`fault ${n}`);
		const run = async () => {
			const what = `${name}: ${await faults[name].run(world, own, (ms) => sleep(ms))}`;
			broken.push(what);
			log(what);
		};
		const running = ofBroker.includes(name) ? atBroker.then(run) : run();
		if (ofBroker.includes(name)) atBroker = running;
		under.add(running);
		void running.finally(() => under.delete(running));
	}
	await Promise.all(under);
}

async function settleAll(world: World, sent: Sent, log: (line: string) => void): Promise<void> {
	const handles = sent.commands.map(({ handle }) => handle);
	try {
		await world.fleet.wait(handles, { timeoutMs: quietWithinMs });
		await eventsTaken(world);
	} catch (error) {
		// The verdict names what has not ended.
		log(`not all ended: ${error instanceof Error ? error.message.slice(0, 500) : String(error)}`);
	}
}

/** Until nothing is on its way to any ship. */
async function eventsTaken(world: World): Promise<void> {
	const deadline = performance.now() + quietWithinMs;
	while (performance.now() < deadline) {
		const { state } = await world.raw.jsm.streams.info('STEWARD_EVENTS');
		if (state.messages === 0) return;
		await sleep(200);
	}
	throw new Error('events are still on their way');
}
