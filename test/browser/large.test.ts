import { describe, expect, test } from 'vitest';
import { connect } from '../../src/client/fleet.ts';
import { seedFleet } from '../support/big-fleet.ts';
import { cannotBrowse } from '../support/browser.ts';
import { browsing } from '../support/browsing.ts';
import { settled } from '../support/look.ts';
import { portrait } from '../support/portrait.ts';

const kB = 1000;

describe.skipIf(cannotBrowse)('with ten thousand ships', () => {
	const on = browsing({ seed: (servers) => seedFleet(servers, { nodes: 10_000, commands: 5000 }) });

	test.each([
		['large-fleet', '/'],
		['large-commands', '/commands'],
		['large-charts', '/charts'],
	])('%s is well in both themes and sizes', async (name, path) => {
		await using tab = await on.browser.open(on.window.url);
		await tab.page.goto(path);
		await settled(tab.page);
		expect(await portrait(tab, name)).toEqual([]);
	});

	test('a search finds one of them, and few of them are in the page', async () => {
		await using tab = await on.browser.open(on.window.url);
		const { page } = tab;
		await page.goto('/');
		await page.getByRole('row', { name: /ship-00001/ }).waitFor();
		expect(await page.getByRole('row').count()).toBeLessThan(120);
		await page.getByRole('searchbox').fill('ship-09876');
		await page.getByRole('row', { name: /ship-09876/ }).waitFor();
		await page.getByText(/^1 of 10,000/).waitFor();
		await page.getByRole('searchbox').fill('role=ferry !present');
		await page
			.getByRole('row', { name: /absent/ })
			.first()
			.waitFor();
		expect(await page.getByRole('row', { name: /present/ }).count()).toBe(0);
		await expect.poll(() => new URL(page.url()).search).toContain('ferry');
		await page.reload();
		await page
			.getByRole('row', { name: /absent/ })
			.first()
			.waitFor();
		expect(await page.getByRole('searchbox').inputValue()).toBe('role=ferry !present');
	});

	test('all of its pages together weigh less than 150 kB as they are sent', async () => {
		await using fleet = await connect({ servers: on.window.servers, name: 'test' });
		const message = { kind: 'command', method: 'ping' } as const;
		await fleet.schedules.add({ name: 'yearly', every: '365d', toNode: 'ship-00001', message });
		await using tab = await on.browser.open(on.window.url);
		const { page, context } = tab;
		const session = await context.newCDPSession(page);
		await session.send('Network.enable');
		const isPage = new Set<string>();
		let bytes = 0;
		session.on('Network.responseReceived', ({ requestId, response }) => {
			if (!new URL(response.url).pathname.startsWith('/api/')) isPage.add(requestId);
		});
		session.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
			if (isPage.has(requestId)) bytes += encodedDataLength;
		});
		await page.goto('/');
		await settled(page);
		const first = bytes;
		for (const place of ['Commands', 'Send', 'Schedules', 'Dead letters', 'Charts', 'Fleet']) {
			await page.getByRole('navigation').getByRole('link', { name: place, exact: true }).click();
			await settled(page);
		}
		await page.getByRole('row', { name: /ship-00001/ }).click();
		await settled(page);
		await page.getByRole('navigation').getByRole('link', { name: 'Commands', exact: true }).click();
		await page.locator('a[href^="/commands/"]').first().click();
		await page.getByRole('heading', { level: 1 }).waitFor();
		await settled(page);
		await page.getByRole('navigation').getByRole('link', { name: 'Schedules', exact: true }).click();
		await page.getByRole('link', { name: 'yearly' }).click();
		await settled(page);
		expect(first).toBeGreaterThan(5 * kB);
		expect(first).toBeLessThan(100 * kB);
		expect(bytes).toBeLessThan(150 * kB);
	});
});
