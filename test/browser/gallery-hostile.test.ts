import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Browser, cannotBrowse, startBrowser } from '../support/browser.ts';
import { disposables } from '../support/disposables.ts';
import { hostile, hostileTexts, seedHostileFleet } from '../support/hostile-fleet.ts';
import { startNats } from '../support/nats.ts';
import { look } from '../support/portrait.ts';
import { tempDir } from '../support/temp.ts';
import { openWindow, type Window } from '../support/window.ts';

describe.skipIf(cannotBrowse)('every page is well in both themes and sizes', () => {
	const things = disposables();
	let browser: Browser;
	let dir: string;
	beforeAll(async () => {
		dir = things.use(await tempDir()).path;
		browser = things.use(await startBrowser());
	});
	afterAll(() => things[Symbol.asyncDispose]());

	describe('with nodes and senders that mean ill', () => {
		let window: Window;
		beforeAll(async () => {
			const nats = things.use(await startNats());
			await seedHostileFleet(nats.url);
			window = things.use(await openWindow({ servers: nats.url, dataDir: dir }));
		});

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
		])('%s: text stays text', (...page) => look(browser, window, page));

		test('markup is shown as it was written', async () => {
			await using tab = await browser.open(window.url);
			await tab.page.goto(`/commands/${hostile.failed}`);
			await tab.page.getByText(hostileTexts[0]).first().waitFor();
			expect(await tab.page.locator('main img').count()).toBe(0);
		});
	});
});
