import { afterAll, beforeAll, describe, test } from 'vitest';
import { type Browser, cannotBrowse, startBrowser } from '../support/browser.ts';
import { disposables } from '../support/disposables.ts';
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

	describe('with nothing there', () => {
		let window: Window;
		beforeAll(async () => {
			const nats = things.use(await startNats());
			window = things.use(await openWindow({ servers: nats.url, dataDir: dir }));
		});

		test.each([
			['empty-fleet', '/'],
			['empty-commands', '/commands'],
			['empty-schedules', '/schedules'],
			['empty-dead', '/dead'],
			['empty-charts', '/charts'],
			['empty-nowhere', '/nodes/no/such'],
			['empty-no-command', '/commands/ship1.nothing'],
			['empty-no-schedule', '/schedules/nothing'],
		])('%s', (...page) => look(browser, window, page));
	});
});
