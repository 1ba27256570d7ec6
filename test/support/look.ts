/**
 * Owns how a page is looked at by a program: its accessibility (axe), what sticks out, what is cut, what moves by itself, its picture.
 * Promises findings in words that name the element. The functions run in the page as text, past its content security policy.
 * Pictures stay in .cache/screenshots/ for whoever looks with eyes.
 */

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import axe from 'axe-core';
import type { Page } from 'playwright-core';
import { packageRoot } from '../../src/base/package.ts';
import { eventually } from './eventually.ts';

const pictures = join(packageRoot, '.cache', 'screenshots');

/** How an element is called in a finding. */
const nameOf = `(element) => element.tagName.toLowerCase()
	+ (element.id ? '#' + element.id : '')
	+ (typeof element.className === 'string' && element.className ? '.' + element.className.trim().split(/\\s+/).join('.') : '')
	+ ' "' + (element.textContent || '').trim().slice(0, 40) + '"'`;

/** Violations of WCAG 2.2 AA, a line each; of some of its rules alone, where they are named. */
export async function violations(page: Page, rules?: readonly string[]): Promise<string[]> {
	if (!(await page.evaluate('Boolean(window.axe)'))) await page.evaluate(axe.source);
	return page.evaluate<string[]>(`axe.run(document, {
		runOnly: ${JSON.stringify(rules ?? ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'])},
		resultTypes: ['violations'],
	}).then(({ violations }) => violations.flatMap(({ id, help, nodes }) =>
		nodes.slice(0, 5).map(({ target, failureSummary }) => id + ': ' + help + ' at ' + target.join(' ') + ' (' + failureSummary + ')')))`);
}

/** What is wider than the window, outside of what scrolls by itself; and the page where it scrolls sideways. */
export function stickingOut(page: Page): Promise<string[]> {
	return page.evaluate<string[]>(`(() => {
		const nameOf = ${nameOf};
		const width = document.documentElement.clientWidth;
		const found = [];
		if (document.documentElement.scrollWidth > width) found.push('the page scrolls sideways: ' + document.documentElement.scrollWidth + ' > ' + width);
		const scrolls = (element) => {
			for (let parent = element.parentElement; parent && parent !== document.body; parent = parent.parentElement) {
				if (getComputedStyle(parent).overflowX !== 'visible') return true;
			}
			return false;
		};
		for (const element of document.body.querySelectorAll('*')) {
			const box = element.getBoundingClientRect();
			if (box.width === 0 || box.height === 0 || box.right <= width + 1 || scrolls(element)) continue;
			if (getComputedStyle(element).position === 'fixed' && box.left >= width) continue;
			found.push(nameOf(element) + ' ends at ' + Math.round(box.right));
		}
		return found.slice(0, 10);
	})()`);
}

/** Texts that are cut with an ellipsis and say nowhere what they were. */
export function cutWithoutTitle(page: Page): Promise<string[]> {
	return page.evaluate<string[]>(`(() => {
		const nameOf = ${nameOf};
		return [...document.body.querySelectorAll('*')]
			.filter((element) => getComputedStyle(element).textOverflow === 'ellipsis' && element.scrollWidth > element.clientWidth + 1)
			.filter((element) => !element.closest('[title]') && !element.querySelector('[title]'))
			.map(nameOf).slice(0, 10);
	})()`);
}

/** Texts that take more than half of the window by themselves, outside of what scrolls by itself or is cut. */
export function fillingThePage(page: Page): Promise<string[]> {
	return page.evaluate<string[]>(`(() => {
		const nameOf = ${nameOf};
		const most = innerHeight / 2;
		const isBounded = (element) => {
			for (let at = element; at && at !== document.body; at = at.parentElement) {
				const { overflowY } = getComputedStyle(at);
				if (overflowY === 'auto' || overflowY === 'scroll') return true;
				if (overflowY !== 'visible' && at.getBoundingClientRect().height <= most) return true;
			}
			return false;
		};
		return [...document.body.querySelectorAll('*')]
			.filter((element) => [...element.childNodes].some(({ nodeType, data }) => nodeType === 3 && data.trim() !== ''))
			.filter((element) => element.getBoundingClientRect().height > most && !isBounded(element))
			.map(nameOf).slice(0, 10);
	})()`);
}

/** Until nothing is on its way any more, and what is shown is live. */
export async function settled(page: Page): Promise<void> {
	// The page's own policy forbids the browser's way of waiting for an expression.
	await eventually(
		() =>
			page.evaluate<boolean>(`Boolean(document.querySelector('main h1, main table, main .page'))
		&& !document.querySelector('main .skeleton, main [aria-busy=true]')
		&& [...document.querySelectorAll('[role=status]')].some(({ title }) => title === 'what you see is kept up to date')`),
		{ timeoutMs: 15_000, everyMs: 50, message: `${page.url()} shows what it has, live` },
	);
}

/** From now on the page counts how far things move by themselves; before the first page of the tab. */
export async function watchShifts(page: Page): Promise<void> {
	await page.addInitScript(`(() => {
		window.__shifts = [];
		new PerformanceObserver((list) => {
			for (const entry of list.getEntries()) {
				if (entry.hadRecentInput) continue;
				const sources = (entry.sources || []).map(({ node }) => node && node.nodeName + '.' + (node.className || ''));
				window.__shifts.push({ value: entry.value, sources });
			}
		}).observe({ type: 'layout-shift', buffered: true });
	})()`);
}

export type Shifts = { readonly sum: number; readonly said: string };

export function shifts(page: Page): Promise<Shifts> {
	return page.evaluate<Shifts>(`({
		sum: window.__shifts.reduce((sum, { value }) => sum + value, 0),
		said: window.__shifts.map(({ value, sources }) => value.toFixed(4) + ' ' + sources.join(', ')).join('; '),
	})`);
}

/** A picture for people, of what the window shows. */
export async function shoot(page: Page, name: string): Promise<void> {
	await mkdir(pictures, { recursive: true });
	await page.screenshot({ path: join(pictures, `${name}.png`), animations: 'disabled', caret: 'hide' });
}
