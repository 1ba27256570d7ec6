import { describe, expect, test } from 'vitest';
import { cannotBrowse } from '../support/browser.ts';
import { browsing } from '../support/browsing.ts';

describe.skipIf(cannotBrowse)('what every test of the page rests on', () => {
	const on = browsing();

	test('a page that is well has nothing to complain of', async () => {
		await using tab = await on.browser.open(on.window.url);
		await tab.page.goto('/');
		await tab.page.getByRole('link', { name: 'Fleet' }).waitFor();
		expect(tab.complaints).toEqual([]);
	});

	test.each([
		['an error in the console', "console.error('broken')", /console: broken/],
		['an error that nobody caught', "setTimeout(() => { throw new Error('thrown') })", /error: .*thrown/],
		['a request to another origin', "fetch('http://127.0.0.1:1/').catch(() => 0)", /Content Security Policy/],
		['a page of another origin', "location.href = 'http://127.0.0.1:1/'", /asked elsewhere/],
	])('%s fails its test', async (_what, script, complaint) => {
		const tab = await on.browser.open(on.window.url);
		await tab.page.goto('/');
		await tab.page.evaluate(script);
		await expect.poll(() => tab.complaints.join('\n')).toMatch(complaint);
		await expect(tab[Symbol.asyncDispose]()).rejects.toThrow('the page was not well');
	});
});
