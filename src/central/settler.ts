/**
 * Owns removing what is done from the commands streams, lazily: what a node's commands begin with together, all else by its id.
 * Promises that only what the ledger itself calls final at that moment is removed, and that a failed removal is tried
 * again. What a crash leaves behind is found when the next index is built.
 */

import type { Clock } from '../base/clock.ts';
import { messageOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { LedgerEntry } from '../domain/ledger.ts';
import { formatHandle, type Handle } from '../domain/names.ts';
import { isFinal } from '../domain/state.ts';
import { type CommandFacts, isLocal, isOfOneTime } from '../domain/wire.ts';
import type { Commands } from '../jetstream/commands.ts';
import { fewestOfFront } from '../jetstream/front.ts';
import type { LedgerStore } from '../jetstream/ledger-store.ts';
import type { StoredCommand } from '../jetstream/stored-command.ts';

/** What ends meanwhile is read in the ledger together. */
const lingerMs = 250;
const mostAtOnce = 2000;
/** What the ledger said longer ago does not count. */
const mostAgeMs = 1000;
/** Purges at once: each is a request, and an fsync at the broker. */
const concurrency = 8;
const retryMs = 2000;

export type SettlerOptions = {
	commands: Pick<Commands, 'purge' | 'purgeFront'>;
	ledger: Pick<LedgerStore, 'readMany'>;
	/** The ledger does not know the command any more: whoever said that it was final is out of date. */
	onForgotten: (handle: Handle) => void;
	/** How often the link has come and gone: behind another one may be another store. */
	linkChanges: () => number;
	clock: Clock;
	log: Log;
};

/** `facts`: of what waits under its id, where that is known to be another message. */
type Settled = Handle & { readonly facts?: CommandFacts | undefined; readonly said?: Said | undefined };

/** What has to be known of an entry: many are kept for a moment, and a whole one may be large. */
type Standing = Pick<LedgerEntry, 'state' | 'seq' | 'queuedAt' | 'accepted'>;

/** What the ledger said, when by the monotonic clock, and over which link. */
type Said = { readonly standing: Standing; readonly at: number; readonly changes: number };

/** What the ledger says, by handle. */
type Standings = ReadonlyMap<string, Standing | 'unreadable'>;

export class Settler {
	readonly #options: SettlerOptions;
	readonly #waiting = new Map<string, Settled>();
	#isWorking = false;

	constructor(options: SettlerOptions) {
		this.#options = options;
	}

	/** `entry`: what the ledger has just said of it, or has just taken. */
	settle({ node, id, facts, said }: Settled, entry?: LedgerEntry): void {
		const { clock, linkChanges } = this.#options;
		const standing = entry && standingOf(entry);
		const key = formatHandle({ node, id });
		const known = this.#waiting.get(key);
		this.#waiting.set(key, {
			...{ node, id },
			// Whoever says only that it has ended does not know what else waits under its id.
			facts: facts ?? known?.facts,
			said: standing ? { standing, at: clock.monotonic(), changes: linkChanges() } : (said ?? known?.said),
		});
		if (!this.#isWorking) void this.#work();
	}

	async #work(): Promise<void> {
		this.#isWorking = true;
		while (this.#waiting.size > 0) {
			await this.#options.clock.sleep(lingerMs);
			const some = [...this.#waiting].slice(0, mostAtOnce);
			for (const [key] of some) this.#waiting.delete(key);
			await this.#remove(new Map(some));
		}
		this.#isWorking = false;
	}

	async #remove(some: ReadonlyMap<string, Settled>): Promise<void> {
		const { linkChanges } = this.#options;
		const changes = linkChanges();
		const isSameLink = () => linkChanges() === changes;
		let standings: Standings;
		try {
			standings = await this.#standingsOf(some, changes);
		} catch (error) {
			for (const one of some.values()) this.#later(one, error);
			return;
		}
		const left = new Map(some);
		for (const one of nodesOf(some, standings)) if (isSameLink()) await this.#removeFront(one, left);
		const work = async () => {
			for (const [key, settled] of left) {
				left.delete(key);
				// What was read before says nothing of a store that came back since.
				if (isSameLink()) await this.#removeOne(settled, standings.get(key));
				else this.#later(settled, new Error('the link was lost meanwhile'));
			}
		};
		await Promise.all(Array.from({ length: concurrency }, work));
	}

	/** What the ledger has not said within the last second, and over this link, it is asked for. */
	async #standingsOf(some: ReadonlyMap<string, Settled>, changes: number): Promise<Standings> {
		const { clock, ledger } = this.#options;
		const standings = new Map<string, Standing | 'unreadable'>();
		const unsaid: string[] = [];
		for (const [key, { said }] of some) {
			const counts = said?.changes === changes && clock.monotonic() - said.at <= mostAgeMs;
			if (said && counts) standings.set(key, said.standing);
			else unsaid.push(key);
		}
		for (const [key, record] of unsaid.length > 0 ? await ledger.readMany(unsaid) : [])
			standings.set(key, record === 'unreadable' ? record : record.entry);
		return standings;
	}

	/** What it has dealt with is not `left` any more. */
	async #removeFront({ node, seqs }: SettledOfNode, left: Map<string, Settled>): Promise<void> {
		const { commands, log } = this.#options;
		let front = 0;
		try {
			const isOver = ({ id, facts }: StoredCommand) => seqs.get(id) === facts.seq;
			front = (await commands.purgeFront(node, seqs.size, isOver)).upTo;
		} catch (error) {
			log.debug({ node, err: messageOf(error) }, 'settled commands of a node go by their ids');
		}
		for (const [id, seq] of front > 0 ? seqs : []) {
			const key = formatHandle({ node, id });
			const settled = left.get(key);
			left.delete(key);
			// What lies behind one that is not over may be at the front in the next round.
			if (settled && seq > front) this.settle(settled);
		}
	}

	async #removeOne(settled: Settled, standing: Standing | 'unreadable' | undefined): Promise<void> {
		const { commands, onForgotten } = this.#options;
		const { node, id, facts } = settled;
		if (!standing) return onForgotten({ node, id });
		if (standing === 'unreadable') return this.#later(settled, 'its entry was written by a newer steward');
		const { state, seq } = standing;
		if (!isFinal(state)) return;
		// Sent again in the moment of its settling; what was sent long after is another command with its id.
		const isRepeat = facts !== undefined && isOfOneTime(facts, standing);
		// Its node made it itself: nothing of it was ever stored, save where the centre queued the same tick.
		if (isLocal({ seq }) && !isRepeat) return;
		try {
			await commands.purge(node, id, isRepeat ? Math.max(facts.seq, seq) : seq);
		} catch (error) {
			this.#later(settled, error);
		}
	}

	#later(settled: Settled, error: unknown): void {
		const { clock, log } = this.#options;
		log.debug({ handle: formatHandle(settled), err: messageOf(error) }, 'a settled command stays for now');
		clock.after(retryMs, () => this.settle(settled));
	}
}

/** Settled commands of one node: their sequences by id. */
type SettledOfNode = { readonly node: string; readonly seqs: ReadonlyMap<string, number> };

/** Nodes with enough of them. What has come again under its id is another message, and stays out. */
function nodesOf(some: ReadonlyMap<string, Settled>, standings: Standings): readonly SettledOfNode[] {
	const nodes = new Map<string, { node: string; seqs: Map<string, number> }>();
	for (const [key, { node, id, facts }] of some) {
		const standing = standings.get(key);
		if (!standing || standing === 'unreadable' || facts) continue;
		const { state, seq, accepted } = standing;
		if (!isFinal(state) || isLocal({ seq })) continue;
		// It had waited for its time under another subject, where something of it may be left.
		if (accepted) continue;
		const ofNode = nodes.get(node) ?? { node, seqs: new Map<string, number>() };
		nodes.set(node, ofNode);
		ofNode.seqs.set(id, seq);
	}
	return [...nodes.values()].filter(({ seqs }) => seqs.size >= fewestOfFront);
}

function standingOf({ state, seq, queuedAt, accepted }: LedgerEntry): Standing {
	return { state, seq, queuedAt, accepted };
}
