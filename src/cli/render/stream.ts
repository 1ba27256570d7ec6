/**
 * Owns how streams are shown to people.
 * Promises sizes in units that can be compared at a glance.
 * Pure.
 */

import { oneLine } from '../../base/text.ts';
import type { StreamsPlanView } from '../../domain/keeping-view-schema.ts';
import type { StreamSummary } from '../../jetstream/topology.ts';
import { count } from './output.ts';
import type { Screen } from './screen.ts';
import { table } from './table.ts';

export function streamTable(streams: readonly StreamSummary[], screen: Screen): string {
	return table(
		streams,
		[
			{ title: 'STREAM', cell: ({ name }) => name },
			{ title: 'MESSAGES', cell: ({ messages }) => count(messages), align: 'right' },
			{ title: 'SIZE', cell: ({ bytes }) => bytesText(bytes), align: 'right' },
			{ title: 'OF', cell: ({ maxBytes }) => (maxBytes < 0 ? '-' : bytesText(maxBytes)), align: 'right' },
			{ title: 'CONSUMERS', cell: ({ consumers }) => count(consumers), align: 'right' },
			{ title: 'HOLDS', cell: ({ description }) => oneLine(description), shrinks: true },
		],
		screen,
	);
}

/** One line a field that differs; what would be lost is said beside it. */
export function planText(plan: StreamsPlanView, screen: Screen): string {
	const { stored, known } = plan.schema;
	const head = `${plan.shards} shard${plan.shards === 1 ? '' : 's'}, ${plan.replicas} replica${plan.replicas === 1 ? '' : 's'}, schema ${stored ?? 'none yet'} (this release: ${known})`;
	const rows = plan.streams.flatMap(({ name, change, fields }) =>
		change === 'create'
			? [{ sign: '+' as const, name, field: 'stream', from: '', to: 'is made', lost: '' }]
			: fields.map(({ sign, field, from, to, destructive }) => ({
					...{ sign, name, field, lost: destructive ?? '' },
					...{ from: valueText(field, from), to: valueText(field, to) },
				})),
	);
	const lines = [head];
	if (rows.length > 0) {
		const colour = { '+': 'green', '~': 'yellow', '-': 'red' } as const;
		lines.push(
			table(
				rows,
				[
					{ title: ' ', cell: ({ sign }) => sign, style: ({ sign }) => colour[sign] },
					{ title: 'STREAM', cell: ({ name }) => name },
					{ title: 'FIELD', cell: ({ field }) => field },
					{ title: 'IS', cell: ({ from }) => from, shrinks: true },
					{ title: 'WOULD BE', cell: ({ to }) => to, shrinks: true },
					{ title: 'LOSES', cell: ({ lost }) => lost, style: () => 'red', shrinks: true },
				],
				screen,
			),
		);
	}
	for (const name of plan.unknown) lines.push(`${name} is no stream of this release, and is left alone`);
	if (!plan.differs) lines.push('no difference');
	else if (plan.destructive)
		lines.push(
			'something would be lost: steward backup first, then steward streams apply --allow-destructive',
		);
	else lines.push('nothing would be lost: steward streams apply, or the next centre that starts, does it');
	return lines.join('\n');
}

function valueText(field: string, value: unknown): string {
	if (value === null || value === undefined) return '';
	if (field === 'max_bytes' && typeof value === 'number') return bytesText(value);
	return oneLine(typeof value === 'string' ? value : JSON.stringify(value));
}

export function bytesText(bytes: number): string {
	const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
	const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
	const amount = bytes / 1024 ** power;
	return `${power === 0 || amount >= 100 ? Math.round(amount) : amount.toFixed(1)} ${units[power]}`;
}
