import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Browser, cannotBrowse, startBrowser, type Tab } from '../support/browser.ts';
import { disposables } from '../support/disposables.ts';
import { hostile, hostileTexts, seedHostileFleet, sentinel } from '../support/hostile-fleet.ts';
import { settled, shifts, watchShifts } from '../support/look.ts';
import { startNats } from '../support/nats.ts';
import { portrait } from '../support/portrait.ts';
import { type SmallFleet, startSmallFleet } from '../support/small-fleet.ts';
import { tempDir } from '../support/temp.ts';
import { openWindow, type Window } from '../support/window.ts';

const mostShift = 0.02;

/** Opens the page, and finds nothing to mend in it; `act` brings it into the state that is looked at. */
async function look(
	browser: Browser,
	window: Window,
	[name, path]: readonly [name: string, path: string],
	act: (tab: Tab) => Promise<void> = async () => undefined,
): Promise<void> {
	await using tab = await browser.open(window.url);
	await watchShifts(tab.page);
	await tab.page.goto(path);
	await settled(tab.page);
	const moved = await shifts(tab.page);
	// Nobody can keep room for a reason of ten thousand characters before it is there.
	const most = name.startsWith('hostile') ? 1 : mostShift;
	expect(moved.sum, `${name} moves while it loads: ${moved.said}`).toBeLessThan(most);
	await act(tab);
	expect(await portrait(tab, name)).toEqual([]);
	expect(await tab.page.evaluate(`window.${sentinel}`)).toBe(undefined);
}

const press = (name: string | RegExp) => async (tab: Tab) => {
	await tab.page.getByRole('button', { name }).first().click();
	await tab.page.getByRole('dialog').waitFor();
};

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

	describe('with three ships', () => {
		let window: Window;
		let small: SmallFleet;
		beforeAll(async () => {
			window = things.use(await openWindow({ dataDir: dir }));
			small = things.use(await startSmallFleet(window.servers, dir));
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
		])('%s', (...page) => look(browser, window, page));

		test.each([
			['dialog-help', '/', /^Keys and help/],
			['dialog-pause', '/nodes/ship1', /^Pause/],
			['dialog-cancel', '/commands/ship1.running', /^Cancel/],
			['dialog-as-cli', '/commands/ship1.failed', /^Copy as CLI/],
			['dialog-replay', '/dead', /^Send 2 again/],
		])('%s', (name, path, button) => look(browser, window, [name, path], press(button)));

		test('what comes in moves nothing but itself', async () => {
			await using tab = await browser.open(window.url);
			await watchShifts(tab.page);
			await tab.page.goto('/');
			await settled(tab.page);
			await tab.page.evaluate('window.__shifts = []');
			for (let n = 0; n < 5; n++) {
				const id = `live-${n}`;
				await small.fleet.send({ kind: 'command', toNode: 'central', method: 'noSuchMethod', id });
				await small.fleet.wait([`central.${id}`], { timeoutMs: 20_000 });
			}
			await tab.page.getByRole('row', { name: /central.* 5 / }).waitFor();
			const moved = await shifts(tab.page);
			expect(moved.sum, moved.said).toBeLessThan(mostShift);
		});
	});

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
