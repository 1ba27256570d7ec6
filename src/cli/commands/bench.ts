/**
 * Owns `steward bench`: whether a node is fit to be measured, the measuring, and what is told of it.
 * Promises that nothing is sent where the node is not there, holds back or has something to do, and that an interrupted one calls off
 * what waits before it ends; a second signal ends it at once. What is then left expires within ten minutes.
 */

import { parseDuration } from '../../base/duration.ts';
import { StewardError } from '../../base/errors.ts';
import { ulidFactory } from '../../base/ids.ts';
import { counted } from '../../base/text.ts';
import { type BenchPart, measureFleet } from '../../client/bench.ts';
import type { Fleet } from '../../client/fleet.ts';
import { type CommandLane, commandLanes } from '../../domain/names.ts';
import type { BrokerFlags, Cli, JsonFlag } from '../cli.ts';
import { brokerSettings, withFleet } from '../connect.ts';
import { exitCodeOfSignal, exitCodes } from '../exit-codes.ts';
import { printBench } from '../render/bench.ts';
import { Progress } from '../render/progress.ts';
import { nodeName, oneOf } from './ask.ts';

export type BenchFlags = BrokerFlags &
	JsonFlag & {
		readonly node: string;
		readonly pings?: string;
		readonly samples?: string;
		readonly lane?: string;
		readonly longest?: string;
		readonly anyway?: boolean;
	};

const labels = {
	latency: 'ping by ping',
	through: 'through the node',
	enqueue: 'for a node that is away',
	cancel: 'calling off',
} as const satisfies Record<BenchPart, string>;

export async function bench(cli: Cli, flags: BenchFlags): Promise<number> {
	const node = nodeName(flags.node);
	const lane = oneOf('--lane', flags.lane ?? 'normal', commandLanes);
	const pings = wholeNumber('--pings', flags.pings ?? '1000', 10_000);
	const samples = wholeNumber('--samples', flags.samples ?? '100', 1000);
	const longestMs = durationOf(flags.longest ?? '30s');
	const config = await brokerSettings(cli, flags);
	const stop = new AbortController();
	let signalled: keyof typeof exitCodeOfSignal | undefined;
	const offSignal = cli.onSignal((signal) => {
		if (signalled) return cli.endAtOnce();
		signalled = signal;
		cli.stderr.status('');
		cli.stderr.line('stopping: what waits is called off; once more ends it at once');
		stop.abort();
	});
	const progress = new PartProgress(cli, flags.json === true);
	try {
		return await withFleet(cli, config, async (fleet) => {
			const capacity = await fitness(fleet, node, lane, flags.anyway === true);
			const away = `bench-${ulidFactory(() => cli.clock.now())().slice(-10)}`;
			const { view, failure } = await measureFleet(fleet, {
				...{ node, lane, capacity, away, pings, samples, longestMs },
				...{ signal: stop.signal, clock: cli.clock },
				onProgress: (part, done, of) => progress.show(part, done, of),
			});
			progress.end();
			if (flags.json) cli.stdout.line(JSON.stringify(view));
			else printBench(cli, view);
			if (failure) throw failure;
			return signalled ? exitCodeOfSignal[signalled] : exitCodes.done;
		});
	} finally {
		progress.end();
		offSignal();
	}
}

/** How many the lane runs at once. @throws StewardError `not-found`, `refused` where what is measured would say nothing */
async function fitness(fleet: Fleet, node: string, lane: CommandLane, anyway: boolean): Promise<number> {
	const view = await fleet.node(node);
	if (!view || view.presence === 'never') {
		throw new StewardError(
			'not-found',
			`nobody ever heard of a node ${node}: steward nodes ls shows those that are known`,
			{ details: { node } },
		);
	}
	const refuse = (why: string) => {
		throw new StewardError('refused', `nothing was sent: ${why}`, { details: { node } });
	};
	if (view.presence !== 'present') refuse(`${node} is ${view.presence}, and would answer when it is back`);
	if (!view.methods.some(({ name, kind }) => name === 'ping' && kind === 'command')) {
		refuse(`${node} does not offer ping (steward nodes show ${node} tells what it does)`);
	}
	const own = view.lanes.find((one) => one.lane === lane);
	if (!own) return refuse(`${node} has no lane ${lane} (steward nodes show ${node} tells those that it has)`);
	if (own.status !== 'ready' || view.stopped.some(({ method }) => method === 'ping')) {
		refuse(`${node} holds back what is on lane ${lane}: steward nodes show ${node} tells why`);
	}
	const busy = (await fleet.queue(node)).length;
	if (busy > 0 && !anyway) {
		const what = counted(busy, 'command waits or runs', 'commands wait or run');
		refuse(
			`${what} on ${node} (steward queue ${node}): wait for their end, or measure beside them with --anyway`,
		);
	}
	return own.capacity;
}

function wholeNumber(option: string, text: string, most: number): number {
	const number = Number(text);
	if (/^\d+$/.test(text) && number >= 1 && number <= most) return number;
	throw new StewardError('usage', `${option}: expected a whole number from 1 to ${most}, got "${text}"`);
}

function durationOf(text: string): number {
	const ms = parseDuration(text);
	if (ms !== undefined && ms > 0) return ms;
	throw new StewardError('usage', `--longest: expected a duration such as "30s" or "2m", got "${text}"`);
}

/** One line for each part, gone when the next begins. */
class PartProgress {
	readonly #cli: Cli;
	readonly #quiet: boolean;
	#part: BenchPart | undefined;
	#progress: Progress | undefined;

	constructor(cli: Cli, quiet: boolean) {
		this.#cli = cli;
		this.#quiet = quiet;
	}

	show(part: BenchPart, done: number, total: number): void {
		if (part !== this.#part) {
			this.end();
			this.#part = part;
			const { stderr: screen, clock } = this.#cli;
			this.#progress = new Progress({ screen, clock, label: labels[part], total, quiet: this.#quiet });
		}
		this.#progress?.at(done);
	}

	end(): void {
		this.#progress?.end();
		this.#progress = undefined;
		this.#part = undefined;
	}
}
