/**
 * Owns positions: how far a reader of the live stream has come in each stream behind the index, as a short text that any centre of the
 * fleet can read, also one that was started since. Promises that what is no position of these streams is told from one that is.
 * Pure.
 */

import { fnv1a } from '../../base/ids.ts';

/** `own` are the streams that live as long as the fleet; presence lives in the broker's memory, and begins anew with it. */
export type Lives = { readonly own: string; readonly presence: string };

export type Position = {
	/** What fails no more because it is long ago: up to when, server time. */
	readonly expired: number;
	readonly ledger: number;
	readonly nodes: number;
	readonly presence: number;
	readonly schedules: number;
	/** Of commands. */
	readonly shards: readonly number[];
};

/** Of the longest position: 64 shards and more. */
const longest = 1024;
const shape = /^[0-9a-z]{1,7}(?:\.[0-9a-z]{1,10})+$/;

/** A short mark of which streams the sequences count. */
export function markOf(life: string): string {
	return fnv1a(life).toString(36);
}

export function formatPosition(lives: Lives, position: Position): string {
	const { expired, ledger, nodes, presence, schedules, shards } = position;
	const isOfThisPresence = presence >= 0;
	const seqs = [expired, ledger, nodes, Math.max(presence, 0), schedules, ...shards];
	const marks = [lives.own, isOfThisPresence ? lives.presence : '0'];
	return [...marks, ...seqs.map((seq) => seq.toString(36))].join('.');
}

/** Undefined for what is no position, or one of other streams; where only presence has begun anew, all of presence comes after it. */
export function parsePosition(text: string, lives: Lives, shards: number): Position | undefined {
	if (text.length > longest || !shape.test(text)) return undefined;
	const [own, presenceMark, ...rest] = text.split('.');
	const seqs = rest.map((one) => Number.parseInt(one, 36));
	if (own !== lives.own || seqs.length !== 5 + shards || !seqs.every(Number.isSafeInteger)) return undefined;
	const [expired = 0, ledger = 0, nodes = 0, presence = 0, schedules = 0, ...ofShards] = seqs;
	return {
		...{ expired, ledger, nodes, schedules },
		presence: presenceMark === lives.presence ? presence : -1,
		shards: ofShards,
	};
}

/** It has seen no more of any stream than that; of what is long ago a server that has begun since may know less. */
export function isWithin(position: Position, upTo: Position): boolean {
	return (
		position.ledger <= upTo.ledger &&
		position.nodes <= upTo.nodes &&
		position.presence <= upTo.presence &&
		position.schedules <= upTo.schedules &&
		position.shards.every((seq, shard) => seq <= (upTo.shards[shard] ?? 0))
	);
}
