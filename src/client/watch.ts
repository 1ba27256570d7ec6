/**
 * Owns following commands: waiting for final states, and the stream of changes.
 * Promises that a change between the first look and the following is not missed, and that waiting needs no centre:
 * a node's report counts before a centre has written it down.
 */

import { isStewardError, StewardError } from '../base/errors.ts';
import { ledgerEntrySchema } from '../domain/ledger.ts';
import { formatHandle, type Handle, parseHandle } from '../domain/names.ts';
import { type CommandState, hasEnded, isFinal } from '../domain/state.ts';
import { buckets, parseKeyedSubject, streams, subjects } from '../domain/subject.ts';
import { type CommandView, ledgerView, waitingView } from '../domain/view.ts';
import { decode } from '../domain/wire.ts';
import { bucketStream, bucketSubject, keyOf } from '../jetstream/bucket.ts';
import { readStoredCommand } from '../jetstream/commands.ts';
import { type Followed, type Following, follow } from '../jetstream/follow.ts';
import { readLedgerSummary } from '../jetstream/ledger-store.ts';
import { latestChanges } from './changes.ts';
import { lookUpMany, unknownCommand } from './lookup.ts';
import type { FleetParts } from './parts.ts';

export type WaitOptions = {
	/** Milliseconds; for ever when undefined. */
	timeoutMs?: number | undefined;
	/** Ends the waiting, as a timeout does. */
	signal?: AbortSignal | undefined;
	/** Called with every change that is seen on the way. */
	onChange?: (view: CommandView) => void;
};

/** A consumer filters on this many handles at most; above, everything is followed and sorted out here. */
const filteredHandles = 32;
const looksAtOnce = 100;
const lookAgainMs = 500;

/** @throws StewardError `not-found`, `waited-too-long` */
export async function waitFor(
	parts: FleetParts,
	handles: readonly Handle[],
	{ timeoutMs, signal, onChange }: WaitOptions,
): Promise<CommandView[]> {
	const pending = new Map(handles.map((handle) => [formatHandle(handle), handle]));
	const done = new Map<string, CommandView>();
	let settle: () => void = () => undefined;
	let fail: (error: unknown) => void = () => undefined;
	const allDone = new Promise<void>((resolve, reject) => {
		settle = resolve;
		fail = reject;
	});
	allDone.catch(() => undefined);

	const over = new AbortController();
	const giveUp = () => over.abort();
	signal?.addEventListener('abort', giveUp, { once: true });
	if (signal?.aborted) giveUp();
	const take = (key: string, view: CommandView | undefined) => {
		if (!pending.has(key)) return;
		if (!view) throw unknownCommand(parseHandle(key));
		onChange?.(view);
		if (!hasEnded(view)) return;
		pending.delete(key);
		done.set(key, view);
		if (pending.size === 0) settle();
	};
	// What changes while it is looked at is looked at once more.
	const due = new Set<string>();
	let isLooking = false;
	const look = async (): Promise<void> => {
		if (isLooking) return;
		isLooking = true;
		// Hints of the same turn of the event loop belong together.
		await Promise.resolve();
		while (due.size > 0 && !over.signal.aborted) {
			const keys = [...due].slice(0, looksAtOnce);
			for (const key of keys) due.delete(key);
			const wanted = keys.flatMap((key) => pending.get(key) ?? []);
			const views = await lookUpPatiently(parts, wanted, over.signal);
			for (const key of keys) take(key, views.get(key));
		}
		isLooking = false;
	};
	const hint = (key: string) => {
		if (!pending.has(key)) return;
		due.add(key);
		look().catch(fail);
	};
	let followings: Following[] = [];
	try {
		followings = await followPatiently(parts, handles, timeoutMs, hint, onChange !== undefined);
		for (const key of pending.keys()) hint(key);
		if (pending.size > 0) {
			await Promise.race([allDone, timeout(parts, timeoutMs, over.signal), closed(parts)]);
		}
	} finally {
		signal?.removeEventListener('abort', giveUp);
		over.abort();
		await Promise.all(followings.map((following) => following.stop()));
	}
	if (pending.size > 0) {
		throw new StewardError('waited-too-long', `not settled in time: ${[...pending.keys()].join(', ')}`, {
			details: { pending: [...pending.keys()], done: [...done.values()] },
		});
	}
	return handles.flatMap((handle) => done.get(formatHandle(handle)) ?? []);
}

