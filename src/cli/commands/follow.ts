/**
 * Owns following commands and events to their end, with a line of progress on a terminal.
 * Promises the last known view of each, in the order asked, also when the time is over.
 * Nothing is kept: whoever asks again goes on where things are by then.
 */

import { parseDuration } from '../../base/duration.ts';
import { isStewardError, StewardError } from '../../base/errors.ts';
import type { Fleet } from '../../client/fleet.ts';
import { hasEnded } from '../../domain/state.ts';
import type { CommandView, Receipt } from '../../domain/view.ts';
import type { Cli } from '../cli.ts';
import { countsText, Progress } from '../render/progress.ts';
import type { Screen } from '../render/screen.ts';

/** @throws StewardError `usage` */
export function parseTimeout(text: string | undefined): number | undefined {
	if (text === undefined) return undefined;
	const ms = parseDuration(text);
	if (ms !== undefined) return ms;
	throw new StewardError('usage', `--timeout: expected a duration such as "30s" or "1h30m", got "${text}"`);
}

export type Followed = {
	/** In the order asked. */
	readonly views: readonly CommandView[];
	/** Handles of those that have not ended. */
	readonly pending: readonly string[];
};

/** @throws StewardError `not-found`, `no-broker`, and `refused` for an event that became a dead letter */
export async function followToEnd(
	cli: Cli,
	fleet: Fleet,
	asked: readonly (Receipt | { readonly handle: string })[],
	options: { readonly quiet: boolean; readonly timeoutMs: number | undefined },
): Promise<Followed> {
	const latest = new Map<string, CommandView>();
	const progress = new Waiting(cli, options.quiet, asked.length);
	const { timeoutMs } = options;
	const commands = asked.filter((one) => !isEvent(one)).map(({ handle }) => handle);
	const events = asked.filter(isEvent);
	const pending = new Set<string>();
	try {
		await Promise.all([
			unlessLate(pending, commands, async () => {
				const onChange = (view: CommandView) => {
					latest.set(view.handle, view);
					progress.show(view);
				};
				for (const view of await fleet.wait(commands, { timeoutMs, onChange })) latest.set(view.handle, view);
			}),
			...events.map((event) =>
				unlessLate(pending, [event.handle], async () => {
					latest.set(event.handle, event);
					await fleet.waitDelivered(event, { timeoutMs });
					latest.set(event.handle, { ...event, state: 'delivered' });
					progress.show({ ...event, state: 'delivered' });
				}),
			),
		]);
	} finally {
		progress.clear();
	}
	return { views: asked.flatMap(({ handle }) => latest.get(handle) ?? []), pending: [...pending] };
}

function isEvent(one: Receipt | { readonly handle: string }): one is Receipt {
	return 'kind' in one && one.kind === 'event';
}

/** Where the time was over first, puts those that have not ended into `pending`. */
async function unlessLate(
	pending: Set<string>,
	handles: readonly string[],
	wait: () => Promise<void>,
): Promise<void> {
	if (handles.length === 0) return;
	try {
		await wait();
	} catch (error) {
		if (!isStewardError(error, 'waited-too-long')) throw error;
		const rest = error.details.pending;
		for (const handle of Array.isArray(rest) ? rest.map(String) : handles) pending.add(handle);
	}
}

/** One line on stderr: of one its state, of many how far they are. */
class Waiting {
	readonly #states = new Map<string, CommandView['state']>();
	readonly #counts = new Map<string, number>();
	/** Of many. */
	readonly #progress: Progress | undefined;
	/** Of one, where somebody looks. */
	readonly #screen: Screen | undefined;
	#ended = 0;

	constructor({ stderr, clock }: Cli, quiet: boolean, total: number) {
		const label = 'waiting';
		if (total > 1) this.#progress = new Progress({ screen: stderr, clock, label, total, quiet });
		else if (!quiet) this.#screen = stderr;
	}

	show(view: CommandView): void {
		const before = this.#states.get(view.handle);
		this.#states.set(view.handle, view.state);
		if (before !== view.state) {
			if (before !== undefined) this.#count(before, -1);
			this.#count(view.state, 1);
		}
		this.#progress?.at(this.#ended, countsText(this.#counts));
		this.#screen?.status(`waiting: ${view.handle} ${attemptText(view)}`);
	}

	clear(): void {
		this.#progress?.end();
		this.#screen?.status('');
	}

	#count(state: CommandView['state'], change: 1 | -1): void {
		const count = (this.#counts.get(state) ?? 0) + change;
		if (count === 0) this.#counts.delete(state);
		else this.#counts.set(state, count);
		if (hasEnded({ state }) || state === 'delivered') this.#ended += change;
	}
}

function attemptText({ state, attempt }: CommandView): string {
	return attempt > 1 ? `${state} (attempt ${attempt})` : state;
}
