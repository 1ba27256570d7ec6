import { readFile } from 'node:fs/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import { cannotBrowse, type Tab } from '../support/browser.ts';
import { browsing } from '../support/browsing.ts';
import { settled, shifts, watchShifts } from '../support/look.ts';
import { look, mostShift } from '../support/portrait.ts';
import { type SmallFleet, startSmallFleet } from '../support/small-fleet.ts';

const press = (name: string | RegExp) => async (tab: Tab) => {
	await tab.page.getByRole('button', { name }).first().click();
	await tab.page.getByRole('dialog').waitFor();
};

describe.skipIf(cannotBrowse)('with three ships, every page is well in both themes and sizes', () => {
	const on = browsing();
	let small: SmallFleet;
	beforeAll(async () => {
		small = on.use(await startSmallFleet(on.window.servers, on.dir));
	});

	test.each([
		['fleet', '/'],
		['node', '/nodes/ship1'],
		['node-paused', '/nodes/ship2?tab=history'],
		['node-methods', '/nodes/ship1?tab=methods'],
		['node-never-seen', '/nodes/ship4'],
		['charts', '/charts'],
		['commands', '/commands'],
		['command-running', '/commands/ship1.running'],
		['command-failed', '/commands/ship1.failed'],
		['command-coloured', '/commands/ship2.coloured'],
		['command-huge', '/commands/ship2.huge'],
		['command-queued', '/commands/ship4.queued'],
		['send', '/send?to=ship1&to=ship4'],
		['schedules', '/schedules'],
		['schedule', '/schedules/nightly-backup'],
		['schedule-editor', '/schedules/nightly-backup?edit=1'],
		['dead', '/dead?open=unknownMethod.command.openHatch'],
	])('%s', (...page) => look(on.browser, on.window, page));

	test.each([
		['dialog-help', '/', /^Keys and help/],
		['dialog-pause', '/nodes/ship1', /^Pause/],
		['dialog-cancel', '/commands/ship1.running', /^Cancel/],
		['dialog-as-cli', '/commands/ship1.failed', /^Copy as CLI/],
		['dialog-replay', '/dead', /^Send 2 again/],
	])('%s', (name, path, button) => look(on.browser, on.window, [name, path], press(button)));

	test('a large output goes to a file by a plain link, and not through the page', async () => {
		await using tab = await on.browser.open(on.window.url);
		const { page } = tab;
		await page.goto('/commands/ship2.huge');
		const [download] = await Promise.all([
			page.waitForEvent('download'),
			page.getByRole('link', { name: 'stdout as a file' }).click(),
		]);
		expect(download.url()).toMatch(/^http/);
		expect(download.suggestedFilename()).toBe('ship2.huge.stdout.txt');
		const lines = (await readFile(await download.path(), 'utf8')).split('\n');
		expect(lines.length).toBe(150_001);
		expect(lines.at(-2)).toBe('line 150000 of a backup that says each file');
	});

	test('what comes in moves nothing but itself', async () => {
		await using tab = await on.browser.open(on.window.url);
		await watchShifts(tab.page);
		await tab.page.goto('/');
		await settled(tab.page);
		await tab.page.evaluate('window.__shifts = []');
		for (let n = 0; n < 5; n++) {
			const id = `live-${n}`;
			await small.fleet.send({ kind: 'command', toNode: 'central', method: 'noSuchMethod', id });
			await small.fleet.wait([`central.${id}`]);
		}
		await tab.page.getByRole('row', { name: /central.* 5 / }).waitFor();
		const moved = await shifts(tab.page);
		expect(moved.sum, moved.said).toBeLessThan(mostShift);
	});
});
