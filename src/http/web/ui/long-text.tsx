/**
 * Owns how a text is shown that a node or a person wrote: a few lines of it, and the rest when it is asked for.
 * Promises that no text, however long, fills a page by itself, and that a short one looks as if this were not here.
 * Keeps whether all of it is shown.
 */

import { useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useCut } from './cut.ts';

export function LongText({ lines = 3, children }: { lines?: 2 | 3 | 5; children: ComponentChildren }) {
	const all = useSignal(false);
	const { element, isCut } = useCut<HTMLSpanElement>(all);
	return (
		<span class="long-text">
			<span class="long-text-words" ref={element} data-lines={all.value ? undefined : lines}>
				{children}
			</span>
			{isCut.value && (
				<button
					type="button"
					class="long-text-more"
					aria-expanded={all.value}
					onClick={() => (all.value = !all.value)}
				>
					{all.value ? 'Show less' : 'Show all'}
				</button>
			)}
		</span>
	);
}
