/**
 * Owns one page's portrait: pictures in both themes and sizes, and what a program finds to mend in them.
 * Promises findings that say where, in the order in which somebody would look; none means that it is well.
 * Leaves the tab as a desktop in light.
 */

import { type Size, type Tab, type Theme, themes } from './browser.ts';
import { cutWithoutTitle, shoot, stickingOut, violations } from './look.ts';

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
	// What lies where is the same in both themes.
	const laidOut = theme === 'light' ? [...(await stickingOut(page)), ...(await cutWithoutTitle(page))] : [];
	const found = [...laidOut, ...(await violations(page))];
	return found.map((finding) => `${name} (${size}, ${theme}): ${finding}`);
}
