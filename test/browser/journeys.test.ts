import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Locator, Page } from 'playwright-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { connect, type Fleet } from '../../src/client/fleet.ts';
import { cannotBrowse } from '../support/browser.ts';
import { browsing } from '../support/browsing.ts';
import { startCli } from '../support/cli.ts';
import { disposables } from '../support/disposables.ts';
import { eventually } from '../support/eventually.ts';
import { startShip } from '../support/ship.ts';

/** Whatever is done to it by script is gone after a reload. */
async function markPage(page: Page): Promise<() => Promise<void>> {
	await page.evaluate('window.__notReloaded = true');
	return async () => expect(await page.evaluate('window.__notReloaded')).toBe(true);
}

const head = (page: Page) => page.locator('.page-head');
const said = (page: Page, words: string | RegExp) => page.getByText(words).first().waitFor();

describe.skipIf(cannotBrowse)('an operator in the browser', () => {
	const on = browsing();
	let fleet: Fleet;
	beforeAll(async () => {
		fleet = await connect({ servers: on.window.servers, name: 'test' });
		on.use({ [Symbol.asyncDispose]: () => fleet.close() });
	});

	test('sends to a ship that is away, and sees it queued, running with its output, and done, without a reload', async () => {
		await using tab = await on.browser.open(on.window.url);
		const { page } = tab;
		const gate = join(on.dir, 'gate');
		await page.goto('/send');
		const assertNotReloaded = await markPage(page);
		await page.getByRole('combobox', { name: 'To' }).fill('albatross');
		await page.keyboard.press('Enter');
		await said(page, /never seen|nobody/i);
		await page
			.getByRole('textbox', { name: 'Command' })
			.fill(`bash -c 'echo casting off; while [ ! -e ${gate} ]; do sleep 0.05; done; echo moored'`);
		await page.keyboard.press('Enter');
		await page.getByRole('list', { name: 'What was sent' }).getByRole('link', { name: 'albatross' }).click();
		await head(page).getByText('queued').waitFor();
		// As the page says that it is started.
		const line = (await page.locator('.start-node code').textContent()) ?? '';
		const [, servers = '', words = ''] = /^STEWARD_SERVERS=(\S+) steward (.+)$/.exec(line) ?? [];
		await using _ship = startCli([...words.split(' '), '--data', join(on.dir, 'albatross')], {
			env: { STEWARD_SERVERS: servers },
			cwd: on.dir,
		});
		await head(page).getByText('running').waitFor();
		await said(page, 'casting off');
		await appendFile(gate, '');
		await head(page).getByText('succeeded').waitFor();
		await said(page, 'moored');
		await assertNotReloaded();
	});

	test('sees what a ship has done with a command before the answer to its sender was there', async () => {
		await using _ship = await startShip(on.window.servers, 'fulmar', on.dir);
		await eventually(async () => (await fleet.node('fulmar'))?.presence === 'present');
		await using tab = await on.browser.open(on.window.url);
		const { page } = tab;
		await using others = disposables();
		await page.route('**/api/v1/commands', async (route) => {
			const answer = await route.fetch();
			const { items } = (await answer.json()) as { items: { handle: string }[] };
			expect(await fleet.wait(items.map(({ handle }) => handle))).toMatchObject([{ state: 'succeeded' }]);
			// The page hears of a ship that came later than that, so it has heard of the outcome too.
			others.use(await startShip(on.window.servers, 'dunlin', on.dir));
			await page.getByRole('combobox', { name: 'To' }).fill('dunlin');
			await page.getByRole('option', { name: 'dunlin present' }).waitFor();
			await route.fulfill({ response: answer });
		});
		await page.goto('/send?to=fulmar');
		await page.getByRole('textbox', { name: 'Command' }).fill('echo at once');
		await page.keyboard.press('Enter');
		await page.getByRole('list', { name: 'What was sent' }).getByText('succeeded').waitFor();
	});

	test('cancels what has not started, from the queue of a ship that nobody has seen', async () => {
		await fleet.send({ kind: 'command', toNode: 'heron', method: 'shellCommand', data: ['true'], id: 'c1' });
		await using tab = await on.browser.open(on.window.url);
		const { page } = tab;
		await page.goto('/nodes/heron');
		await page
			.getByRole('list', { name: /^Queue/ })
			.getByRole('button', { name: 'Cancel' })
			.click();
		const dialog = page.getByRole('dialog');
		await dialog.getByRole('textbox', { name: 'Reason' }).fill('the wrong ship');
		await dialog.getByRole('button', { name: 'Cancel the command' }).click();
		await said(page, 'it certainly never runs');
		await page.getByRole('tabpanel').getByText('cancelled', { exact: true }).waitFor();
		expect(await fleet.get('heron.c1')).toMatchObject({
			state: 'cancelled',
			closed: { reason: 'the wrong ship', actor: 'operator' },
		});
	});

	test('pauses a ship with a reason, sees who did it, and resumes it', async () => {
		await using _ship = await startShip(on.window.servers, 'pelican', on.dir);
		await eventually(async () => (await fleet.node('pelican'))?.presence === 'present');
		await using tab = await on.browser.open(on.window.url);
		const { page } = tab;
		await page.goto('/nodes/pelican');
		const assertNotReloaded = await markPage(page);
		await page.getByRole('button', { name: 'Pause', exact: true }).click();
		await page.getByRole('dialog').getByRole('textbox', { name: 'Reason' }).fill('in the dry dock');
		await page.getByRole('dialog').getByRole('button', { name: 'Pause' }).click();
		await said(page, /in the dry dock/);
		await fleet.send({
			kind: 'command',
			toNode: 'pelican',
			method: 'shellCommand',
			data: ['true'],
			id: 'c1',
		});
		const resume = head(page).getByRole('button', { name: 'Resume' });
		await resume.click();
		await page.getByRole('dialog').getByRole('button', { name: 'Resume' }).click();
		expect(await fleet.wait(['pelican.c1'])).toMatchObject([{ state: 'succeeded' }]);
		await page
			.getByText(/in the dry dock/)
			.first()
			.waitFor({ state: 'hidden' });
		await assertNotReloaded();
	});

	test('makes a schedule that is previewed while it is written, runs it now, and pauses it', async () => {
		await using tab = await on.browser.open(on.window.url);
		const { page } = tab;
		await page.goto('/schedules');
		const assertNotReloaded = await markPage(page);
		await page.getByRole('link', { name: 'New schedule' }).first().click();
		await page.getByRole('textbox', { name: 'Name' }).fill('nightly');
		await page.getByRole('textbox', { name: 'Cron' }).fill('30 3 * * *');
		await page.getByRole('combobox', { name: 'To' }).fill('petrel');
		await page.keyboard.press('Enter');
		await page.getByRole('textbox', { name: 'Command' }).fill('./backup --all');
		const ticks = page.getByRole('list', { name: 'Its next ticks' }).getByRole('listitem');
		await ticks.filter({ hasText: '03:30' }).nth(9).waitFor();
		expect(await ticks.count()).toBe(10);
		await page.getByRole('button', { name: 'Add it' }).click();
		await page.getByRole('heading', { name: 'nightly', level: 1 }).waitFor();
		await page.getByRole('button', { name: 'Run now' }).click();
		await page.getByRole('dialog').getByRole('button', { name: 'Run it now' }).click();
		await said(page, /Sent as/);
		await page.getByRole('button', { name: 'Pause', exact: true }).click();
		await page.getByRole('dialog').getByRole('textbox', { name: 'Reason' }).fill('holidays');
		await page.getByRole('dialog').getByRole('button', { name: 'Pause it' }).click();
		await page.getByRole('button', { name: 'Resume', exact: true }).waitFor();
		await said(page, /holidays/);
		await assertNotReloaded();
		expect(await fleet.queue('petrel')).toMatchObject([
			{ method: 'shellCommand', schedule: { name: 'nightly' } },
		]);
	});

	test('sends a dead letter again, once the ship knows the method', async () => {
		const command = { kind: 'command', toNode: 'central', method: 'openHatch', data: { hatch: 4 } } as const;
		await fleet.send({ ...command, id: 'hatch' });
		await fleet.wait(['central.hatch']);
		await eventually(async () => (await fleet.dead.list()).length > 0);
		await using tab = await on.browser.open(on.window.url);
		const { page } = tab;
		await page.goto('/dead');
		await page
			.getByRole('button', { name: /unknownMethod/ })
			.first()
			.click();
		await page
			.getByRole('list', { name: /^Letters/ })
			.getByText('hatch', { exact: true })
			.waitFor();
		await page.getByRole('button', { name: 'Send 1 again' }).click();
		await page.getByRole('dialog').getByRole('button', { name: 'Send 1 again' }).click();
		await said(page, '1 letter sent again');
		const again = await eventually(async () =>
			(await fleet.list({ node: 'central' })).find(({ lineage }) => lineage?.of === 'central.hatch'),
		);
		expect(again).toMatchObject({ method: 'openHatch', lineage: { kind: 'replay' } });
		// What comes by itself, and what somebody else throws away, the page hears of.
		await eventually(async () => (await fleet.dead.list()).some(({ handle }) => handle === again?.handle), {
			timeoutMs: 20_000,
		});
		for (const method of ['closeHatch', 'lockHatch']) {
			await fleet.send({ kind: 'command', toNode: 'central', method, id: method });
			await page.getByText(method).first().waitFor();
		}
		await fleet.dead.discard({});
		await page.getByText('No dead letters').waitFor();
	});

	test('does it all by the keyboard: finds a ship in the fleet, and sends it a command', async () => {
		await using _ship = await startShip(on.window.servers, 'kittiwake', on.dir);
		await eventually(async () => (await fleet.node('kittiwake'))?.presence === 'present');
		await using tab = await on.browser.open(on.window.url);
		const { page } = tab;
		const { keyboard } = page;
		await page.goto('/');
		await page.getByRole('row', { name: /kittiwake/ }).waitFor();
		await keyboard.press('?');
		await page.getByRole('dialog').waitFor();
		await keyboard.press('Escape');
		await page.getByRole('dialog').waitFor({ state: 'hidden' });
		await keyboard.press('/');
		await keyboard.type('kitti');
		await said(page, /^1 of \d+/);
		await expect.poll(() => new URL(page.url()).search).toContain('kitti');
		await keyboard.press('Enter');
		await keyboard.press('j');
		await keyboard.press('Enter');
		await page.getByRole('heading', { name: 'kittiwake', level: 1 }).waitFor();
		await keyboard.press('g');
		await keyboard.press('s');
		await page.getByRole('heading', { name: 'Send', level: 1 }).waitFor();
		const to = page.getByRole('combobox', { name: 'To' });
		await tabTo(page, to);
		await keyboard.type('kittiwake');
		await keyboard.press('Enter');
		const command = page.getByRole('textbox', { name: 'Command' });
		await tabTo(page, command);
		await keyboard.type('echo by keyboard');
		await keyboard.press('Enter');
		await page.getByRole('list', { name: 'What was sent' }).getByText('succeeded').waitFor();
	});
});

async function tabTo(page: Page, field: Locator): Promise<void> {
	const id = JSON.stringify(await field.getAttribute('id'));
	for (let press = 0; press < 40; press++) {
		if (await page.evaluate(`document.activeElement?.id === ${id}`)) return;
		await page.keyboard.press('Tab');
	}
	throw new Error('40 presses of Tab do not reach it');
}
