/**
 * Owns whether the screen is a narrow one, as style.css has it.
 * Dies with the page.
 */

import { signal } from '@preact/signals';

const query = matchMedia('(max-width: 720px)');
export const isNarrow = signal(query.matches);
query.addEventListener('change', () => {
	isNarrow.value = query.matches;
});
