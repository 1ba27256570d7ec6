/**
 * Owns the page of the fleet: every node in one line, live, searched and sorted as the address says.
 * Promises that ten thousand are as quick as ten, and that an empty fleet says what to do. Keeps nothing.
 */

import { useComputed, useSignal } from '@preact/signals';
import { useArranged } from '../fleet/arranged.ts';
import { columns, nodeHref } from '../fleet/columns.tsx';
import { LabelChips } from '../fleet/label-chips.tsx';
import { NoMatch, NoNodes } from '../fleet/nothing.tsx';
import { isSortable } from '../fleet/order.ts';
import { Tiles } from '../fleet/tiles.tsx';
import { nodes } from '../live.ts';
import { query, setQuery } from '../route.tsx';
import type { Sort } from '../ui/columns.ts';
import { TableSkeleton } from '../ui/panel.tsx';
import { SearchBox } from '../ui/search-box.tsx';
import { Table } from '../ui/table.tsx';
import { useUrlText } from '../url-text.ts';
import { count, plural } from '../words.ts';
import './fleet.css';

function sortOf(said: string | null): Sort {
	const column = said?.replace(/^-/, '') ?? '';
	return isSortable(column)
		? { column, down: said?.startsWith('-') === true }
		: { column: 'node', down: false };
}

export default function Fleet() {
	const [text, change] = useUrlText('q');
	const said = useComputed(() => query.value.get('sort'));
	const sort = useComputed(() => sortOf(said.value));
	const rows = useArranged(text, sort);
	const wide = useSignal(false);
	const known = nodes.value?.size ?? 0;
	const shown = rows.value ?? [];
	return (
		<div class="page fill fleet">
			<h1 class="hidden-text">Fleet</h1>
			<Tiles text={text.value} onChange={change} />
			<div class="fleet-tools" data-wide={wide.value || undefined}>
				<SearchBox
					value={text.value}
					onChange={change}
					label="Search the fleet"
					placeholder="Name, role=tug, !present, failing"
				/>
				<LabelChips text={text.value} onChange={change} wide={wide} />
				<span class="fleet-count muted" role="status">
					{shown.length === known ? plural(known, 'node') : `${count(shown.length)} of ${count(known)}`}
				</span>
			</div>
			<Table
				label="Nodes"
				remember="fleet"
				rows={shown}
				columns={columns}
				keyOf={({ node }) => node}
				hrefOf={({ node }) => nodeHref(node)}
				sort={sort.value}
				onSort={({ column, down }) =>
					setQuery({ sort: column === 'node' && !down ? '' : `${down ? '-' : ''}${column}` })
				}
				flash
				foot={known === 1 && nodes.value?.has('central') && <NoNodes />}
			>
				{rows.value === undefined ? (
					<TableSkeleton />
				) : known === 0 ? (
					<NoNodes />
				) : (
					<NoMatch onClear={() => change('')} />
				)}
			</Table>
		</div>
	);
}
