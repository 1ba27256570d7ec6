/**
 * Owns what users do with dead letters: list, read, send again, throw away.
 * Promises that many are worked through without holding them, each with an answer of its own, and that one which cannot be
 * sent again stays where it is. A crash in the middle leaves the rest for the same call again, which repeats nothing.
 */

import { isStewardError, messageOf, StewardError } from '../base/errors.ts';
import {
	type DeadLetterView,
	type DeadOutcome,
	deadLetterView,
	type LetterFilter,
	type LetterSummary,
	matchesLetter,
} from '../domain/dead-letter.ts';
import { formatHandle, type Handle, toHandle } from '../domain/names.ts';
import type { StoredLetter } from '../jetstream/dead-letters.ts';
import { type DeadGroup, LetterGroups } from './dead-groups.ts';
import { inTurns } from './in-turns.ts';
import { paced } from './paced.ts';
import type { FleetParts } from './parts.ts';
import { replayLetter } from './replay.ts';

/** Which dead letters; what is left out does not matter. */
export type DeadFilter = Omit<LetterFilter, 'since'> & {
	/** Written at or after. */
	readonly since?: Date | undefined;
};

/** `handles` narrowed by the rest, letters by their sequence on the stream, or all that match. */
export type DeadSelection = DeadFilter & {
	readonly handles?: readonly (string | Handle)[];
	readonly seqs?: readonly number[];
};

export type DiscardOptions = {
	/** Says what would be done, and does nothing. */
	readonly dryRun?: boolean;
	/** Called with each as soon as it is done, in no particular order. */
	readonly onOutcome?: (outcome: DeadOutcome) => void;
};

export type ReplayOptions = DiscardOptions & {
	/** At most so many a second; as fast as the broker takes them where it is left out. */
	readonly ratePerSecond?: number;
};

/** One letter by its place, or what is to be said of a handle that stands for none or for several. */
type Target = number | DeadOutcome;

/** Where a letter stands in a list. */
export type LetterPlace = { /** Milliseconds since the epoch. */ readonly at: number; readonly seq: number };

type Listed = { readonly summary: LetterSummary; readonly seq: number };

type Answer = Pick<DeadOutcome, 'outcome' | 'as' | 'why'>;
type Work = (stored: StoredLetter) => Promise<Answer>;

export class DeadLetterOffice {
	readonly #parts: FleetParts;

	constructor(parts: FleetParts) {
		this.#parts = parts;
	}

