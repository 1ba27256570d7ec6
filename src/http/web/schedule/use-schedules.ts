/**
 * Owns the list of schedules that a page shows: as many pages of it as were asked for, loaded again when one of them changes.
 * Promises one look a second at the most, however many tick, and that what is shown stays until the next answer is there.
 * Dies with its component.
 */

import { type ReadonlySignal, useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { ScheduleView } from '../../../domain/schedule-view-schema.ts';
import { ApiError, api } from '../api.ts';
import { onSchedules, reloads } from '../live.ts';
import { useReturn } from '../load.ts';

type Page = { readonly items: readonly ScheduleView[]; readonly next: string | null };

export type Schedules = {
	readonly page: ReadonlySignal<Page | undefined>;
	readonly failure: ReadonlySignal<string>;
	/** One page more. */
	readonly more: () => void;
};

const gatherMs = 1000;

export function useSchedules(): Schedules {
	const page = useSignal<Page | undefined>(undefined);
	const failure = useSignal('');
	const wanted = useSignal(1);
	const missed = useRef(false);
	const again = useSignal(0);
	useReturn(missed, () => {
		again.value += 1;
	});
	useEffect(() => {
		const own = new AbortController();
		let timer: ReturnType<typeof setTimeout> | undefined;
		const load = async () => {
			try {
				page.value = await pages(wanted.peek(), own.signal);
				failure.value = '';
				missed.current = false;
			} catch (error) {
				if (own.signal.aborted) return;
				missed.current = true;
				if (!(error instanceof ApiError)) throw error;
				if (error.code !== 'offline' || !page.peek()) failure.value = error.message;
			}
		};
		load();
		const stop = onSchedules(() => {
			timer ??= setTimeout(() => {
				timer = undefined;
				load();
			}, gatherMs);
		});
		return () => {
			stop();
			clearTimeout(timer);
			own.abort();
		};
	}, [wanted.value, reloads.value, again.value]);
	return {
		page,
		failure,
		more: () => {
			wanted.value += 1;
		},
	};
}

async function pages(wanted: number, signal: AbortSignal): Promise<Page> {
	let all: Page = { items: [], next: null };
	for (let index = 0; index < wanted && (index === 0 || all.next !== null); index++) {
		const cursor = all.next === null ? '' : `?cursor=${encodeURIComponent(all.next)}`;
		const page = await api<Page>(`/schedules${cursor}`, { signal });
		all = { items: [...all.items, ...page.items], next: page.next };
	}
	return all;
}
