/**
 * Owns the strip over the fleet: how many nodes and commands there are of each kind, and the search for them in one press.
 * Promises the room of its numbers before they are known. Keeps nothing.
 */

import { useComputed } from '@preact/signals';
import { nodes, totals } from '../live.ts';
import type { IconName } from '../ui/glyphs.ts';
import { Icon } from '../ui/icon.tsx';
import { Time } from '../ui/time.tsx';
import { count } from '../words.ts';
import { hasTerm, toggleTerm } from './filter.ts';

/** Of these only one can be true of a node. */
const presences = ['present', 'absent', 'never', 'unknown'];

type TileProps = { text: string; onChange: (text: string) => void };

export function Tiles({ text, onChange }: TileProps) {
	const failing = useComputed(() => {
		let sum = 0;
		for (const row of nodes.value?.values() ?? []) sum += Number(row.failing > 0);
		return nodes.value && sum;
	});
	const now = totals.value;
	const tile = (term: string, title: string, amount: number | undefined, icon: IconName, tone: string) => (
		<Tile
			title={title}
			amount={amount}
			icon={icon}
			tone={tone}
			pressed={hasTerm(text, term)}
			onPress={() => onChange(toggleTerm(text, term, presences.includes(term) ? presences : []))}
			oldest={term === 'queued' ? (now?.oldestQueuedAt ?? null) : null}
		/>
	);
	return (
		<div class="tiles live">
			{tile('present', 'Present', now?.nodes.present, 'dot', 'ok')}
			{tile('absent', 'Absent', now?.nodes.absent, 'ring', 'warn')}
			{tile('never', 'Never seen', now?.nodes.never, 'dashed', 'wait')}
			{now && now.nodes.unknown > 0 && tile('unknown', 'Unknown', now.nodes.unknown, 'question', 'wait')}
			{tile('queued', 'Queued', now?.commands.queued, 'dashed', 'wait')}
			{tile('running', 'Running', now?.commands.running, 'half', 'busy')}
			{tile('failing', 'Nodes failing', failing.value, 'cross', failing.value ? 'bad' : 'wait')}
		</div>
	);
}

function Tile({
	title,
	amount,
	icon,
	tone,
	pressed,
	onPress,
	oldest,
}: {
	title: string;
	amount: number | undefined;
	icon: IconName;
	tone: string;
	pressed: boolean;
	onPress: () => void;
	oldest: string | null;
}) {
	return (
		<button type="button" class="tile" aria-pressed={pressed} onClick={onPress}>
			<span class="tile-title">
				<Icon name={icon} size={14} tone={tone} />
				{title}
			</span>
			<span class="tile-amount">
				{amount === undefined ? '–' : count(amount)}
				{oldest !== null && (
					<span class="tile-note">
						oldest <Time at={oldest} />
					</span>
				)}
			</span>
		</button>
	);
}
