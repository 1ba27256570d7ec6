/**
 * Owns the commands about dead letters: dead ls, show, replay, discard.
 * Promises arrays under --json, an outcome for each letter, and that nothing is thrown away by a filter without --yes.
 * A replay that is cut off is completed by the same command again: what was sent is not sent twice.
 */

import { parseDuration } from '../../base/duration.ts';
import { StewardError } from '../../base/errors.ts';
import type { DeadFilter, DeadSelection } from '../../client/dead.ts';
import type { DeadOutcome } from '../../domain/dead-letter.ts';
import { type Kind, kinds, methodNamePattern, methodNameRule, parseHandle } from '../../domain/names.ts';
import type { BrokerFlags, Cli, JsonFlag } from '../cli.ts';
import { brokerSettings, withFleet } from '../connect.ts';
import { exitCodes } from '../exit-codes.ts';
import { deadTable, outcomeCounts, outcomeLine, printDead } from '../render/dead-letter.ts';
import type { Screen } from '../render/screen.ts';
import { nodeName, parseLimit, sinceOf } from './ask.ts';

type Flags = BrokerFlags & JsonFlag;

type FilterFlags = Flags & {
	readonly node?: string;
	readonly kind?: string;
	readonly method?: string;
	readonly code?: string;
	readonly since?: string;
	readonly replayed?: boolean;
};

export type DeadFlags = FilterFlags & { readonly limit?: string };
type ManyFlags = FilterFlags & { readonly all?: boolean; readonly dryRun?: boolean };
export type ReplayFlags = ManyFlags & { readonly rate?: string };
export type DiscardFlags = ManyFlags & { readonly yes?: boolean };

export async function listDead(cli: Cli, flags: DeadFlags): Promise<number> {
	const filter = filterOf(cli, flags);
	const limit = flags.limit === undefined ? 50 : parseLimit(flags.limit);
	const config = await brokerSettings(cli, flags);
	const letters = await withFleet(cli, config, (fleet) => fleet.dead.list({ ...filter, limit }));
	if (flags.json) cli.stdout.line(JSON.stringify(letters));
	else if (letters.length > 0) cli.stdout.line(deadTable(letters, cli.stdout, cli.clock.now()));
	if (letters.length === 0) {
		const narrowed = Object.keys(filter).length > 0;
		cli.stderr.line(narrowed ? 'no dead letter matches: leave a filter out to see more' : 'no dead letters');
	} else if (!flags.json && letters.length === limit) {
		cli.stderr.line(`the newest ${limit}; --limit shows more`);
	}
	return exitCodes.done;
}

export async function showDead(cli: Cli, handles: readonly string[], flags: Flags): Promise<number> {
	for (const handle of handles) parseHandle(handle);
	const config = await brokerSettings(cli, flags);
	const found = await withFleet(cli, config, (fleet) =>
		Promise.all(handles.map((handle) => fleet.dead.get(handle))),
	);
	const letters = found.flat();
	if (flags.json) cli.stdout.line(JSON.stringify(letters));
	else {
		for (const [index, letter] of letters.entries()) {
			if (index > 0) cli.stdout.line();
			printDead(cli.stdout, letter, cli.clock.now());
		}
		for (const [index, { length }] of found.entries()) {
			if (length > 1) cli.stderr.line(`${length} letters share the handle ${handles[index]}`);
		}
	}
	const missing = handles.filter((_, index) => found[index]?.length === 0);
	if (missing.length === 0) return exitCodes.done;
	throw new StewardError(
		'not-found',
		`${missing.join(', ')}: no such dead letter: discarded, or older than 30 days (steward dead ls shows what is; steward show tells of a command)`,
		{ details: { handles: missing } },
	);
}

export async function replayDead(cli: Cli, handles: readonly string[], flags: ReplayFlags): Promise<number> {
	const selection = selectionOf(cli, handles, flags);
	const ratePerSecond = flags.rate === undefined ? undefined : parseRate(flags.rate);
	const { dryRun = false } = flags;
	const config = await brokerSettings(cli, flags);
	const progress = new Progress(cli, flags.json === true);
	const outcomes = await withFleet(cli, config, (fleet) =>
		fleet.dead.replay(selection, {
			dryRun,
			onOutcome: (outcome) => progress.show(outcome),
			...(ratePerSecond === undefined ? {} : { ratePerSecond }),
		}),
	).finally(() => progress.clear());
	return tell(cli, outcomes, progress, flags);
}

