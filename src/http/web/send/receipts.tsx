/**
 * Owns what became of what was sent: one line a command, with its state as it changes.
 * Promises that a repeat says that nothing was added, and that no change is missed: not one that came before the receipt did, and not
 * one while the live stream could not be continued. Dies with the page.
 */

import { type ReadonlySignal, useComputed, useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { CommandRow } from '../../../domain/row-schema.ts';
import type { CommandView, Receipt } from '../../../domain/view-schema.ts';
import { ApiError, api } from '../api.ts';
import { commandPath } from '../command/act.tsx';
import { onCommands, onReload } from '../live.ts';
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

/** What is kept of a command: where it stands. */
type Standing = Pick<CommandRow, 'handle' | 'state'>;

type ReceiptsProps = {
	readonly receipts: ReadonlySignal<readonly Receipt[]>;
	/** Something is on its way: its ship may be done with it before its receipts are here. */
	readonly sending: ReadonlySignal<boolean>;
};

export function Receipts({ receipts: sent, sending }: ReceiptsProps) {
	const rows = useSignal<ReadonlyMap<string, Standing>>(new Map());
	const own = useComputed(() => new Set(sent.value.map(({ handle }) => handle)));
	useEffect(() => {
		const isKept = ({ handle }: Standing) => sending.peek() || own.peek().has(handle);
		const keep = (changed: readonly Standing[]) => {
			if (!changed.some(isKept)) return;
			const all = [...rows.peek().values(), ...changed].filter(isKept);
			rows.value = new Map(all.map((row) => [row.handle, row]));
		};
		const askAgain = async ({ handle }: Receipt) => {
			try {
				keep([await api<CommandView>(commandPath(handle))]);
			} catch (error) {
				// What stood there stays: the frame says that the connection is gone.
				if (!(error instanceof ApiError)) throw error;
			}
		};
		const ends = [
			onCommands(keep),
			onReload(() => {
				for (const receipt of sent.peek().slice(0, most)) askAgain(receipt);
			}),
		];
		return () => {
			for (const end of ends) end();
		};
	}, []);
	const receipts = sent.value;
	const stateOf = (receipt: Receipt) => rows.value.get(receipt.handle)?.state ?? receipt.state;
	if (receipts.length === 0) return null;
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
