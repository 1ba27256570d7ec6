/**
 * Owns which rows of the fleet are shown, in which order, while they change.
 * Promises that a row shows its change in the next frame, that another search, sort or node counts at once, and that rows whose order
 * only follows a change of theirs move a few times a second at most: one can read them, and hit them.
 * Dies with its component.
 */

import { type ReadonlySignal, type Signal, useComputed, useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { NodeRow } from '../../../domain/row-schema.ts';
import { nodes } from '../live.ts';
import type { Sort } from '../ui/columns.ts';
import { matchOf } from './filter.ts';
import { arrange } from './order.ts';

const settleMs = 400;

/** Undefined until the fleet is loaded. */
export function useArranged(
	text: ReadonlySignal<string>,
	sort: ReadonlySignal<Sort>,
): ReadonlySignal<readonly NodeRow[] | undefined> {
	const order: Signal<readonly string[]> = useSignal([]);
	useEffect(() => {
		let timer: ReturnType<typeof setTimeout> | undefined;
		let before: { text: string; sort: Sort; size: number } | undefined;
		const now = () => {
			clearTimeout(timer);
			timer = undefined;
			const known = nodes.peek();
			before = { text: text.peek(), sort: sort.peek(), size: known?.size ?? -1 };
			order.value = known
				? arrange(known.values(), matchOf(before.text), before.sort).map(({ node }) => node)
				: [];
		};
		const look = () => {
			const same =
				before?.text === text.peek() &&
				before.sort === sort.peek() &&
				before.size === (nodes.peek()?.size ?? -1);
			if (!same) now();
			else timer ??= setTimeout(now, settleMs);
		};
		const ends = [text.subscribe(look), sort.subscribe(look), nodes.subscribe(look)];
		return () => {
			clearTimeout(timer);
			for (const end of ends) end();
		};
	}, []);
	return useComputed(() => {
		const known = nodes.value;
		if (!known) return undefined;
		return order.value.flatMap((name) => known.get(name) ?? []);
	});
}
