/**
 * Owns positions: how far a reader of the live stream has come in each stream behind the index, as a short text that any centre of the
 * fleet can read, also one that was started since. Promises that what is no position of these streams is told from one that is.
 * Pure.
 */

import { fnv1a } from '../../base/ids.ts';
import type { LetterStanding } from '../../jetstream/dead-letters.ts';

/** `own` are the streams that live as long as the fleet; presence lives in the broker's memory, and begins anew with it. */
export type Lives = { readonly own: string; readonly presence: string };

/** Which letters there were, as {@link LetterStanding} tells it; `life` 0: nobody has looked yet. */
export type DeadMark = { readonly life: number; readonly seq: number; readonly removed: number };

export type Position = {
	/** What fails no more because it is long ago: up to when, server time. */
	readonly expired: number;
	readonly ledger: number;
	readonly nodes: number;
	readonly presence: number;
	readonly schedules: number;
	/** Of commands. */
	readonly shards: readonly number[];
	/** Of the ledger: up to when, server time; 0: nothing has left yet by age. */
	readonly left: number;
	readonly dead: DeadMark;
};

/** Of the longest position: 64 shards and more. */
const longest = 1024;
const shape = /^[0-9a-z]{1,7}(?:\.[0-9a-z]{1,10})+$/;

/** A short mark of which streams the sequences count. */
export function markOf(life: string): string {
	return fnv1a(life).toString(36);
}

export function deadMarkOf({ created, lastSeq, removed }: LetterStanding): DeadMark {
	return { life: fnv1a(created) || 1, seq: lastSeq, removed };
}

export function formatPosition(lives: Lives, position: Position): string {
	const { expired, ledger, nodes, presence, schedules, shards, left, dead } = position;
	const isOfThisPresence = presence >= 0;
	const seqs = [expired, ledger, nodes, Math.max(presence, 0), schedules, ...shards];
	seqs.push(left, dead.life, dead.seq, dead.removed);
	const marks = [lives.own, isOfThisPresence ? lives.presence : '0'];
	return [...marks, ...seqs.map((seq) => seq.toString(36))].join('.');
}

/** Undefined for what is no position, or one of other streams; where only presence has begun anew, all of presence comes after it. */
export function parsePosition(text: string, lives: Lives, shards: number): Position | undefined {
	if (text.length > longest || !shape.test(text)) return undefined;
	const [own, presenceMark, ...rest] = text.split('.');
	const seqs = rest.map((one) => Number.parseInt(one, 36));
	if (own !== lives.own || seqs.length !== 5 + shards + 4 || !seqs.every(Number.isSafeInteger))
		return undefined;
	const [expired = 0, ledger = 0, nodes = 0, presence = 0, schedules = 0, ...more] = seqs;
	const [left = 0, life = 0, seq = 0, removed = 0] = more.slice(shards);
	return {
		...{ expired, ledger, nodes, schedules },
		presence: presenceMark === lives.presence ? presence : -1,
		shards: more.slice(0, shards),
		left,
		dead: { life, seq, removed },
	};
}

/** Whether both have seen the same letters. */
export function isSameDead(one: DeadMark, other: DeadMark): boolean {
	return one.life === other.life && one.seq === other.seq && one.removed === other.removed;
}

/** It has seen no more of any stream than that; of letters any other mark is news, and of what is long ago a server that has begun since may know less. */
export function isWithin(position: Position, upTo: Position): boolean {
	return (
		position.ledger <= upTo.ledger &&
		position.nodes <= upTo.nodes &&
		position.presence <= upTo.presence &&
		position.schedules <= upTo.schedules &&
		position.shards.every((seq, shard) => seq <= (upTo.shards[shard] ?? 0))
	);
}