	/** The newest first, 50 by default, without their messages; `before`: what comes after one in this order. @throws StewardError `no-broker` */
	async list(
		options: DeadFilter & { readonly limit?: number; readonly before?: LetterPlace } = {},
	): Promise<DeadLetterView[]> {
		const { limit = 50, before } = options;
		if (!(limit >= 1)) throw new StewardError('usage', `limit: expected a number from 1 up, got ${limit}`);
		let found: Listed[] = [];
		await this.#parts.dead.scan(letterFilter(options), (summary, seq) => {
			if (before && !isBefore(before, { at: summary.at, seq })) return;
			found.push({ summary, seq });
			// A mark moves a letter to the end of the stream: newest is what was written last, not what stands last.
			if (found.length >= 2 * limit + 100) found = newest(found, limit);
		});
		return newest(found, limit).map(({ summary, seq }) => deadLetterView(summary, seq));
	}

	/** How many match. @throws StewardError `no-broker` */
	async count(filter: DeadFilter = {}): Promise<number> {
		let count = 0;
		await this.#parts.dead.scan(letterFilter(filter), () => {
			count += 1;
		});
		return count;
	}

	/** Letters of one fault, method and kind together, most letters first. @throws StewardError `no-broker` */
	async groups(filter: DeadFilter = {}): Promise<DeadGroup[]> {
		const groups = new LetterGroups();
		await this.#parts.dead.scan(letterFilter(filter), (summary) => groups.add(summary));
		return groups.list();
	}

	/** One, whole; undefined where it was removed, or took another place when it was sent again. */
	async at(seq: number): Promise<DeadLetterView | undefined> {
		const stored = await this.#parts.dead.at(seq);
		return stored && deadLetterView(stored.letter, stored.seq);
	}

	/**
	 * The letters under a handle, whole, the oldest first; none where it is not known. There may be several, of a command and
	 * an event or of different methods.
	 */
	async get(handle: string | Handle): Promise<DeadLetterView[]> {
		const letters = await this.#parts.dead.find(toHandle(handle));
		return letters.map(({ letter, seq }) => deadLetterView(letter, seq));
	}

	/**
	 * Sends them again: each command as a new command whose lineage names the letter, each event with its data. The letter
	 * stays, and says what it was sent again as; asking twice is a duplicate. Of a filter, those that were replayed are left out.
	 * @throws StewardError `no-broker`, `ambiguous`: asking again goes on where it ended; `usage`
	 */
	async replay(
		what: readonly (string | Handle)[] | DeadSelection,
		{ ratePerSecond, dryRun = false, onOutcome }: ReplayOptions = {},
	): Promise<DeadOutcome[]> {
		if (ratePerSecond !== undefined && !(ratePerSecond > 0)) {
			throw new StewardError('usage', `ratePerSecond: expected a number above 0, got ${ratePerSecond}`);
		}
		const stream = await this.#parts.dead.identity();
		const targets = await this.#targets({ replayed: false }, what);
		const work = this.#worker(onOutcome, (stored) => replayLetter(this.#parts, stored, { stream, dryRun }));
		const { clock } = this.#parts;
		return ratePerSecond === undefined || dryRun
			? inTurns(targets, work)
			: paced(targets, { ratePerSecond, clock }, work);
	}

	/** Throws them away, for good. @throws StewardError `no-broker` */
	async discard(
		what: readonly (string | Handle)[] | DeadSelection,
		{ dryRun = false, onOutcome }: DiscardOptions = {},
	): Promise<DeadOutcome[]> {
		const work = this.#worker(onOutcome, async (stored) => {
			if (dryRun) return { outcome: 'possible', as: null, why: null };
			const removed = await this.#parts.dead.remove(stored);
			return removed ? { outcome: 'discarded', as: null, why: null } : gone;
		});
		return inTurns(await this.#targets({}, what), work);
	}

	/** Places alone: as many letters as a stream holds are a few megabytes of them. */
	async #targets(
		usual: DeadFilter,
		what: readonly (string | Handle)[] | DeadSelection,
	): Promise<readonly Target[]> {
		const { handles, seqs, ...filter } = isList(what) ? { handles: what } : what;
		if (seqs) return [...new Set(seqs)];
		if (handles) {
			const narrowed = letterFilter(filter);
			const found = await inTurns(handles, (handle) => this.#targetOf(toHandle(handle), narrowed));
			// A handle that was given twice is one letter.
			return [...new Set(found)];
		}
		const places: number[] = [];
		await this.#parts.dead.scan(
			letterFilter({ ...filter, replayed: filter.replayed ?? usual.replayed }),
			(_, seq) => places.push(seq),
		);
		return places;
	}

	async #targetOf(handle: Handle, filter: LetterFilter): Promise<Target> {
		const found = (await this.#parts.dead.find(handle)).filter(({ letter }) => matchesLetter(filter, letter));
		const [first] = found;
		if (first && found.length === 1) return first.seq;
		const none = { handle: formatHandle(handle), kind: null, method: null, as: null };
		if (!first) return { ...none, outcome: 'notFound', why: 'there is no such dead letter' };
		const kinds = found.map(({ letter }) => `${letter.kind} ${letter.method}`).join(', ');
		return {
			...none,
			outcome: 'refused',
			why: `${found.length} letters share this handle (${kinds}): say kind or method as well`,
		};
	}

	#worker(
		onOutcome: ((outcome: DeadOutcome) => void) | undefined,
		work: Work,
	): (target: Target) => Promise<DeadOutcome> {
		return async (target) => {
			const outcome = typeof target === 'number' ? await this.#workOn(target, work) : target;
			onOutcome?.(outcome);
			return outcome;
		};
	}

	async #workOn(seq: number, work: Work): Promise<DeadOutcome> {
		const stored = await this.#parts.dead.at(seq);
		if (!stored) return { handle: `seq ${seq}`, kind: null, method: null, ...gone };
		const { kind, method } = stored.letter;
		return { handle: formatHandle(stored.letter), kind, method, ...(await orRefused(work, stored)) };
	}
}

const gone: Answer = { outcome: 'notFound', as: null, why: 'it was removed or replayed in the meantime' };

/** What this one letter cannot be is its own answer; a broker that does not answer ends it all. */
async function orRefused(work: Work, stored: StoredLetter): Promise<Answer> {
	try {
		return await work(stored);
	} catch (error) {
		const own = (['invalid', 'refused', 'id-conflict'] as const).some((code) => isStewardError(error, code));
		if (!own) throw error;
		return { outcome: 'refused', as: null, why: messageOf(error) };
	}
}

function isBefore(one: LetterPlace, other: LetterPlace): boolean {
	return other.at < one.at || (other.at === one.at && other.seq < one.seq);
}

function newest(letters: readonly Listed[], limit: number): Listed[] {
	return [...letters].sort((a, b) => b.summary.at - a.summary.at || b.seq - a.seq).slice(0, limit);
}

function isList(what: readonly (string | Handle)[] | DeadSelection): what is readonly (string | Handle)[] {
	return Array.isArray(what);
}

function letterFilter({ node, kind, method, code, since, replayed }: DeadFilter): LetterFilter {
	return { node, kind, method, code, since: since?.getTime(), replayed };
}
