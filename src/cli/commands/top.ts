/**
 * Owns `steward top`: the fleet as it changes, in the terminal, or one picture of it for a script.
 * Promises that the terminal is given back however it ends, that only lines which changed are drawn, and that it goes on through a loss of
 * broker or centre and says since when. Reads only.
 */

import { messageOf } from '../../base/errors.ts';
import type { Fleet } from '../../client/fleet.ts';
import type { BrokerFlags, Cli, JsonFlag } from '../cli.ts';
import { brokerSettings, withFleet } from '../connect.ts';
import { exitCodes } from '../exit-codes.ts';
import { otherLines, topList, topPicture } from '../render/top.ts';
import { fitted, pressed, sorts, type TopState, topState, withRows } from '../render/top-state.ts';
import type { Terminal } from '../terminal.ts';
import { oneOf } from './ask.ts';
import { parsePairs } from './send-form.ts';

export type TopFlags = BrokerFlags &
	JsonFlag & { readonly sort?: string; readonly where?: string; readonly once?: boolean };

/** What changes is asked for so often at the most, or half of the time at the most where asking takes long. */
const askEveryMs = 1000;
/** And so often where nothing is heard of: what a node says of its clock is no change of a command. */
const askAnywayMs = 5000;
const drawEveryMs = 1000;

export async function top(cli: Cli, flags: TopFlags): Promise<number> {
	const sort = oneOf('--sort', flags.sort ?? 'queued', sorts);
	const where = flags.where === undefined ? {} : parsePairs('--where', flags.where);
	const config = await brokerSettings(cli, flags);
	const { terminal } = cli;
	const state = topState({ sort, where });
	return withFleet(cli, config, async (fleet) => {
		const first = await askedOnce(fleet, state);
		if (flags.once || flags.json || !terminal) return printed(cli, first, flags.json === true);
		return new TopView(cli, terminal, fleet, first).run();
	});
}

async function askedOnce(fleet: Fleet, state: TopState): Promise<TopState> {
	const [rows, totals] = await Promise.all([fleet.nodeRows(), fleet.totals()]);
	return withRows(state, rows, totals);
}

function printed({ stdout, clock }: Cli, state: TopState, asJson: boolean): number {
	if (asJson) stdout.line(JSON.stringify({ totals: state.totals, nodes: state.shown }));
	else {
		const paint = stdout.paint.bind(stdout);
		const endless = { height: Number.POSITIVE_INFINITY, columns: stdout.columns };
		for (const line of topList(state, { ...endless, now: clock.now(), paint, lost: undefined }))
			stdout.line(line);
	}
	return exitCodes.done;
}

class TopView {
	readonly #cli: Cli;
	readonly #terminal: Terminal;
	readonly #fleet: Fleet;
	readonly #over = new AbortController();
	#state: TopState;
	#lost: { since: number; why: string } | undefined;
	/** What is on the screen. */
	#drawn: readonly string[] = [];
	/** Something was heard of since it was asked for last. */
	#isOld = false;

	constructor(cli: Cli, terminal: Terminal, fleet: Fleet, state: TopState) {
		this.#cli = cli;
		this.#terminal = terminal;
		this.#fleet = fleet;
		this.#state = state;
	}

	/** Until somebody quits. */
	async run(): Promise<number> {
		const { signal } = this.#over;
		const offSignal = this.#cli.onSignal(() => this.#over.abort());
		const offLink = this.#fleet.onLink((isUp) => this.#link(isUp));
		const close = this.#terminal.open({
			key: (key) => this.#press(key),
			resize: () => {
				this.#drawn = [];
				this.#draw();
			},
		});
		try {
			await Promise.all([
				this.#ask(),
				this.#age(),
				this.#hear(this.#fleet.watch({ signal })),
				this.#hear(this.#fleet.watchNodes({ signal })),
			]);
			return exitCodes.done;
		} finally {
			this.#over.abort();
			close();
			offLink();
			offSignal();
		}
	}

	#press(key: string): void {
		const next = pressed(this.#state, key, this.#height());
		if (next === 'quit') return this.#over.abort();
		this.#state = next;
		this.#draw();
	}

	#link(isUp: boolean): void {
		if (isUp) this.#isOld = true;
		else this.#lose('the broker does not answer; what is shown is from before');
		this.#draw();
	}

	#lose(why: string): void {
		this.#lost = { since: this.#lost?.since ?? this.#cli.clock.now(), why };
	}

	async #hear(changes: AsyncIterable<unknown>): Promise<void> {
		for await (const _ of changes) this.#isOld = true;
	}

	/** Ages go on, also while nobody answers. */
	async #age(): Promise<void> {
		const { signal } = this.#over;
		while (!signal.aborted) {
			this.#draw();
			await this.#cli.clock.sleep(drawEveryMs, signal);
		}
	}

	/** Asks anew when something has changed. */
	async #ask(): Promise<void> {
		const { clock } = this.#cli;
		const { signal } = this.#over;
		let askedAt = clock.monotonic();
		let tookMs = 0;
		while (!signal.aborted) {
			await clock.sleep(Math.max(askEveryMs, tookMs), signal);
			if (signal.aborted) return;
			const began = clock.monotonic();
			if (this.#isOld || this.#lost || began - askedAt >= askAnywayMs) {
				this.#isOld = false;
				askedAt = began;
				await this.#askOnce();
				tookMs = clock.monotonic() - began;
				this.#draw();
			}
		}
	}

	async #askOnce(): Promise<void> {
		try {
			this.#state = await askedOnce(this.#fleet, this.#state);
			this.#lost = undefined;
		} catch (error) {
			this.#lose(messageOf(error));
		}
	}

	#height(): number {
		return Math.max(1, this.#terminal.size().rows - otherLines);
	}

	/** Only the lines that are others than before. */
	#draw(): void {
		if (this.#over.signal.aborted) return;
		const { stdout, clock } = this.#cli;
		const { columns } = this.#terminal.size();
		const height = this.#height();
		this.#state = fitted(this.#state, height);
		const paint = stdout.paint.bind(stdout);
		const lines = topPicture(this.#state, { columns, height, now: clock.now(), paint, lost: this.#lost });
		const isNew = this.#drawn.length !== lines.length;
		const changed = lines.flatMap((line, at) =>
			isNew || line !== this.#drawn[at] ? `\u001b[${at + 1};1H${line}\u001b[K` : [],
		);
		this.#drawn = lines;
		if (isNew) changed.unshift('\u001b[2J');
		if (changed.length > 0) this.#terminal.write(changed.join(''));
	}
}
