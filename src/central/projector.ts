/**
 * Owns folding claims and reports into the ledger: results first, then the ledger, then the ack, then the removal.
 * Promises that nothing stands still: what cannot be folded becomes a dead letter and is acknowledged. Compare-and-set
 * is the fence between two leaders. A crash anywhere repeats a fold, which is harmless.
 */

import type { Clock } from '../base/clock.ts';
import { messageOf } from '../base/errors.ts';
import type { Service } from '../base/lifecycle.ts';
import type { Log } from '../base/log.ts';
import { isDeadLetter, type LedgerEntry, type SignatureVerdict } from '../domain/ledger.ts';
import { formatHandle, type Handle } from '../domain/names.ts';
import type { Result } from '../domain/result.ts';
import { isFinal } from '../domain/state.ts';
import { type CommandAddress, parseKeyedSubject, streams } from '../domain/subject.ts';
import { type CommandFacts, deadEventSchema, decode, isSameCommand, ledgerAgeMs } from '../domain/wire.ts';
import type { Link } from '../jetstream/connection.ts';
import type { DeadLetters } from '../jetstream/dead-letters.ts';
import type { CommandEnd, LedgerRecord, LedgerStore } from '../jetstream/ledger-store.ts';
import { isTooLarge } from '../jetstream/publish-answer.ts';
import { isWrongSequence } from '../jetstream/publisher.ts';
import type { Delivery } from '../jetstream/pull.ts';
import { parseEnvelope } from '../jetstream/stored-command.ts';
import { BatchReader } from './batch-reader.ts';
import { commandLetter, eventLetter, outdatedLetter, unreadableLetter } from './letters.ts';
import type { Settler } from './settler.ts';
import type { StatementCheck } from './statement-check.ts';
import { foldAll, readStatement, type Statement } from './statements.ts';

/** Name of the centre's consumers on claims and reports; the sweeper removes what is below their floors. */
export const projectorConsumer = '_projector';

/** A key that two leaders write at once is read again this often. */
const foldTries = 5;
/** A key that nobody knows is waited for so often. */
const keyTries = 5;
const keyRetryMs = 1000;
/** Statements about an entry that this program cannot read wait for one that can. */
const unreadableRetryMs = 30_000;

/**
 * A claim waits a moment for the report of a short run, and while there is no time for reports: a report tells of the start as well, and
 * then the ledger is written once. Who asks for one command reads its claim meanwhile.
 */
const claimLinger = { forMs: 250, longestMs: 2000 };

/** A batch of results and one of entries cost the broker 3 ms in all and more, whatever is in them. */
const gather = { from: 16, forMs: 100 };

type Group = { readonly handle: Handle; readonly statements: readonly Statement[] };

export type ProjectorOptions = {
	link: Link;
	ledger: Pick<LedgerStore, 'read' | 'readMany' | 'readEnd' | 'write'>;
	dead: DeadLetters;
	settler: Pick<Settler, 'settle'>;
	/** Whether the node's signature holds. */
	statements: Pick<StatementCheck, 'check'>;
	/** The body of a command that is still on its stream, for its dead letter. */
	readMessage: (command: CommandAddress & { seq: number }) => Promise<string | null>;
	/** The command that waits on its stream under this id. */
	findWaiting: (handle: Handle) => Promise<{ readonly facts: CommandFacts } | undefined>;
	serverNow: () => number;
	clock: Clock;
	/** Told of each message that is read, by its subject. */
	onRead?: (subject: string) => void;
	log: Log;
};

export class Projector implements Service {
	readonly name = 'projector';
	readonly #options: ProjectorOptions;
	readonly #readers: readonly BatchReader[];
	#turn: Promise<void> = Promise.resolve();

	constructor(options: ProjectorOptions) {
		this.#options = options;
		const { link, clock, log, onRead } = options;
		const handle = (batch: readonly Delivery[]) => this.#inTurn(batch);
		const common = { link, consumer: projectorConsumer, handle, onRead, clock, log };
		const reports: BatchReader = new BatchReader({
			...{ ...common, stream: streams.reports, gather },
			also: (batch) => claimsOf(batch, claims),
		});
		const linger = { ...claimLinger, after: reports };
		const claims = new BatchReader({ ...common, stream: streams.claims, linger });
		this.#readers = [claims, reports];
	}

