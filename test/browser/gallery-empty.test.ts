import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Browser, cannotBrowse, startBrowser } from '../support/browser.ts';
import { disposables } from '../support/disposables.ts';
import { startNats } from '../support/nats.ts';
import { portrait } from '../support/portrait.ts';
import { tempDir } from '../support/temp.ts';
import { openWindow, type Window } from '../support/window.ts';

// No node, no command, no schedule: what somebody sees who has just begun.
describe.skipIf(cannotBrowse)('with nothing there', () => {
	const things = disposables();
	let window: Window;
	let browser: Browser;
	beforeAll(async () => {
		const nats = things.use(await startNats());
		const dir = things.use(await tempDir());
		window = things.use(await openWindow({ servers: nats.url, dataDir: dir.path }));
		browser = things.use(await startBrowser());
	});
	afterAll(() => things[Symbol.asyncDispose]());

	test.each([
		['fleet', '/'],
		['commands', '/commands'],
		['send', '/send'],
		['schedules', '/schedules'],
		['dead', '/dead'],
		['charts', '/charts'],
		['nowhere', '/no/such/page'],
	])('the page %s is well in both themes and sizes', async (name, path) => {
		await using tab = await browser.open(window.url);
		await tab.page.goto(path);
		await tab.page.getByRole('main').waitFor();
		await tab.page.waitForLoadState('networkidle');
		expect(await portrait(tab, `empty-${name}`)).toEqual([]);
	});
});
