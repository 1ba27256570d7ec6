/**
 * Owns the columns of the fleet's table.
 * Promises that each says the same of every node, and what it means where its title is short. Keeps nothing.
 */

import type { NodeRow } from '../../../domain/row-schema.ts';
import { Link } from '../route.tsx';
import { toneOfOffset } from '../states.ts';
import { PresenceBadge } from '../ui/badge.tsx';
import type { Column } from '../ui/columns.ts';
import type { IconName } from '../ui/glyphs.ts';
import { Icon } from '../ui/icon.tsx';
import { Time } from '../ui/time.tsx';
import { count, offsetWords } from '../words.ts';

export const nodeHref = (node: string) => `/nodes/${encodeURIComponent(node)}`;

export const columns: readonly Column<NodeRow>[] = [
	{
		id: 'node',
		title: 'Node',
		width: '24%',
		sortable: true,
		cell: (row) => (
			<span class="cell-two">
				<span class="node-name">
					<Link to={nodeHref(row.node)} title={row.node} class="clip">
						{row.node}
					</Link>
					<Marks row={row} />
				</span>
				<span class="only-narrow">
					<PresenceBadge presence={row.presence} since={row.since} />
				</span>
			</span>
		),
	},
	{
		id: 'presence',
		title: 'Presence',
		width: '168px',
		sortable: true,
		wide: true,
		cell: ({ presence, since }) => <PresenceBadge presence={presence} since={since} />,
	},
	{
		id: 'queued',
		title: 'Queued',
		meaning: 'commands that wait for it',
		width: '88px',
		align: 'end',
		sortable: true,
		cell: ({ queued }) => <Amount of={queued} />,
	},
	{
		id: 'oldest',
		title: 'Oldest',
		meaning: 'the one that waits longest was queued then',
		width: '96px',
		align: 'end',
		sortable: true,
		wide: true,
		cell: ({ oldestQueuedAt }) => (oldestQueuedAt === null ? <None /> : <Time at={oldestQueuedAt} />),
	},
	{
		id: 'running',
		title: 'Running',
		width: '88px',
		align: 'end',
		sortable: true,
		wide: true,
		cell: ({ running }) => <Amount of={running} />,
	},
	{
		id: 'failing',
		title: 'Failing',
		meaning: 'commands that ended badly within 24 hours: failed, timed out, interrupted, lost, rejected',
		width: '84px',
		align: 'end',
		sortable: true,
		cell: ({ failing }) => <Amount of={failing} {...(failing > 0 ? { tone: 'bad', icon: 'cross' } : {})} />,
	},
	{
		id: 'clock',
		title: 'Clock',
		meaning: "server time less the node's time",
		width: '110px',
		align: 'end',
		sortable: true,
		wide: 'very',
		cell: ({ clockOffsetMs }) => <ClockOffset ms={clockOffsetMs} />,
	},
	{
		id: 'version',
		title: 'Version',
		width: '112px',
		sortable: true,
		wide: 'very',
		whole: ({ version }) => version ?? '',
		cell: ({ version }) => (version === null ? <None /> : <span class="muted">{version}</span>),
	},
	{
		id: 'labels',
		title: 'Labels',
		wide: 'very',
		whole: ({ labels }) => labelWords(labels).join('\n'),
		cell: ({ labels }) => <Labels of={labels} />,
	},
];

function None() {
	return <span class="faint">–</span>;
}

function Amount({ of: amount, tone, icon }: { of: number; tone?: string; icon?: IconName }) {
	if (amount === 0) return <span class="faint">0</span>;
	return (
		<span class={tone ? `badge tone-${tone}` : undefined}>
			{icon && <Icon name={icon} size={13} />}
			<span>{count(amount)}</span>
		</span>
	);
}

export function ClockOffset({ ms }: { ms: number | null }) {
	if (ms === null) return <None />;
	const tone = toneOfOffset(ms);
	if (!tone) return <span class="muted">{offsetWords(ms)}</span>;
	return (
		<span class={`badge tone-${tone}`} title="deadlines and ticks of this node are off by as much">
			<Icon name="warning" size={13} />
			<span>{offsetWords(ms)}</span>
		</span>
	);
}

const labelWords = (labels: Readonly<Record<string, string>>) =>
	Object.entries(labels).map(([name, value]) => `${name}=${value}`);
/** More never fit. */
const mostTags = 8;

function Labels({ of: labels }: { of: Readonly<Record<string, string>> }) {
	const all = labelWords(labels);
	if (all.length === 0) return <None />;
	return (
		<>
			{all.slice(0, mostTags).map((text) => (
				<span class="tag" key={text}>
					{text}
				</span>
			))}
		</>
	);
}

const marks: readonly (readonly [
	field: 'paused' | 'conflict' | 'decommissioned',
	icon: IconName,
	words: string,
])[] = [
	['conflict', 'warning', 'two machines use this name'],
	['paused', 'pause', 'a lane is paused or drained, or a method stopped'],
	['decommissioned', 'slash', 'out of service'],
];

function Marks({ row }: { row: NodeRow }) {
	return (
		<>
			{marks.map(
				([field, icon, words]) =>
					row[field] && (
						<span key={field} class="node-mark" title={words}>
							<Icon name={icon} size={13} tone={field === 'conflict' ? 'bad' : 'warn'} />
							<span class="hidden-text">{words}</span>
						</span>
					),
			)}
		</>
	);
}