export async function discardDead(
	cli: Cli,
	handles: readonly string[],
	flags: DiscardFlags,
): Promise<number> {
	const selection = selectionOf(cli, handles, flags);
	const { dryRun = false } = flags;
	const config = await brokerSettings(cli, flags);
	const progress = new Progress(cli, flags.json === true);
	const outcomes = await withFleet(cli, config, async (fleet) => {
		if (handles.length === 0 && !dryRun && !flags.yes) {
			const count = await fleet.dead.count(selection);
			throw new StewardError(
				'usage',
				`this would discard ${count} dead letter${count === 1 ? '' : 's'} for good: add --yes to do it, or --dry-run to see them`,
				{ details: { count } },
			);
		}
		return fleet.dead.discard(selection, { dryRun, onOutcome: (outcome) => progress.show(outcome) });
	}).finally(() => progress.clear());
	return tell(cli, outcomes, progress, flags);
}

/** @throws StewardError `not-found` or `refused` where a letter stayed as it was, after all outcomes were told */
function tell(cli: Cli, outcomes: readonly DeadOutcome[], { counts }: Progress, flags: ManyFlags): number {
	if (flags.json) cli.stdout.line(JSON.stringify(outcomes));
	else for (const outcome of outcomes) cli.stdout.line(outcomeLine(outcome, cli.stdout));
	if (outcomes.length === 0) cli.stderr.line('no dead letter matches');
	else if (!flags.json && outcomes.length > 1) cli.stderr.line(outcomeCounts(counts));
	const failed = outcomes.filter(({ outcome }) => outcome === 'refused' || outcome === 'notFound');
	if (failed.length === 0 || flags.dryRun) return exitCodes.done;
	const isRefused = failed.some(({ outcome }) => outcome === 'refused');
	throw new StewardError(
		isRefused ? 'refused' : 'not-found',
		`${failed.length} of ${outcomes.length}: nothing was done, and why stands beside each`,
		{ details: { handles: failed.map(({ handle }) => handle) } },
	);
}

/** @throws StewardError `usage` where everything is meant and --all does not say so */
function selectionOf(cli: Cli, handles: readonly string[], flags: ManyFlags): DeadSelection {
	for (const handle of handles) parseHandle(handle);
	const filter = filterOf(cli, flags);
	const narrowed = Object.keys(filter).length > 0;
	if (handles.length > 0) {
		if (flags.all) throw new StewardError('usage', 'handles and --all: give one of them');
		return { ...filter, handles };
	}
	if (narrowed === (flags.all === true)) {
		throw new StewardError(
			'usage',
			narrowed
				? '--all and a filter: give one of them'
				: 'expected handles, a filter such as --node ship1, or --all (steward dead ls shows what is there)',
		);
	}
	return filter;
}

function filterOf(cli: Cli, flags: FilterFlags): DeadFilter {
	return {
		...(flags.node === undefined ? {} : { node: nodeName(flags.node) }),
		...(flags.kind === undefined ? {} : { kind: parseKind(flags.kind) }),
		...(flags.method === undefined ? {} : { method: parseMethod(flags.method) }),
		...(flags.code === undefined ? {} : { code: flags.code }),
		...(flags.since === undefined ? {} : { since: sinceOf(flags.since, cli.clock.now()) }),
		...(flags.replayed === undefined ? {} : { replayed: flags.replayed }),
	};
}

function parseKind(text: string): Kind {
	const kind = kinds.find((one) => one === text);
	if (kind) return kind;
	throw new StewardError('usage', `--kind: expected ${kinds.join(' or ')}, got "${text}"`);
}

function parseMethod(text: string): string {
	if (methodNamePattern.test(text)) return text;
	throw new StewardError('usage', `--method: expected ${methodNameRule}, got "${text}"`);
}

/** `10/s`, `100/m`, `5/10s`: so many in this time. */
function parseRate(text: string): number {
	const [, count, time = ''] = /^(\d+(?:\.\d+)?)\/(.+)$/.exec(text) ?? [];
	const ms = parseDuration(/^\d/.test(time) ? time : `1${time}`);
	const rate = (Number(count) * 1000) / (ms ?? Number.NaN);
	if (rate > 0 && Number.isFinite(rate)) return rate;
	throw new StewardError(
		'usage',
		`--rate: expected a number in a time such as "10/s" or "100/m", got "${text}"`,
	);
}

/** How many came to which end: one line on a terminal, written over again and again. */
class Progress {
	readonly counts = new Map<DeadOutcome['outcome'], number>();
	readonly #screen: Screen;
	readonly #shown: boolean;

	constructor({ stderr }: Cli, quiet: boolean) {
		this.#screen = stderr;
		this.#shown = !quiet;
	}

	show({ outcome }: DeadOutcome): void {
		this.counts.set(outcome, (this.counts.get(outcome) ?? 0) + 1);
		if (this.#shown) this.#screen.status(outcomeCounts(this.counts));
	}

	clear(): void {
		if (this.#shown) this.#screen.status('');
	}
}
