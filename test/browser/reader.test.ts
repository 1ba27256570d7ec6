import { expect, test } from 'vitest';
import { cannotBrowse, startBrowser } from '../support/browser.ts';
import { startHttp } from '../support/http.ts';

test.skipIf(cannotBrowse)(
	'the reader of the API shows every operation, and asks nobody else for anything',
	async () => {
		await using http = await startHttp(() => undefined);
		await using browser = await startBrowser();
		await using tab = await browser.open(http.url);
		const { page } = tab;
		await page.goto(`${http.url}/api/docs`);
		const operations = page.locator('.opblock');
		await operations.first().waitFor();
		const { json } = await http.ask('/openapi.json');
		const { paths } = json as { paths: Record<string, object> };
		const count = Object.values(paths).flatMap((methods) => Object.keys(methods)).length;
		expect(count).toBeGreaterThan(40);
		expect(await operations.count()).toBe(count);
		await page.locator('#operations-commands-send .opblock-summary').click();
		await page.getByText('the id of a single message').waitFor();
		expect(tab.complaints).toEqual([]);
	},
);
