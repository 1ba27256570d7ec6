/**
 * Owns what a page loads beside the live picture: one answer of the API, asked for again when something changed.
 * Promises that what is shown stays until the next answer is there, that an answer which comes too late is dropped, and that the bursts
 * of a live fleet become one request; what failed while the connection was lost is asked for again when it is back.
 * Dies with its component.
 */

import { type ReadonlySignal, type Signal, useSignal } from '@preact/signals';
import { useCallback, useEffect, useRef } from 'preact/hooks';
import { ApiError, api } from './api.ts';
import { connection, onReload } from './live.ts';

export type Loaded<T> = {
	readonly data: ReadonlySignal<T | undefined>;
	readonly error: ReadonlySignal<ApiError | undefined>;
	/** Asks again soon; many calls are one. */
	readonly reload: () => void;
	/** Puts an answer in place that is known already. */
	readonly set: (data: T) => void;
};

const gatherMs = 250;

/** `path` below /api/v1; undefined loads nothing. Another path forgets the answer of the one before. */
export function useLoad<T>(path: string | undefined): Loaded<T> {
	const data: Signal<T | undefined> = useSignal<T | undefined>(undefined);
	const error = useSignal<ApiError | undefined>(undefined);
	const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
	const open = useRef<AbortController | undefined>(undefined);
	/** The last answer did not come: what is shown may be older than what was heard of. */
	const missed = useRef(false);
	const latest = useRef(path);
	latest.current = path;

	const ask = useCallback(async () => {
		const asked = latest.current;
		if (asked === undefined) return;
		open.current?.abort();
		const own = new AbortController();
		open.current = own;
		try {
			const answer = await api<T>(asked, { signal: own.signal });
			if (own.signal.aborted) return;
			missed.current = false;
			data.value = answer;
			error.value = undefined;
		} catch (failure) {
			if (own.signal.aborted) return;
			missed.current = true;
			if (!(failure instanceof ApiError)) throw failure;
			// While nobody answers, what was there stays: the frame says how old it is.
			if (failure.code !== 'offline' || data.value === undefined) error.value = failure;
		}
	}, []);

	const reload = useCallback(() => {
		timer.current ??= setTimeout(() => {
			timer.current = undefined;
			ask();
		}, gatherMs);
	}, []);

	useEffect(() => {
		data.value = undefined;
		error.value = undefined;
		ask();
		return () => {
			clearTimeout(timer.current);
			timer.current = undefined;
			open.current?.abort();
		};
	}, [path]);

	useEffect(() => onReload(reload), []);

	useReturn(missed, reload);

	return {
		data,
		error,
		reload,
		set: (known) => {
			data.value = known;
		},
	};
}

/** Calls `again` whenever the connection is back and `missed` says that an answer did not come. */
export function useReturn(missed: { readonly current: boolean }, again: () => void): void {
	useEffect(
		() =>
			connection.subscribe(({ state }) => {
				if (state === 'live' && missed.current) again();
			}),
		[],
	);
}