	async start(): Promise<void> {
		await Promise.all(this.#readers.map((reader) => reader.start()));
	}

	async stop(): Promise<void> {
		await Promise.all(this.#readers.map((reader) => reader.stop()));
	}

	/** One batch after the other: two that write the same entry would refuse each other, and with it all that goes together. */
	#inTurn(batch: readonly Delivery[]): Promise<void> {
		const turn = this.#turn.then(() => this.project(batch));
		// Who handed it over hears how it went; the next one begins in any case.
		this.#turn = turn.catch(() => undefined);
		return turn;
	}

	/** Folds a batch; resolves when each of its deliveries is acknowledged or handed back. */
	async project(batch: readonly Delivery[]): Promise<void> {
		const groups = new Map<string, { readonly handle: Handle; readonly statements: Statement[] }>();
		const others: Promise<void>[] = [];
		for (const delivery of batch) {
			const handle = parseKeyedSubject(delivery.subject);
			const check = handle ? this.#check(handle, delivery) : null;
			if (check === 'wait') continue;
			const statement = handle && readStatement(handle, delivery, check);
			if (!handle || !statement) {
				others.push(this.#bury(delivery));
				continue;
			}
			const key = formatHandle(handle);
			const group = groups.get(key) ?? { handle, statements: [] };
			groups.set(key, group);
			group.statements.push(statement);
		}
		const records = await this.#options.ledger.readMany([...groups.keys()]);
		await Promise.all([
			...others,
			...[...groups].map(([key, group]) => this.#foldGroup(group, records.get(key))),
		]);
	}

	/**
	 * One whose signature does not hold counts, and is marked. Only the node itself, or who is inside the broker, can publish it; the
	 * second could do as much harm without, and of the first an outcome would be lost for ever over a wrong list of keys.
	 */
	#check(handle: Handle, delivery: Delivery): SignatureVerdict | null | 'wait' {
		const verdict = this.#options.statements.check(handle.node, delivery);
		// A node's first report may be here before its first state.
		if (verdict === 'unknown' && delivery.deliveries <= keyTries) {
			delivery.nak(keyRetryMs);
			return 'wait';
		}
		if (verdict !== 'unknown' && verdict !== 'broken') return verdict;
		const why = verdict === 'broken' ? 'does not hold' : 'is by a key that is not known as its own';
		this.#options.log.warn({ handle: formatHandle(handle) }, `the signature of what the node states ${why}`);
		return 'broken';
	}

	async #foldGroup(group: Group, record: LedgerRecord | 'unreadable' | undefined): Promise<void> {
		const { log } = this.#options;
		if (record === 'unreadable') {
			log.error(
				{ handle: formatHandle(group.handle) },
				'the ledger entry was written by a newer steward: this centre must not lead; install the newer one',
			);
			for (const { delivery } of group.statements) delivery.nak(unreadableRetryMs);
			return;
		}
		try {
			const statements = await this.#withoutOutdated(group, record?.entry);
			if (statements.length === 0) return;
			const entry = await this.#write({ ...group, statements }, record);
			for (const { delivery } of statements) delivery.ack();
			if (isFinal(entry.state)) this.#options.settler.settle(group.handle, entry);
		} catch (error) {
			if (isTooLarge(error)) return this.#buryAll(group);
			log.warn(
				{ handle: formatHandle(group.handle), err: messageOf(error) },
				'the ledger could not be written; again soon',
			);
			for (const { delivery } of group.statements) delivery.nak(1000);
		}
	}

	/**
	 * The ledger forgets, and its ids are given anew: what a ship says after that of the first command must not settle the
	 * second. It is kept as a dead letter.
	 */
	async #withoutOutdated(group: Group, entry: LedgerEntry | undefined): Promise<readonly Statement[]> {
		const current = entry ?? (await this.#waitingAnew(group));
		if (!current) return group.statements;
		const outdated = group.statements.filter(({ facts }) => !isSameCommand(facts, current));
		for (const statement of outdated) {
			await this.#options.dead.write(outdatedLetter(group.handle, statement, this.#options.serverNow()));
			statement.delivery.ack();
		}
		return group.statements.filter((statement) => !outdated.includes(statement));
	}

	/** The command that waits under this id, where the statements are old enough to be of another. */
	async #waitingAnew({ handle, statements }: Group): Promise<CommandFacts | undefined> {
		const { findWaiting, serverNow } = this.#options;
		const forgottenBefore = serverNow() - ledgerAgeMs;
		if (statements.every(({ facts }) => facts.queuedAt > forgottenBefore)) return undefined;
		return (await findWaiting(handle))?.facts;
	}

