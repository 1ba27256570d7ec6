/**
 * Owns the end of nodes that were taken out of service: what waits for them is called off, what they started is given up, and
 * their consumers go. Promises that everything gets its end, also what was on its way when the node was taken out.
 * The wish is on disk before it is begun; a crash in the middle is resumed by the next leader.
 */

import { messageOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { type Closing, closeCommand } from '../client/close.ts';
import { foldGivenUp } from '../domain/ledger.ts';
import { formatHandle, type Handle, lanes, parseHandle } from '../domain/names.ts';
import type { Standing } from '../domain/standing.ts';
import { shardOf } from '../domain/subject.ts';
import type { Connection } from '../jetstream/connection.ts';
import { removeLaneConsumer } from '../jetstream/consumers.ts';
import type { LedgerStore } from '../jetstream/ledger-store.ts';
import type { Nodes } from '../jetstream/nodes.ts';
import type { Reports } from '../jetstream/reports.ts';
import type { Standings } from '../jetstream/standings.ts';
import { parseEnvelope, type StoredCommand } from '../jetstream/stored-command.ts';
import type { CentreIndex } from './index.ts';
import type { Settler } from './settler.ts';
import type { Undelivered } from './undelivered.ts';

export type DecommissionerOptions = Closing & {
	connection: Connection;
	index: Pick<CentreIndex, 'standings' | 'openCommands' | 'later' | 'ledger' | 'withNode' | 'isComplete'>;
	standings: Pick<Standings, 'change'>;
	nodes: Pick<Nodes, 'markAbsent'>;
	ledger: Pick<LedgerStore, 'read' | 'write'>;
	reports: Pick<Reports, 'last'>;
	settler: Pick<Settler, 'settle'>;
	undelivered: Pick<Undelivered, 'endOf'>;
	shards: number;
	/** A node is back in service: what it needs is made again. */
	onBack: (node: string) => void;
	log: Log;
};

type Gone = NonNullable<Standing['decommissioned']>;

/** Commands of one node that are ended in one go: each body is read. */
const atOnce = 64;

export class Decommissioner {
	readonly #options: DecommissionerOptions;
	readonly #seen = new Set<string>();

	constructor(options: DecommissionerOptions) {
		this.#options = options;
	}

	/** Events that nodes send to one that is out of service come all the same; answers how many it took off. */
	async endEvents(): Promise<number> {
		const { index, undelivered } = this.#options;
		let ended = 0;
		for (const [node, { decommissioned }] of index.standings) {
			if (decommissioned?.settledAt != null)
				ended += await undelivered.endOf(node, whyOf(node, decommissioned));
		}
		return ended;
	}

	/** Answers how many commands it ended. */
	async runOnce(): Promise<number> {
		const { index, onBack, log } = this.#options;
		if (!index.isComplete) return 0;
		for (const node of [...this.#seen]) {
			if (index.standings.get(node)?.decommissioned) continue;
			this.#seen.delete(node);
			onBack(node);
		}
		let ended = 0;
		for (const [node, { decommissioned }] of index.standings) {
			if (!decommissioned) continue;
			this.#seen.add(node);
			try {
				ended += await this.#end(node, decommissioned);
			} catch (error) {
				log.warn({ node, err: messageOf(error) }, 'a decommissioned node is not settled yet; trying again');
			}
		}
		return ended;
	}

	async #end(node: string, gone: Gone): Promise<number> {
		const { index, log } = this.#options;
		const waiting = [...index.openCommands(node), ...index.later.commands(node)].filter(
			(command) => !index.ledger.has(formatHandle(command)),
		);
		const started = [...index.withNode.keys()].map(parseHandle).filter((handle) => handle.node === node);
		const why = whyOf(node, gone);
		if (gone.settledAt === null) await this.#removeConsumers(node, why);
		const cancelled = await this.#each(waiting, (command) => this.#close(command, why, gone.by));
		const lost = await this.#each(started, (handle) => this.#giveUp(handle, why, gone.by));
		const isOver = waiting.length + started.length === 0;
		if (cancelled + lost > 0 || (isOver && gone.settledAt === null))
			await this.#note(node, cancelled, lost, isOver);
		if (isOver && gone.settledAt === null) log.info({ node }, 'decommissioned: nothing is left to settle');
		return cancelled + lost;
	}

	async #each<Item>(items: readonly Item[], end: (item: Item) => Promise<boolean>): Promise<number> {
		const ended = await Promise.all(items.slice(0, atOnce).map(end));
		return ended.filter(Boolean).length;
	}

	/** False where its node was first: then it is among those that were started. */
	async #close(command: StoredCommand, reason: string, actor: string): Promise<boolean> {
		const isClosed = await closeCommand(this.#options, command, { event: 'cancelled', reason, actor });
		if (isClosed) this.#options.log.info({ handle: formatHandle(command) }, reason);
		return isClosed;
	}

	/** What it has said last counts before that; what it says later is kept as late. */
	async #giveUp(handle: Handle, reason: string, actor: string): Promise<boolean> {
		const { ledger, reports, settler, readMessage, serverNow, log } = this.#options;
		const record = await ledger.read(handle);
		if (!record || (await reports.last(handle))) return false;
		const at = serverNow();
		const entry = foldGivenUp(record.entry, at, { reason, actor });
		if (entry === record.entry) return false;
		const envelope = parseEnvelope(await readMessage(record.entry));
		await ledger.write(entry, record.revision, { result: null, envelope }, at);
		log.warn({ handle: formatHandle(handle) }, `lost: ${reason}`);
		settler.settle(handle);
		return true;
	}

	/** Events first: how far the node took them says its consumer. */
	async #removeConsumers(node: string, why: string): Promise<void> {
		const { connection, nodes, shards } = this.#options;
		await this.#endEvents(node, why);
		const shard = shardOf(node, shards);
		await Promise.all(lanes.map((lane) => removeLaneConsumer(connection, { node, shard, lane })));
		await nodes.markAbsent(node);
	}

	async #endEvents(node: string, why: string): Promise<void> {
		const { undelivered, log } = this.#options;
		for (;;) {
			const count = await undelivered.endOf(node, why);
			if (count === 0) return;
			log.info({ node, count }, 'events of a decommissioned node were taken off their stream');
		}
	}

	async #note(node: string, cancelled: number, lost: number, isOver: boolean): Promise<void> {
		const { standings, serverNow } = this.#options;
		await standings.change(node, (standing) => {
			const { decommissioned: known } = standing;
			if (!known) return standing;
			const settledAt = isOver ? (known.settledAt ?? serverNow()) : known.settledAt;
			const counts = { cancelled: known.cancelled + cancelled, lost: known.lost + lost };
			return { ...standing, decommissioned: { ...known, ...counts, settledAt } };
		});
	}
}

function whyOf(node: string, { reason }: Gone): string {
	return `${node} was decommissioned${reason && `: ${reason}`}`;
}
