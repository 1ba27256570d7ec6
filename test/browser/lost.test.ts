import { describe, expect, test } from 'vitest';
import { connect } from '../../src/client/fleet.ts';
import { cannotBrowse, startBrowser } from '../support/browser.ts';
import { shifts, watchShifts } from '../support/look.ts';
import { startNats } from '../support/nats.ts';
import { portrait } from '../support/portrait.ts';
import { tempDir } from '../support/temp.ts';
import { openWindow } from '../support/window.ts';

describe.skipIf(cannotBrowse)('a page that loses its server', () => {
	test('greys out, says since when, and comes back by itself with what happened meanwhile', async () => {
		await using nats = await startNats();
		await using dir = await tempDir();
		await using window = await openWindow({ servers: nats.url, dataDir: dir.path });
		await using browser = await startBrowser();
		await using tab = await browser.open(window.url, { offline: true });
		const { page } = tab;
		const fleet = await connect({ servers: nats.url, name: 'test' });
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
		await fleet.close();
	});
});
