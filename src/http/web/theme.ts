/**
 * Owns the theme: the system's, or the one that was chosen here.
 * Promises that the choice outlives the page (in the browser's storage: the only thing that is kept there).
 */

import { signal } from '@preact/signals';

const themes = ['system', 'light', 'dark'] as const;
export type Theme = (typeof themes)[number];
const key = 'steward.theme';

function kept(): Theme {
	try {
		return themes.find((theme) => theme === localStorage.getItem(key)) ?? 'system';
	} catch {
		return 'system';
	}
}

export const theme = signal<Theme>(kept());
const darkSystem = matchMedia('(prefers-color-scheme: dark)');
/** What is seen: charts draw with it. */
export const isDark = signal(false);

function apply(): void {
	const chosen = theme.value;
	if (chosen === 'system') delete document.documentElement.dataset.theme;
	else document.documentElement.dataset.theme = chosen;
	isDark.value = chosen === 'dark' || (chosen === 'system' && darkSystem.matches);
}
apply();
darkSystem.addEventListener('change', apply);

/** System, light, dark, and round again. */
export function nextTheme(): void {
	theme.value = themes[(themes.indexOf(theme.value) + 1) % themes.length] ?? 'system';
	try {
		localStorage.setItem(key, theme.value);
	} catch {
		// A browser that keeps nothing: the choice lasts as long as the page.
	}
	apply();
}
