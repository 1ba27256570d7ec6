/**
 * Owns how the labels of a node are shown where there is room for some of them.
 * Promises that the others are one press away, and that each leads to the nodes that have it. Keeps nothing.
 */

import { useSignal } from '@preact/signals';
import { labelTerm } from '../fleet/filter.ts';
import { Link } from '../route.tsx';
import { Button } from './button.tsx';

const few = 8;

export function LabelTags({ labels }: { labels: Readonly<Record<string, string>> }) {
	const all = useSignal(false);
	const pairs = Object.entries(labels);
	const shown = all.value ? pairs : pairs.slice(0, few);
	return (
		<span class="chips">
			{shown.map(([name, value]) => (
				<Link
					key={name}
					to={`/?q=${encodeURIComponent(labelTerm(name, value))}`}
					class="tag"
					title={`${name}=${value}`}
				>
					{name}={value}
				</Link>
			))}
			{pairs.length > few && (
				<Button small kind="quiet" aria-expanded={all.value} onClick={() => (all.value = !all.value)}>
					{all.value ? 'fewer' : `${pairs.length - few} more`}
				</Button>
			)}
		</span>
	);
}
