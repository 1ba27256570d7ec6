/**
 * Owns waiting for the final states of commands.
 * Promises that a change between the first look and the following is not missed, and that waiting needs no centre:
 * a node's report counts before a centre has written it down. What is told is only looked at: the records decide.
 */

import { isStewardError, StewardError } from '../base/errors.ts';
import { formatHandle, type Handle, parseHandle } from '../domain/names.ts';
import { hasEnded, isFinal } from '../domain/state.ts';
import { buckets, parseKeyedSubject, streams, subjects } from '../domain/subject.ts';
import type { CommandView } from '../domain/view.ts';
import { bucketStream, bucketSubject, keyOf } from '../jetstream/bucket.ts';
import { type Following, follow } from '../jetstream/follow.ts';
import { readLedgerSummary } from '../jetstream/ledger-store.ts';
import { hearReports } from '../jetstream/told.ts';
import { lookUpAtOnce, unknownCommand } from './lookup.ts';
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
/** What has not ended by then is followed: of most commands that are waited for, hearing their report is enough, and costs a tenth. */
const followAfterMs = 250;
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
	// With a reason: making one up costs more than all the rest.
	const giveUp = () => over.abort('given up');
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
	const lookAtAll = () => {
		for (const key of pending.keys()) hint(key);
	};
	const deadline = parts.clock.monotonic() + (timeoutMs ?? Number.POSITIVE_INFINITY);
	const ended = async (ms: number) => {
		if (pending.size === 0 || over.signal.aborted) return;
		const leftMs = Math.min(ms, deadline - parts.clock.monotonic());
		await Promise.race([allDone, timeout(parts, leftMs, over.signal), closed(parts)]);
	};
	const isHeard = handles.length <= filteredHandles && onChange === undefined;
	const stopHearing = isHeard ? hearReports(parts.connection, handles, hint) : () => undefined;
	let followings: Following[] = [];
	try {
		if (isHeard) {
			lookAtAll();
			await ended(followAfterMs);
		}
		if (pending.size > 0 && !over.signal.aborted && parts.clock.monotonic() < deadline) {
			followings = await followPatiently(parts, handles, deadline, hint, onChange !== undefined);
			lookAtAll();
			await ended(Number.POSITIVE_INFINITY);
		}
	} finally {
		signal?.removeEventListener('abort', giveUp);
		over.abort('the wait is over');
		stopHearing();
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
			return await lookUpAtOnce(parts, handles);
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
	deadline: number,
	hint: (key: string) => void,
	eachChange: boolean,
): Promise<Following[]> {
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

async function timeout({ clock }: FleetParts, ms: number, over: AbortSignal): Promise<void> {
	if (ms !== Number.POSITIVE_INFINITY) return clock.sleep(ms, over);
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
