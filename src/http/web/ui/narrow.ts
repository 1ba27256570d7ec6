/**
 * Owns whether the screen is a narrow one, as style.css has it, or one that is no desk's.
 * Dies with the page.
 */

import { type ReadonlySignal, signal } from '@preact/signals';

export const isNarrow = follow('(max-width: 720px)');
/** Of a tablet, or half a desk: also true of a narrow one. */
export const isMiddling = follow('(max-width: 1240px)');

function follow(condition: string): ReadonlySignal<boolean> {
	const query = matchMedia(condition);
	const holds = signal(query.matches);
	query.addEventListener('change', () => {
		holds.value = query.matches;
	});
	return holds;
}
