/**
 * Owns what it means that a stream on the broker differs from its definition: field by field, and which changes lose something.
 * Promises that a field which only the server knows is no difference, and that whatever can lose messages, or cannot be
 * undone, says so in words. Pure.
 */

import type { StreamConfig, StreamState } from '@nats-io/jetstream';
import type { StreamDefinition } from './definitions.ts';

/** `+` the broker does not say it yet, `-` it says more than the definition, `~` it says something else. */
export type FieldChange = {
	readonly field: string;
	readonly sign: '+' | '~' | '-';
	readonly from: unknown;
	readonly to: unknown;
	/** What is lost by it; null where nothing is. */
	readonly destructive: string | null;
};

type Held = { readonly config: StreamConfig; readonly state: Pick<StreamState, 'bytes' | 'messages'> };

/**
 * How a stream would have to change. `sizes`: also its `max_bytes` on disk, which otherwise stay as they were given: they
 * depend on the disk of that day.
 */
export function changesOf(definition: StreamDefinition, held: Held, sizes: boolean): readonly FieldChange[] {
	const actual: Record<string, unknown> = { ...held.config };
	return Object.entries(definition).flatMap(([field, to]): FieldChange[] => {
		if (field === 'metadata') return metadataChanges(held.config.metadata, definition.metadata);
		if (field === 'max_bytes' && definition.storage === 'file' && !sizes) return [];
		const from = actual[field] ?? zeroOf(to);
		if (JSON.stringify(from) === JSON.stringify(to)) return [];
		if (field === 'subjects') return subjectChanges(held.config.subjects, definition.subjects);
		return [{ field, sign: '~', from, to, destructive: whatIsLost(field, from, to, held) }];
	});
}

/** The server leaves out what is zero or false. */
function zeroOf(value: unknown): unknown {
	if (typeof value === 'boolean') return false;
	if (typeof value === 'number') return 0;
	return undefined;
}

/** What the server and a restore wrote there stays. */
function metadataChanges(actual: Record<string, string> = {}, wanted: Record<string, string>): FieldChange[] {
	return Object.entries(wanted)
		.filter(([key, to]) => actual[key] !== to)
		.map(([key, to]) => ({
			...{ field: `metadata.${key}`, sign: actual[key] === undefined ? '+' : '~' },
			...{ from: actual[key] ?? null, to, destructive: null },
		}));
}

function subjectChanges(actual: readonly string[], wanted: readonly string[]): FieldChange[] {
	const gone = actual.filter((subject) => !wanted.includes(subject));
	const added = wanted.filter((subject) => !actual.includes(subject));
	const destructive =
		'messages of this subject are no longer kept, and those that are there belong to nobody';
	return [
		...gone.map((from): FieldChange => ({ field: 'subjects', sign: '-', from, to: null, destructive })),
		...added.map((to): FieldChange => ({ field: 'subjects', sign: '+', from: null, to, destructive: null })),
	];
}

/** `from` and `to` are as different as they are said to be. */
function whatIsLost(field: string, from: unknown, to: unknown, { state }: Held): string | null {
	switch (field) {
		case 'storage':
			return 'the server changes no storage: back up, remove the stream by hand, restore';
		case 'retention':
			return 'messages go by another rule at once';
		case 'discard':
			return to === 'old' ? 'a full stream drops its oldest, where it refuses new ones now' : null;
		case 'max_age':
			return isLower(from, to, 0) ? 'messages older than that are removed at once' : null;
		case 'max_msgs':
		case 'max_msgs_per_subject':
			return isLower(from, to, -1) ? 'what is above the new limit is removed at once' : null;
		case 'max_bytes':
			return Number(to) < state.bytes
				? `the stream holds ${state.bytes} bytes: the oldest are removed at once`
				: null;
		case 'num_replicas':
			return Number(to) < Number(from) ? 'fewer servers hold what is there' : null;
		case 'deny_delete':
		case 'deny_purge':
		case 'allow_msg_ttl':
			return from === true || field !== 'allow_msg_ttl' ? 'the server does not take that back' : null;
		default:
			return null;
	}
}

/** `unlimited` stands for no limit. */
function isLower(from: unknown, to: unknown, unlimited: number): boolean {
	const bound = (value: unknown) => (Number(value) <= unlimited ? Number.POSITIVE_INFINITY : Number(value));
	return bound(to) < bound(from);
}
