/**
 * Owns one page's portrait: pictures in both themes and sizes, what a program finds to mend in them, and how far it moves while it loads.
 * Promises findings that say where, in the order in which somebody would look; none means that it is well.
 * Leaves the tab as a desktop in light.
 */

import { expect } from 'vitest';
import { type Browser, type Size, type Tab, type Theme, themes } from './browser.ts';
import { sentinel } from './hostile-fleet.ts';
import {
	cutWithoutTitle,
	fillingThePage,
	settled,
	shifts,
	shoot,
	stickingOut,
	violations,
	watchShifts,
} from './look.ts';
import type { Window } from './window.ts';

/** What may move while a page loads or changes, as the browser counts it (cumulative layout shift). */
export const mostShift = 0.02;

/** Opens the page, and finds nothing to mend in it; `act` brings it into the state that is looked at. */
export async function look(
	browser: Browser,
	window: Window,
	[name, path]: readonly [name: string, path: string],
	act: (tab: Tab) => Promise<void> = async () => undefined,
): Promise<void> {
	await using tab = await browser.open(window.url);
	await watchShifts(tab.page);
	await tab.page.goto(path);
	await settled(tab.page);
	const moved = await shifts(tab.page);
	// Nobody keeps room for a reason of three lines before it is there.
	const most = name.startsWith('hostile') ? 0.05 : mostShift;
	expect(moved.sum, `${name} moves while it loads: ${moved.said}`).toBeLessThan(most);
	await act(tab);
	expect(await portrait(tab, name)).toEqual([]);
	expect(await tab.page.evaluate(`window.${sentinel}`)).toBe(undefined);
}

export async function portrait(tab: Tab, name: string): Promise<readonly string[]> {
	const findings: string[] = [];
	for (const size of ['desktop', 'phone'] satisfies Size[]) {
		for (const theme of themes) {
			await tab.show({ size, theme });
			findings.push(...(await lookAt(tab, { name, size, theme })));
		}
	}
	await tab.show({ size: 'desktop', theme: 'light' });
	return findings;
}

type Look = { readonly name: string; readonly size: Size; readonly theme: Theme };

async function lookAt({ page }: Tab, { name, size, theme }: Look): Promise<string[]> {
	await shoot(page, `${name}-${size}-${theme}`);
	// What lies where is the same in both themes: only colours differ.
	const found =
		theme === 'light'
			? [
					...(await stickingOut(page)),
					...(await cutWithoutTitle(page)),
					...(await fillingThePage(page)),
					...(await violations(page)),
				]
			: await violations(page, ['color-contrast', 'link-in-text-block']);
	return found.map((finding) => `${name} (${size}, ${theme}): ${finding}`);
}
