/**
 * Owns the commands that make nodes hold back and go on: nodes pause, resume, drain, stop.
 * Promises that every node is asked before any is waited for, and that what an absent node will do, and when, is told.
 * What was asked before we die stays asked; asking again does no harm.
 */

import { parseDuration } from '../../base/duration.ts';
import { isStewardError, StewardError } from '../../base/errors.ts';
import type { Fleet } from '../../client/fleet.ts';
import type { StillRuns } from '../../client/idle.ts';
import { type PausableLane, pausableLanes } from '../../domain/control.ts';
import { hasEnded } from '../../domain/state.ts';
import type { Receipt } from '../../domain/view.ts';
import type { Cli } from '../cli.ts';
import { brokerSettings, withFleet } from '../connect.ts';
import { exitCodes } from '../exit-codes.ts';
import { answerLine, stillRunsText, waitingLine } from '../render/hold.ts';
import { type AskFlags, nodeName } from './ask.ts';
import { parseTimeout } from './follow.ts';

type HoldFlags = AskFlags & {
	readonly reason?: string;
	/** Undefined: for a node that is not absent. */
	readonly wait?: boolean;
	readonly timeout?: string;
};
export type PauseFlags = HoldFlags & { readonly lane?: string };
export type ResumeFlags = HoldFlags & { readonly lane?: string; readonly method?: string };
export type StopFlags = HoldFlags & { readonly method: string };
export type DrainFlags = HoldFlags & { readonly deliverWithin?: string };

/** A node that is there answers sooner. */
const usualTimeoutMs = 10_000;

export function pauseNodes(cli: Cli, nodes: readonly string[], flags: PauseFlags): Promise<number> {
	const options = { ...laneOption(flags.lane), ...reasonOption(flags) };
	return hold(cli, nodes, flags, (fleet, node) => fleet.pause(node, options));
}

export function resumeNodes(cli: Cli, nodes: readonly string[], flags: ResumeFlags): Promise<number> {
	const method = flags.method === undefined ? {} : { method: flags.method };
	const options = { ...laneOption(flags.lane), ...method, ...reasonOption(flags) };
	return hold(cli, nodes, flags, (fleet, node) => fleet.resume(node, options));
}

export function stopMethods(cli: Cli, nodes: readonly string[], flags: StopFlags): Promise<number> {
	const options = { method: flags.method, ...reasonOption(flags) };
	return hold(cli, nodes, flags, (fleet, node) => fleet.stop(node, options));
}

export function drainNodes(cli: Cli, nodes: readonly string[], flags: DrainFlags): Promise<number> {
	const { deliverWithin } = flags;
	const within = deliverWithin === undefined ? undefined : parseDuration(deliverWithin);
	if (deliverWithin !== undefined && within === undefined) {
		throw new StewardError(
			'usage',
			`--deliver-within: expected a duration such as "10m", got "${deliverWithin}"`,
		);
	}
	const options = { ...(within === undefined ? {} : { deliverWithinMs: within }), ...reasonOption(flags) };
	return hold(cli, nodes, flags, (fleet, node) => fleet.drain(node, options), untilIdle);
}

type Waits = { readonly timeoutMs: number | undefined; readonly progress: Progress };
/** What is waited for beyond the answers. */
type AfterAnswer = (cli: Cli, fleet: Fleet, answered: readonly Receipt[], waits: Waits) => Promise<void>;

