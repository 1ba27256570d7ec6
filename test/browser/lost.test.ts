import { describe, expect, test } from 'vitest';
import { cannotBrowse } from '../support/browser.ts';
import { browseAlone } from '../support/browsing.ts';
import { shifts, watchShifts } from '../support/look.ts';
import { portrait } from '../support/portrait.ts';

describe.skipIf(cannotBrowse)('a page that loses its server', () => {
	test('greys out, says since when, and comes back by itself with what happened meanwhile', async () => {
		await using alone = await browseAlone();
		const { window, tab, fleet } = alone;
		const { page } = tab;
		const send = (toNode: string) =>
			fleet.send({ kind: 'command', toNode, method: 'shellCommand', data: ['true'] });
		await send('before');
		await watchShifts(page);
		await page.goto('/');
		await page.getByRole('row', { name: /before/ }).waitFor();
		await page.evaluate('window.__notReloaded = true');
		const before = await shifts(page);

		await window.kill();
		await page.getByText(/What you see is from/).waitFor();
		expect(await page.locator('main[data-stale]').count()).toBe(1);
		await page.getByRole('row', { name: /before/ }).waitFor();
		expect(await portrait(tab, 'lost-fleet')).toEqual([]);
		await send('meanwhile');
		await page.evaluate('window.__shifts = []');

		await window.restart();
		await page.getByRole('row', { name: /meanwhile/ }).waitFor({ timeout: 30_000 });
		await page.getByText(/What you see is from/).waitFor({ state: 'hidden' });
		expect(await page.locator('main[data-stale]').count()).toBe(0);
		expect(await page.evaluate('window.__notReloaded')).toBe(true);
		const after = await shifts(page);
		expect(before.sum + after.sum, `${before.said}; ${after.said}`).toBeLessThan(0.02);
	});

	test('says of what was sent before what became of it meanwhile', async () => {
		await using alone = await browseAlone();
		const { window, tab, fleet } = alone;
		const { page } = tab;
		await page.goto('/send?to=away');
		await page.getByRole('textbox', { name: 'Data' }).fill('["true"]');
		await page.getByRole('button', { name: 'Send', exact: true }).click();
		const sent = page.getByRole('list', { name: 'What was sent' });
		await sent.getByText('queued').waitFor();
		const [queued] = await fleet.queue('away');
		await window.kill();
		await page.getByText(/What you see is from/).waitFor();
		await fleet.cancel([String(queued?.handle)], { reason: 'no longer wanted' });
		// As a server that cannot continue from where the page was.
		const reset = { contentType: 'text/event-stream', body: 'event: reset\ndata: {}\n\n' };
		await page.route('**/api/v1/stream?*', (route) => route.fulfill(reset), { times: 1 });
		await window.restart();
		await sent.getByText('cancelled').waitFor({ timeout: 30_000 });
	});
});