/** The broker may be restarting: it is asked again until it answers, or the waiting is over. */
async function lookUpPatiently(
	parts: FleetParts,
	handles: readonly Handle[],
	over: AbortSignal,
): Promise<ReadonlyMap<string, CommandView>> {
	for (;;) {
		try {
			return await lookUpMany(parts, handles);
		} catch (error) {
			if (over.aborted || !isStewardError(error, 'no-broker')) throw error;
			await parts.clock.sleep(lookAgainMs, over);
		}
	}
}

/** As {@link lookUpPatiently}: a wait may begin while the broker restarts. */
async function followPatiently(
	parts: FleetParts,
	handles: readonly Handle[],
	timeoutMs = Number.POSITIVE_INFINITY,
	hint: (key: string) => void,
	eachChange: boolean,
): Promise<Following[]> {
	const deadline = parts.clock.monotonic() + timeoutMs;
	for (;;) {
		try {
			return await followHandles(parts, handles, hint, eachChange);
		} catch (error) {
			const isOver = parts.connection.nc.isClosed() || parts.clock.monotonic() >= deadline;
			if (isOver || !isStewardError(error, 'no-broker')) throw error;
			await parts.clock.sleep(lookAgainMs);
		}
	}
}

async function closed({ connection }: FleetParts): Promise<never> {
	await connection.nc.closed();
	throw new StewardError('no-broker', 'the connection was closed while commands were waited for');
}

async function timeout(
	{ clock }: FleetParts,
	timeoutMs: number | undefined,
	over: AbortSignal,
): Promise<void> {
	if (timeoutMs !== undefined) return clock.sleep(timeoutMs, over);
	return new Promise((resolve) => {
		if (over.aborted) return resolve();
		over.addEventListener('abort', () => resolve(), { once: true });
	});
}

/** `eachChange`: and not only of what may be an end. */
function followHandles(
	{ connection }: FleetParts,
	handles: readonly Handle[],
	hint: (key: string) => void,
	eachChange: boolean,
): Promise<Following[]> {
	const mayBeEnd = (header: (name: string) => string) => {
		const summary = eachChange ? undefined : readLedgerSummary(header);
		return summary === undefined || isFinal(summary.state);
	};
	const few = handles.length <= filteredHandles;
	const ledgerFilter = few
		? handles.map((handle) => bucketSubject(buckets.ledger, formatHandle(handle)))
		: [bucketSubject(buckets.ledger, '>')];
	const reportFilter = few
		? handles.map(({ node, id }) => subjects.report(node, id))
		: [subjects.report('*', '*')];
	return Promise.all([
		follow(
			connection,
			{ stream: bucketStream(buckets.ledger), filter: ledgerFilter, from: 'new', headersOnly: true },
			({ subject, header }) => {
				if (mayBeEnd(header)) hint(keyOf(buckets.ledger, subject));
			},
		),
		follow(
			connection,
			{ stream: streams.reports, filter: reportFilter, from: 'new', headersOnly: true },
			(message) => {
				const address = parseKeyedSubject(message.subject);
				if (address) hint(formatHandle(address));
			},
		),
	]);
}

export type WatchOptions = {
	node?: string;
	states?: readonly CommandState[];
	signal?: AbortSignal;
};

/** Changes are merged by command while the reader is slow, so that nothing grows without bound. */
export function watch(
	parts: FleetParts,
	{ node = '*', states, signal }: WatchOptions,
): AsyncGenerator<CommandView> {
	return latestChanges<CommandView>(parts.connection, signal, (push) =>
		followChanges(parts, node, (view) => {
			if (!view || (states && !states.includes(view.state as CommandState))) return;
			push(view.handle, view);
		}),
	);
}

async function followChanges(
	{ connection, commands }: FleetParts,
	node: string,
	push: (view: CommandView | undefined) => void,
): Promise<Following[]> {
	const shards = node === '*' ? commands.allShards : [commands.shardOf(node)];
	return Promise.all([
		follow(
			connection,
			{
				stream: bucketStream(buckets.ledger),
				filter: [bucketSubject(buckets.ledger, `${node}.*`)],
				from: 'new',
			},
			(message) => {
				const entry = decode(ledgerEntrySchema, message.data);
				push(entry && ledgerView(entry, null));
			},
		),
		...shards.map((shard) =>
			follow(
				connection,
				{
					stream: streams.commands(shard),
					filter: [subjects.commandsOfNode(shard, node)],
					from: 'new',
					headersOnly: true,
				},
				(message) => push(queuedFrom(message)),
			),
		),
	]);
}

function queuedFrom(message: Followed): CommandView | undefined {
	const stored = readStoredCommand(message);
	return stored && waitingView(stored);
}
