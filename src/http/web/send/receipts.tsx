/**
 * Owns what became of what was sent: one line a command, with its state as it changes.
 * Promises that a repeat says that nothing was added. Keeps nothing.
 */

import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { CommandRow } from '../../../domain/row-schema.ts';
import type { Receipt } from '../../../domain/view-schema.ts';
import { commandPath } from '../command/act.tsx';
import { onCommands } from '../live.ts';
import { Link } from '../route.tsx';
import { StateBadge } from '../ui/badge.tsx';
import { Panel } from '../ui/panel.tsx';
import { plural, spaced } from '../words.ts';

const most = 100;

/** What a command that is queued waits for. */
const waits: Readonly<Partial<Record<Receipt['presence']['status'], string>>> = {
	absent: 'it is away: this waits until it is back',
	never: 'nobody has seen it yet: this waits until it comes',
};

export function Receipts({ receipts }: { receipts: readonly Receipt[] }) {
	const rows = useSignal<ReadonlyMap<string, Pick<CommandRow, 'state'>>>(new Map());
	useEffect(() => {
		const own = new Set(receipts.map(({ handle }) => handle));
		return onCommands((changed) => {
			const fitting = changed.filter(({ handle }) => own.has(handle));
			if (fitting.length === 0) return;
			rows.value = new Map([...rows.value, ...fitting.map((row) => [row.handle, row] as const)]);
		});
	}, [receipts]);
	const stateOf = (receipt: Receipt) => rows.value.get(receipt.handle)?.state ?? receipt.state;
	const counts = new Map<string, number>();
	for (const receipt of receipts) counts.set(stateOf(receipt), (counts.get(stateOf(receipt)) ?? 0) + 1);
	return (
		<Panel title="Sent" count={receipts.length} bare>
			{receipts.length > 1 && (
				<p class="panel-note">
					{[...counts].map(([state, amount]) => `${amount} ${spaced(state)}`).join(', ')}
				</p>
			)}
			<ul class="receipts" aria-label="What was sent">
				{receipts.slice(0, most).map((receipt) => (
					<li key={receipt.handle}>
						<StateBadge state={stateOf(receipt)} />
						<div class="receipt-what">
							<Link to={commandPath(receipt.handle)}>{receipt.node}</Link>
							<span class="faint mono clip">{receipt.id}</span>
							{stateOf(receipt) === 'queued' && waits[receipt.presence.status]}
							{receipt.duplicate && <span class="tone-warn">it was there before: nothing was added</span>}
						</div>
					</li>
				))}
			</ul>
			{receipts.length > most && (
				<p class="panel-note">
					{plural(receipts.length - most, 'more')}: see <Link to="/commands">all commands</Link>.
				</p>
			)}
		</Panel>
	);
}