async function hold(
	cli: Cli,
	named: readonly string[],
	flags: HoldFlags,
	ask: (fleet: Fleet, node: string) => Promise<Receipt>,
	after?: AfterAnswer,
): Promise<number> {
	const nodes = [...new Set(named.map(nodeName))];
	const timeoutMs = parseTimeout(flags.timeout);
	const config = await brokerSettings(cli, flags);
	return withFleet(cli, config, async (fleet) => {
		const receipts = await Promise.all(nodes.map((node) => ask(fleet, node)));
		const startedAt = cli.clock.monotonic();
		const asked = receipts.filter((receipt) => isWaitedFor(receipt, flags.wait));
		const answered = await answersOf(fleet, asked, timeoutMs ?? usualTimeoutMs);
		const latest = receipts.map((receipt) => answered.get(receipt.handle) ?? receipt);
		if (flags.json) cli.stdout.line(JSON.stringify(nodes.length > 1 ? latest : latest[0]));
		else {
			for (const receipt of latest) {
				const line = hasEnded(receipt) ? answerLine(receipt, cli.stdout) : waitingLine(cli, receipt);
				cli.stdout.line(line);
			}
		}
		const silent = asked.map(({ handle }) => handle).filter((handle) => !answered.has(handle));
		if (silent.length > 0) {
			throw new StewardError(
				'waited-too-long',
				`no answer in time: ${silent.join(', ')}; it stays queued, and steward why ${silent[0]} tells what it waits for`,
				{ details: { pending: silent } },
			);
		}
		const good = [...answered.values()].filter(({ state }) => state === 'succeeded');
		if (after) {
			const left = timeoutMs && Math.max(0, timeoutMs - (cli.clock.monotonic() - startedAt));
			const progress = new Progress(cli, flags.json === true);
			await after(cli, fleet, good, { timeoutMs: left, progress }).finally(() => progress.clear());
		}
		return good.length === answered.size ? exitCodes.done : exitCodes.notSucceeded;
	});
}

/** An absent node may be away for a month. */
function isWaitedFor({ presence }: Receipt, wait: boolean | undefined): boolean {
	return wait ?? (presence.status === 'present' || presence.status === 'unknown');
}

/** The receipts of those that answered in time, with what they answered, by handle. */
async function answersOf(
	fleet: Fleet,
	asked: readonly Receipt[],
	timeoutMs: number,
): Promise<Map<string, Receipt>> {
	const answered = new Map<string, Receipt>();
	await Promise.all(
		asked.map(async (receipt) => {
			try {
				const [view] = await fleet.wait([receipt.handle], { timeoutMs });
				if (view) answered.set(receipt.handle, { ...receipt, ...view });
			} catch (error) {
				if (!isStewardError(error, 'waited-too-long')) throw error;
			}
		}),
	);
	return answered;
}

async function untilIdle(
	cli: Cli,
	fleet: Fleet,
	drained: readonly Receipt[],
	{ timeoutMs, progress }: Waits,
): Promise<void> {
	const settled = await Promise.allSettled(
		drained.map(async ({ node }) => {
			await fleet.waitIdle(node, {
				...(timeoutMs === undefined ? {} : { timeoutMs }),
				onProgress: (still) => progress.show(node, still),
			});
			progress.over(node);
			if (!progress.isQuiet)
				cli.stdout.line(`${cli.stdout.paint('green', 'idle')}  ${node}  nothing runs there`);
		}),
	);
	for (const one of settled) if (one.status === 'rejected') throw one.reason;
}

/** On a terminal one line that is written over; elsewhere a line whenever something is different. */
class Progress {
	readonly isQuiet: boolean;
	readonly #cli: Cli;
	readonly #texts = new Map<string, string>();
	readonly #told = new Map<string, string>();

	constructor(cli: Cli, isQuiet: boolean) {
		this.#cli = cli;
		this.isQuiet = isQuiet;
	}

	show(node: string, still: StillRuns): void {
		const { stderr } = this.#cli;
		const text = stillRunsText(node, still);
		if (this.isQuiet) return;
		if (stderr.isTTY) {
			this.#texts.set(node, text);
			const line = [...this.#texts.values()].join('; ');
			return stderr.status(line);
		}
		const what = [...still.commands.map(({ handle }) => handle), still.events, still.presence.status].join();
		if (this.#told.get(node) === what) return;
		this.#told.set(node, what);
		stderr.line(text);
	}

	over(node: string): void {
		this.clear();
		this.#texts.delete(node);
	}

	clear(): void {
		if (!this.isQuiet) this.#cli.stderr.status('');
	}
}

function reasonOption({ reason }: HoldFlags): { reason?: string } {
	return reason === undefined ? {} : { reason };
}

function laneOption(text: string | undefined): { lanes?: PausableLane[] } {
	if (text === undefined) return {};
	const lanes = text.split(',').map((word) => {
		const lane = pausableLanes.find((known) => known === word.trim());
		if (lane !== undefined) return lane;
		throw new StewardError('usage', `--lane: expected some of ${pausableLanes.join(',')}; got "${word}"`);
	});
	return { lanes: [...new Set(lanes)] };
}
