import { describe, expect, test } from 'vitest';
import { cannotBrowse } from '../support/browser.ts';
import { browsing } from '../support/browsing.ts';
import { hostile, hostileTexts, seedHostileFleet } from '../support/hostile-fleet.ts';
import { look } from '../support/portrait.ts';

describe.skipIf(cannotBrowse)('with nodes and senders that mean ill, every page is well', () => {
	const on = browsing({ seed: seedHostileFleet });

	test.each([
		['hostile-fleet', '/'],
		['hostile-node', `/nodes/${hostile.node}`],
		['hostile-methods', `/nodes/${hostile.node}?tab=methods`],
		['hostile-commands', '/commands'],
		['hostile-queued', `/commands/${hostile.queued}`],
		['hostile-failed', `/commands/${hostile.failed}`],
		['hostile-cancelled', `/commands/${hostile.cancelled}`],
		['hostile-send', `/send?to=${hostile.node}`],
		['hostile-dead', '/dead'],
		['hostile-schedules', '/schedules'],
		['hostile-schedule', `/schedules/${hostile.schedule}`],
	])('%s: text stays text', (...page) => look(on.browser, on.window, page));

	test('a few lines of a long text are shown, and all of it on demand', async () => {
		await using tab = await on.browser.open(on.window.url);
		const { page } = tab;
		await page.goto(`/commands/${hostile.failed}`);
		const why = page.locator('.why .long-text-words');
		await why.getByText(hostileTexts[0]).waitFor();
		const height = async () => (await why.boundingBox())?.height ?? 0;
		expect(await height()).toBeLessThan(100);
		await page.locator('.why').getByRole('button', { name: 'Show all' }).click();
		expect(await height()).toBeGreaterThan(1000);
		await page.locator('.why').getByRole('button', { name: 'Show less' }).click();
		expect(await height()).toBeLessThan(100);
	});

	test('markup is shown as it was written', async () => {
		await using tab = await on.browser.open(on.window.url);
		await tab.page.goto(`/commands/${hostile.failed}`);
		await tab.page.getByText(hostileTexts[0]).first().waitFor();
		expect(await tab.page.locator('main img').count()).toBe(0);
	});
});
