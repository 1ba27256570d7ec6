import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { cannotBrowse } from '../support/browser.ts';
import { browsing } from '../support/browsing.ts';
import { runCli } from '../support/cli.ts';
import { portrait } from '../support/portrait.ts';

async function tokensIn(dir: string, ...args: readonly string[]): Promise<string> {
	const { code, stdout, stderr } = await runCli(['tokens', ...args, '--data', dir]);
	expect(code, stderr).toBe(0);
	return stdout.trim();
}

describe.skipIf(cannotBrowse)('a window that asks for a token', () => {
	const on = browsing({
		prepare: (dir) => tokensIn(dir, 'add', 'ada', '--role', 'operator'),
	});
	const tokens = (...args: readonly string[]) => tokensIn(on.dir, ...args);

	const signIn = async (page: Page, token: string) => {
		await page.getByLabel('Token').fill(token);
		await page.getByRole('button', { name: 'Sign in' }).click();
	};

	test('shows nothing before, refuses what is no token, and keeps the one that counts where no script reads it', async () => {
		const token = await tokens('add', 'bea', '--role', 'operator');
		await using tab = await on.browser.open(on.window.url);
		const { page } = tab;
		await page.goto('/nodes/central');
		await page.getByRole('heading', { name: 'Sign in' }).waitFor();
		expect(await page.getByText('central').count()).toBe(0);
		await signIn(page, 'stw_no_token');
		await page.getByText('This token is not known').waitFor();
		expect(await portrait(tab, 'sign-in-refused')).toEqual([]);
		await signIn(page, token);
		await page.getByRole('heading', { name: 'central', level: 1 }).waitFor();
		await page.getByText('bea', { exact: true }).waitFor();
		expect(
			await page.evaluate('document.cookie + JSON.stringify({ ...localStorage, ...sessionStorage })'),
		).not.toContain(token);
		await page.reload();
		await page.getByRole('heading', { name: 'central', level: 1 }).waitFor();
		await page.getByRole('button', { name: 'Sign out' }).click();
		await page.getByRole('heading', { name: 'Sign in' }).waitFor();
	});

	test('lets a viewer look, says why nothing can be done, and lets nobody stay whose token was removed', async () => {
		const token = await tokens('add', 'wallboard', '--role', 'viewer');
		// The stream of who loses his token is cut off.
		await using tab = await on.browser.open(on.window.url, { console: /ERR_INCOMPLETE_CHUNKED_ENCODING/ });
		const { page } = tab;
		await page.goto('/nodes/central');
		await signIn(page, token);
		const pause = page.getByRole('button', { name: /^Pause/ });
		await pause.waitFor();
		expect(await pause.getAttribute('aria-disabled')).toBe('true');
		expect(await pause.getAttribute('title')).toMatch(/viewer/);
		await pause.click({ force: true });
		expect(await page.getByRole('dialog').count()).toBe(0);
		const status = await page.evaluate<number>(
			`fetch('/api/v1/nodes/central/pause', { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' } }).then(({ status }) => status)`,
		);
		expect(status).toBe(403);
		expect(await portrait(tab, 'viewer-node')).toEqual([]);
		await tokens('rm', 'wallboard');
		await page.getByRole('heading', { name: 'Sign in' }).waitFor({ timeout: 20_000 });
	});
});
