import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { cannotBrowse } from '../support/browser.ts';
import { browseAlone } from '../support/browsing.ts';
import { portrait } from '../support/portrait.ts';

const lost = /has not reached its broker since/;

/** Since when the page says that it knows nothing. */
async function lostSince(page: Page): Promise<number> {
	const moment = page.getByText(lost).locator('time');
	await moment.waitFor();
	return Date.parse((await moment.getAttribute('datetime')) ?? '');
}

const go = (page: Page, place: string) =>
	page.getByRole('navigation').getByRole('link', { name: place, exact: true }).click();

describe.skipIf(cannotBrowse)('a page whose centre loses its broker', () => {
	test('says since when, lets nobody act, and goes on by itself with what happened since', async () => {
		await using alone = await browseAlone();
		const { nats, window, browser, tab, fleet } = alone;
		const { page } = tab;
		const send = (toNode: string) =>
			fleet.send({ kind: 'command', toNode, method: 'shellCommand', data: ['true'], id: 'c1' });
		await send('before');
		await page.goto('/nodes/before');
		const cancel = page.getByRole('list', { name: /^Queue/ }).getByRole('button', { name: 'Cancel' });
		await cancel.waitFor();
		await page.evaluate('window.__notReloaded = true');
		await page.getByRole('button', { name: 'Pause', exact: true }).click();
		const dialog = page.getByRole('dialog');
		const confirm = dialog.getByRole('button', { name: 'Pause' });

		await nats.kill();
		const killedAt = Date.now();
		const since = await lostSince(page);
		expect(Math.abs(since - killedAt)).toBeLessThan(2000);
		expect(await page.locator('main[data-stale]').count()).toBe(1);
		await dialog.getByText(/cannot be done now: the centre cannot reach its broker/).waitFor();
		expect(await confirm.getAttribute('aria-disabled')).toBe('true');
		await page.keyboard.press('Escape');
		expect(await cancel.getAttribute('aria-disabled')).toBe('true');
		expect(await cancel.getAttribute('title')).toMatch(/broker/);
		await go(page, 'Fleet');
		await page.getByRole('row', { name: /before/ }).waitFor();
		expect(await portrait(tab, 'lost-broker')).toEqual([]);
		// Whoever comes later is told the same moment, not that of his coming.
		await using later = await browser.open(window.url, { offline: true });
		await later.page.goto('/');
		expect(Math.abs((await lostSince(later.page)) - since)).toBeLessThan(2000);
		// What cannot be answered now says why, and is asked for again.
		await go(page, 'Commands');
		await page.getByText(/the broker did not answer/).waitFor();
		// Nor is anything drawn that nobody heard.
		const series = await fetch(`${window.url}/api/v1/series?window=15m`);
		const { points } = (await series.json()) as { points: { at: number[] } };
		expect(Math.max(0, ...points.at)).toBeLessThan(since + 1000);

		await nats.restart();
		await page.getByText(lost).waitFor({ state: 'hidden', timeout: 30_000 });
		expect(await page.locator('main[data-stale]').count()).toBe(0);
		await page.getByRole('row', { name: /before/ }).waitFor();
		await page.getByText(/the broker did not answer/).waitFor({ state: 'hidden' });
		await send('meanwhile');
		await page.getByRole('row', { name: /meanwhile/ }).waitFor();
		await later.page.getByRole('row', { name: /meanwhile/ }).waitFor();
		await page.getByRole('row', { name: /before/ }).click();
		const call = page.getByRole('button', { name: 'Cancel', exact: true });
		await call.click();
		await dialog.getByRole('button', { name: 'Cancel it' }).click();
		await page.getByText('it certainly never runs').waitFor();
		expect(await page.evaluate('window.__notReloaded')).toBe(true);
	});
});