	async #write({ handle, statements }: Group, first: LedgerRecord | undefined): Promise<LedgerEntry> {
		const { ledger, dead, readMessage, serverNow } = this.#options;
		let record = first;
		for (let attempt = 1; ; attempt++) {
			const before = record?.entry;
			const { entry, settling, late } = foldAll(before, statements);
			if (!entry || entry === before) return entry ?? unfolded(handle);
			const message = settling && (settling.message ?? (await readMessage(entry)));
			if (message !== undefined && isDeadLetter(entry))
				await dead.write(commandLetter(entry, message, serverNow()));
			const end =
				message !== undefined
					? { result: settling?.result ?? null, envelope: parseEnvelope(message) }
					: await this.#lateEnd(entry, late?.result);
			try {
				await ledger.write(entry, record?.revision ?? 0, end, serverNow());
				this.#logMove(handle, before, entry);
				return entry;
			} catch (error) {
				if (!isWrongSequence(error) || attempt === foldTries) throw error;
				record = await ledger.read(handle);
			}
		}
	}

	#logMove(handle: Handle, before: LedgerEntry | undefined, entry: LedgerEntry): void {
		if (before?.state === entry.state) return;
		this.#options.log.info(
			{ handle: formatHandle(handle), state: entry.state, method: entry.method },
			'state',
		);
	}

	/** What a node brings home of a command that had been given up: kept where nothing else is. */
	async #lateEnd(entry: LedgerEntry, result: Result | undefined): Promise<CommandEnd | undefined> {
		if (!result || !entry.closed) return undefined;
		const known = await this.#options.ledger.readEnd(entry);
		return known?.result ? undefined : { result, envelope: known?.envelope ?? null };
	}

	/** What the ledger can never take stands in nobody's way. */
	async #buryAll({ statements }: Group): Promise<void> {
		await Promise.all(statements.map(({ delivery }) => this.#bury(delivery)));
	}

	/** What is no claim and no report of a command: an event that could not be handled, or nothing that can be read. */
	async #bury(delivery: Delivery): Promise<void> {
		const { dead, log, serverNow } = this.#options;
		const address = parseKeyedSubject(delivery.subject);
		const event = decode(deadEventSchema, delivery.data);
		try {
			await dead.write(
				address && event ? eventLetter(address, event) : unreadableLetter(address, delivery, serverNow()),
			);
			delivery.ack();
			log.warn({ subject: delivery.subject }, 'a dead letter was written');
		} catch (error) {
			log.warn(
				{ subject: delivery.subject, err: messageOf(error) },
				'a dead letter could not be written; again soon',
			);
			delivery.nak(1000);
		}
	}
}

/** Claims that wait for the reports of this batch. */
function claimsOf(batch: readonly Delivery[], claims: BatchReader): readonly Delivery[] {
	const reported = new Set(batch.map(({ subject }) => handleIn(subject)));
	return claims.take(({ subject }) => reported.has(handleIn(subject)));
}

/** What is behind the family of a claim's or a report's subject. */
function handleIn(subject: string): string {
	return subject.slice(subject.indexOf('.', subject.indexOf('.') + 1));
}

function unfolded(handle: Handle): never {
	throw new Error(`a statement about ${formatHandle(handle)} folded into nothing`);
}
