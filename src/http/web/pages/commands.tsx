/**
 * Owns the page of all commands: filters that stand in the address, a live list, and what may be done with many of them.
 * Promises that rows change in place, that new ones never move what is read, and that many are called off or sent again only after it was
 * said how many. Keeps the list as long as the page is open.
 */

import { useComputed, useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { CommandRow } from '../../../domain/row-schema.ts';
import { ApiError, api } from '../api.ts';
import { commandPath } from '../command/act.tsx';
import {
	type CommandList,
	filterOf,
	queryOf,
	withFresh,
	withoutRows,
	withPage,
	withRows,
} from '../command/list.ts';
import { columnsOf } from '../command/list-columns.tsx';
import { Filters } from '../command/list-filters.tsx';
import { Picked } from '../command/picked.tsx';
import { indexing, onCommands, onGone, reloads } from '../live.ts';
import { useReturn } from '../load.ts';
import { query } from '../route.tsx';
import { Banner } from '../ui/banner.tsx';
import { Button, ButtonLink } from '../ui/button.tsx';
import { Copyable, EmptyState } from '../ui/empty.tsx';
import { isNarrow } from '../ui/narrow.ts';
import { PageHead, Skeleton } from '../ui/panel.tsx';
import { Table } from '../ui/table.tsx';
import { count } from '../words.ts';
import './commands.css';

type Page = { readonly items: readonly CommandRow[]; readonly next: string | null };

const pageSize = '100';
const gatherMs = 200;

export default function Commands() {
	const filter = useComputed(() => filterOf(query.value));
	const list = useSignal<CommandList>({ items: [], fresh: [] });
	const next = useSignal<string | null>(null);
	const failure = useSignal('');
	const loaded = useSignal(false);
	const chosen = useSignal<ReadonlySet<string>>(new Set());
	const atTop = useRef(true);
	const isLoadingMore = useRef(false);
	/** The last answer did not come: what is shown may fit another filter. */
	const missed = useRef(false);
	const again = useSignal(0);
	useReturn(missed, () => {
		again.value += 1;
	});
	const said = queryOf(filter.value);

	useEffect(() => {
		const own = new AbortController();
		const stop = onCommands((rows) => {
			list.value = withRows(list.peek(), rows, filter.peek(), atTop.current);
		});
		const stopGone = onGone((handles) => {
			list.value = withoutRows(list.peek(), handles);
		});
		const load = async () => {
			try {
				const page = await api<Page>(`/commands?${queryOf(filter.peek(), { limit: pageSize })}`, {
					signal: own.signal,
				});
				list.value = { items: page.items, fresh: [] };
				next.value = page.next;
				loaded.value = true;
				failure.value = '';
				missed.current = false;
				chosen.value = new Set();
			} catch (error) {
				if (own.signal.aborted) return;
				missed.current = true;
				if (!(error instanceof ApiError)) throw error;
				if (error.code !== 'offline' || !loaded.peek()) failure.value = error.message;
			}
		};
		const timer = setTimeout(load, loaded.peek() ? gatherMs : 0);
		return () => {
			clearTimeout(timer);
			own.abort();
			stop();
			stopGone();
		};
	}, [said, reloads.value, again.value]);

	async function more(): Promise<void> {
		if (next.value === null || isLoadingMore.current) return;
		isLoadingMore.current = true;
		try {
			const asked = said;
			const page = await api<Page>(
				`/commands?${queryOf(filter.value, { limit: pageSize, cursor: next.value })}`,
			);
			if (asked !== queryOf(filter.peek())) return;
			list.value = withPage(list.value, page.items);
			next.value = page.next;
		} catch (error) {
			if (!(error instanceof ApiError)) throw error;
		} finally {
			isLoadingMore.current = false;
		}
	}

	const { items, fresh } = list.value;
	return (
		<div class="page fill">
			<PageHead title="Commands" actions={<SendLink words="Send" />} />
			<Filters />
			{indexing.value && <Banner>The centre is still reading what there is: some may be missing.</Banner>}
			{failure.value !== '' && <Banner tone="bad">{failure.value}</Banner>}
			<div class="list-frame">
				{fresh.length > 0 && (
					<div class="fresh-pill">
						<Button
							small
							kind="primary"
							icon="up"
							onClick={() => {
								list.value = withFresh(list.value);
								atTop.current = true;
								document.querySelector('.list-frame .table-box')?.scrollTo({ top: 0 });
							}}
						>
							{count(fresh.length)} new
						</Button>
					</div>
				)}
				<Table
					label="Commands"
					rows={items}
					columns={columnsOf(isNarrow.value)}
					keyOf={({ handle }) => handle}
					hrefOf={({ handle }) => commandPath(handle)}
					selection={{
						keys: chosen.value,
						onChange: (keys) => {
							chosen.value = keys;
						},
					}}
					flash
					onEnd={more}
					onScroll={(first) => {
						atTop.current = first === 0;
					}}
				>
					{loaded.value ? (
						<Nothing isFiltered={said !== ''} />
					) : (
						<div class="table-wait">
							<Skeleton lines={9} height={12} />
						</div>
					)}
				</Table>
			</div>
			<Picked rows={items} chosen={chosen.value} onChange={(keys) => (chosen.value = keys)} />
		</div>
	);
}

function Nothing({ isFiltered }: { isFiltered: boolean }) {
	if (isFiltered) return <EmptyState icon="search" title="No command fits" />;
	return (
		<EmptyState icon="list" title="Nothing has been sent yet">
			<p>A command waits for its ship, also if nobody has seen it yet.</p>
			<Copyable text="steward send ship1 shellCommand -- uname -a" />
			<SendLink words="Send one" />
		</EmptyState>
	);
}

function SendLink({ words }: { words: string }) {
	return (
		<ButtonLink to="/send" kind="primary" icon="send">
			{words}
		</ButtonLink>
	);
}
