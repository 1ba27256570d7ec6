import { describe, test } from 'vitest';
import { cannotBrowse } from '../support/browser.ts';
import { browsing } from '../support/browsing.ts';
import { look } from '../support/portrait.ts';

describe.skipIf(cannotBrowse)('with nothing there, every page is well in both themes and sizes', () => {
	// On a broker that has nothing: a window with its own has a node as well, the centre.
	const on = browsing({ seed: async () => undefined });

	test.each([
		['empty-fleet', '/'],
		['empty-commands', '/commands'],
		['empty-schedules', '/schedules'],
		['empty-dead', '/dead'],
		['empty-charts', '/charts'],
		['empty-nowhere', '/nodes/no/such'],
		['empty-no-command', '/commands/ship1.nothing'],
		['empty-no-schedule', '/schedules/nothing'],
	])('%s', (...page) => look(on.browser, on.window, page));
});
