/**
 * Owns how streams are shown to people.
 * Promises sizes in units that can be compared at a glance.
 * Pure.
 */

import type { StreamSummary } from '../../jetstream/topology.ts';
import { count } from './output.ts';
import { oneLine, type Screen } from './screen.ts';
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

function bytesText(bytes: number): string {
	const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
	const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
	const amount = bytes / 1024 ** power;
	return `${power === 0 || amount >= 100 ? Math.round(amount) : amount.toFixed(1)} ${units[power]}`;
}
