/**
 * Owns waiting until nothing runs any more on a node that is drained, from the node's own words.
 * Promises that no centre is needed, that what still runs is told on the way, and that a drain which ended before is called so.
 * Reads only.
 */

import { StewardError } from '../base/errors.ts';
import { counted } from '../base/text.ts';
import { formatHandle } from '../domain/names.ts';
import { type NodeState, nodeStateSchema } from '../domain/node-state.ts';
import { streams, subjects } from '../domain/subject.ts';
import type { Presence } from '../domain/view.ts';
import { decode } from '../domain/wire.ts';
import { follow } from '../jetstream/follow.ts';
import type { FleetParts } from './parts.ts';

/** What still runs on a node, as it last said. */
export type StillRuns = {
	readonly commands: readonly {
		readonly handle: string;
		readonly method: string;
		readonly ranForMs: number;
		/** Longest run. */
		readonly runForMs: number | null;
	}[];
	/** Events that are being handled. */
	readonly events: number;
	/** An absent node cannot say that it has ended. */
	readonly presence: Presence;
};

export type IdleOptions = {
	/** Milliseconds; for ever if left out. */
	timeoutMs?: number;
	/** Called about every second while something runs. */
	onProgress?: (still: StillRuns) => void;
};

const lookEveryMs = 1000;
/** Presence costs three questions. */
const looksPerPresence = 5;

/** @throws StewardError `waited-too-long`, with what runs in `details.running`; `refused` when the drain has ended; `no-broker` */
export async function waitIdle(parts: FleetParts, node: string, options: IdleOptions = {}): Promise<void> {
	const { connection, clock } = parts;
	const { timeoutMs = Number.POSITIVE_INFINITY, onProgress } = options;
	const deadline = clock.monotonic() + timeoutMs;
	const said = new Said(node);
	let changed = new AbortController();
	const following = await follow(
		connection,
		{ stream: streams.state, filter: [subjects.state(node)], from: 'last' },
		(message) => {
			const state = decode(nodeStateSchema, message.data);
			if (state) said.hear(state);
			changed.abort();
		},
	);
	try {
		let presence: Presence = { status: 'unknown', since: null };
		for (let look = 0; !said.isIdle(); look++) {
			if (look % looksPerPresence === 0) presence = await presenceOf(parts, node);
			const still = { ...said.running(parts.serverNow()), presence };
			if (look > 0) onProgress?.(still);
			if (connection.nc.isClosed())
				throw new StewardError('no-broker', 'the connection was closed while a drain was waited for');
			if (clock.monotonic() >= deadline) throw late(node, still);
			changed = new AbortController();
			await clock.sleep(Math.min(lookEveryMs, Math.max(0, deadline - clock.monotonic())), changed.signal);
		}
	} finally {
		await following.stop();
	}
}

/** A node's words about its drain, in the order said. */
class Said {
	readonly #node: string;
	#last: NodeState | undefined;
	#drained: NodeState | undefined;

	constructor(node: string) {
		this.#node = node;
	}

	hear(state: NodeState): void {
		this.#last = state;
		if (takesNothing(state)) this.#drained ??= state;
	}

	/** @throws StewardError `refused` when it was drained, and is not any more */
	isIdle(): boolean {
		const state = this.#last;
		if (!state) return false;
		const { commands, events } = this.running(0);
		const nothingRuns = commands.length === 0 && events === 0;
		if (nothingRuns && (takesNothing(state) || state.stopping)) return true;
		if (!this.#drained || takesNothing(state) || state.stopping) return false;
		const why = state.boot === this.#drained.boot ? 'was resumed' : 'was started again';
		throw new StewardError('refused', `${this.#node} ${why} before it was idle: its drain is over`, {
			details: { node: this.#node },
		});
	}

	running(now: number): Pick<StillRuns, 'commands' | 'events'> {
		const { running = [], lanes = [] } = this.#last ?? {};
		return {
			commands: running
				.filter(({ lane }) => lane !== 'control')
				.map(({ id, method, startedAt, runForMs }) => ({
					handle: formatHandle({ node: this.#node, id }),
					method,
					ranForMs: Math.max(0, now - startedAt),
					runForMs,
				})),
			events: lanes.find(({ lane }) => lane === 'events')?.running ?? 0,
		};
	}
}

function takesNothing({ lanes }: NodeState): boolean {
	return lanes.every(({ lane, pause }) => lane === 'control' || pause !== null);
}

async function presenceOf(parts: FleetParts, node: string): Promise<Presence> {
	const unknown: Presence = { status: 'unknown', since: null };
	try {
		return (await parts.nodes.presenceOf([node])).get(node) ?? unknown;
	} catch {
		// The broker restarts: what is followed goes on by itself, and who is there is asked again.
		return unknown;
	}
}

function late(node: string, { commands, events, presence }: StillRuns): StewardError {
	const running = commands.map(({ handle }) => handle);
	const what = [...running, ...(events > 0 ? [counted(events, 'event')] : [])].join(', ');
	const since = presence.since ? ` since ${presence.since}` : '';
	const where = presence.status === 'present' ? '' : ` (it is ${presence.status}${since})`;
	return new StewardError(
		'waited-too-long',
		`${node}${where} is not idle: ${what === '' ? 'it has not said so' : `${what} still run`}; it stays drained until its next start`,
		{ details: { node, running, presence } },
	);
}
