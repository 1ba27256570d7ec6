/**
 * Owns settling what will not come by itself: commands whose time to start has passed, and those that were started and of
 * which nothing was heard for too long. Promises that "expired" is said only where the centre won the claim, so that the
 * command certainly never started. A crash after a claim is resumed by the projector, which reads the claim again.
 */

import type { Clock } from '../base/clock.ts';
import { messageOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { closeCommand } from '../client/close.ts';
import { foldLost, type LedgerEntry, lostAt } from '../domain/ledger.ts';
import { centralNode, formatHandle, type Handle, parseHandle } from '../domain/names.ts';
import { commandDefaults } from '../domain/policy.ts';
import type { CommandAddress } from '../domain/subject.ts';
import type { Claims } from '../jetstream/claims.ts';
import type { LedgerStore } from '../jetstream/ledger-store.ts';
import type { Reports } from '../jetstream/reports.ts';
import { parseEnvelope, type StoredCommand } from '../jetstream/stored-command.ts';
import type { CentreIndex } from './index.ts';
import type { Settler } from './settler.ts';

/** Commands expired in one go. */
const atOnce = 256;
const tryAgainMs = 10_000;
const mostRemembered = 10_000;

export type ReaperOptions = {
	index: CentreIndex;
	claims: Claims;
	/** The command's body, for the claim's copy; null when it is gone. */
	readMessage: (command: CommandAddress & { seq: number }) => Promise<string | null>;
	ledger: LedgerStore;
	reports: Pick<Reports, 'last'>;
	settler: Pick<Settler, 'settle'>;
	/** A present node beats at least once in this time. */
	presenceTtlMs: number;
	clock: Clock;
	serverNow: () => number;
	log: Log;
};

export class Reaper {
	readonly #options: ReaperOptions;
	/** Those that could not be closed, and when to try again: they do not keep the others. */
	readonly #notBefore = new Map<string, number>();

	/** From when on an absence means something, by the monotonic clock. */
	#presenceKnownAt = Number.POSITIVE_INFINITY;

	constructor(options: ReaperOptions) {
		this.#options = options;
		options.index.onPresenceLost(() => this.begin());
	}

	/** Call when this centre begins to lead: who is present is known once every node has had the time to say so. */
	begin(): void {
		const { clock, presenceTtlMs } = this.#options;
		this.#presenceKnownAt = clock.monotonic() + presenceTtlMs;
	}

	/** Answers how many commands it closed. */
	async runOnce(): Promise<number> {
		const expired = this.#due().map((command) => this.#expire(command));
		const lost = this.#silent().map((handle) => this.#giveUp(handle));
		const closed = await Promise.all([...expired, ...lost]);
		return closed.filter(Boolean).length;
	}

	#due(): StoredCommand[] {
		const { index, serverNow } = this.#options;
		const now = serverNow();
		const due: StoredCommand[] = [];
		for (const ofNode of index.waiting.values()) {
			for (const command of ofNode.values()) {
				const { queuedAt, deliverWithinMs } = command.facts;
				if (deliverWithinMs === null || queuedAt + deliverWithinMs > now) continue;
				// Claimed by its node, or closed already: the ledger has its own way on.
				const handle = formatHandle(command);
				if (index.ledger.has(handle) || (this.#notBefore.get(handle) ?? 0) > now) continue;
				due.push(command);
				if (due.length === atOnce) return due;
			}
		}
		return due;
	}

	async #expire(command: StoredCommand): Promise<boolean> {
		const { log } = this.#options;
		const handle = formatHandle(command);
		const why = {
			event: 'expired',
			reason: 'deliverWithin passed before a start',
			actor: centralNode,
		} as const;
		try {
			const isClosed = await closeCommand(this.#options, command, why);
			// Claimed by its node: the projector is on its way.
			this.#tryLater(handle);
			if (isClosed) log.info({ handle }, 'expired');
			return isClosed;
		} catch (error) {
			log.warn({ handle, err: messageOf(error) }, 'not expired yet; trying again');
			this.#tryLater(handle);
			return false;
		}
	}

	#tryLater(handle: string): void {
		if (this.#notBefore.size >= mostRemembered) this.#notBefore.clear();
		this.#notBefore.set(handle, this.#options.serverNow() + tryAgainMs);
	}

	/** Started, past all clocks and all patience, and its node is silent. */
	#silent(): Handle[] {
		const { index, clock, serverNow } = this.#options;
		if (!index.isComplete || clock.monotonic() < this.#presenceKnownAt) return [];
		const now = serverNow();
		const silent: Handle[] = [];
		for (const [text, patientUntil] of index.withNode) {
			if (patientUntil > now || (this.#notBefore.get(text) ?? 0) > now) continue;
			const handle = parseHandle(text);
			if (this.#saysItHas(handle)) this.#tryLater(text);
			else silent.push(handle);
			if (silent.length === atOnce) break;
		}
		return silent;
	}

	#isPresent(node: string): boolean {
		return this.#options.index.presence.get(node)?.gone === false;
	}

	/** Its node is present, and says that it runs it or still owes its report. */
	#saysItHas({ node, id }: Handle): boolean {
		if (!this.#isPresent(node)) return false;
		const { running = [], unreported = [] } = this.#options.index.nodes.get(node)?.state ?? {};
		return unreported.includes(id) || running.some((run) => run.id === id);
	}

	/** A node that is present is not silent: what is still on its stream comes to an end by itself. */
	#isWaitedFor({ node, id }: Handle): boolean {
		return this.#isPresent(node) && this.#options.index.waiting.get(node)?.has(id) === true;
	}

	/**
	 * The node that is there now works with another store, on this machine or another: what the store before had recorded and
	 * not yet said, nobody can say any more, however often the node beats.
	 */
	async #isOfAnotherStore(entry: LedgerEntry): Promise<boolean> {
		const { index, claims } = this.#options;
		const state = index.nodes.get(entry.node)?.state;
		if (entry.epoch !== null) return state !== undefined && state.epoch !== entry.epoch;
		const claim = await claims.read(entry);
		if (!state || claim?.by !== 'node') return false;
		return claim.epoch !== state.epoch || claim.machine !== state.machine;
	}

	/** When its node was heard last, server time; 0 where nobody knows. */
	#heardAt(node: string): number {
		const { index } = this.#options;
		return Math.max(index.presence.get(node)?.writtenAt ?? 0, index.nodes.get(node)?.lastSeenAt ?? 0);
	}

	/** Ledger and reports themselves are asked: what the index knows may be old, and the projector behind. */
	async #giveUp(handle: Handle): Promise<boolean> {
		const { index, ledger, reports, settler, readMessage, serverNow, log } = this.#options;
		const text = formatHandle(handle);
		try {
			const record = await ledger.read(handle);
			if (!record) index.forget(text);
			const at = serverNow();
			const due = record && (await this.#dueAt(record.entry));
			if (!record || !due || due > at || (await reports.last(handle))) {
				this.#tryLater(text);
				return false;
			}
			const envelope = parseEnvelope(await readMessage(record.entry));
			await ledger.write(foldLost(record.entry, at), record.revision, { result: null, envelope }, at);
			log.warn({ handle: text }, 'lost: nothing was heard of it for too long');
			settler.settle(handle);
			return true;
		} catch (error) {
			log.warn({ handle: text, err: messageOf(error) }, 'not given up yet; trying again');
			this.#tryLater(text);
			return false;
		}
	}

	/** Its own clocks, and the silence of whoever may still speak of it, both for longer than its patience; null: not yet. */
	async #dueAt(entry: LedgerEntry): Promise<number | null> {
		const due = lostAt(entry);
		if (due === null || (await this.#isOfAnotherStore(entry))) return due;
		if (this.#isWaitedFor(entry)) return null;
		return Math.max(due, this.#heardAt(entry.node) + (entry.patienceMs ?? commandDefaults.patienceMs));
	}
}
