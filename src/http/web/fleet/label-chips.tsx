/**
 * Owns the chips beside the search: the labels that divide the fleet, with how many nodes have each.
 * Promises one line until more is asked for, so that nothing below moves as nodes come and go. Keeps nothing.
 */

import { type Signal, useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { nodes } from '../live.ts';
import { useCut } from '../ui/cut.ts';
import { Chip } from '../ui/search-box.tsx';
import { hasTerm, type LabelCount, labelCounts, labelTerm, toggleTerm } from './filter.ts';

const most = 40;
/** Labels change seldom, and counting those of ten thousand nodes takes a few milliseconds. */
const countEveryMs = 2000;

export function LabelChips({
	text,
	onChange,
	wide,
}: {
	text: string;
	onChange: (text: string) => void;
	wide: Signal<boolean>;
}) {
	const labels = useLabelCounts();
	const { element, isCut } = useCut<HTMLElement>(wide);
	if (labels.length === 0) return <span class="fleet-chips" />;
	return (
		<>
			<search class="chips fleet-chips" aria-label="Labels" ref={element}>
				{labels.map(({ name, value, count }) => {
					const term = labelTerm(name, value);
					const rivals = labels.filter((one) => one.name === name).map((one) => labelTerm(name, one.value));
					return (
						<Chip
							key={term}
							pressed={hasTerm(text, term)}
							onPress={() => onChange(toggleTerm(text, term, rivals))}
							count={count}
							title={term}
						>
							{name}={value}
						</Chip>
					);
				})}
			</search>
			{isCut.value && (
				<button
					type="button"
					class="button quiet small"
					aria-expanded={wide.value}
					onClick={() => (wide.value = !wide.value)}
				>
					{wide.value ? 'Fewer labels' : 'All labels'}
				</button>
			)}
		</>
	);
}

function useLabelCounts(): readonly LabelCount[] {
	const labels = useSignal<readonly LabelCount[]>([]);
	useEffect(() => {
		let timer: ReturnType<typeof setTimeout> | undefined;
		const look = () => {
			timer = undefined;
			labels.value = labelCounts(nodes.peek()?.values() ?? [], most);
		};
		const end = nodes.subscribe((known) => {
			if (known && labels.peek().length === 0) look();
			else timer ??= setTimeout(look, countEveryMs);
		});
		return () => {
			end();
			clearTimeout(timer);
		};
	}, []);
	return labels.value;
}
