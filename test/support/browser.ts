/**
 * Owns a real Chromium for tests: where it is, how it is started without a network, and its pages.
 * Promises that a test fails when its page writes an error to the console, throws, breaks the content security policy, asks another
 * origin, or is answered with a defect; and that browser and profile are gone at the end, also when the test fails.
 * A test run that is killed takes the browser with it: it talks over a pipe of its parent.
 */

import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import { type BrowserContext, chromium, type Page, type Browser as Started } from 'playwright-core';

const sizes = {
	desktop: { width: 1440, height: 900 },
	phone: { width: 390, height: 844 },
} as const;
export type Size = keyof typeof sizes;
export const themes = ['light', 'dark'] as const;
export type Theme = (typeof themes)[number];

/** Nothing of the browser's own is to leave the machine, or to take a core of two. */
const flags = [
	'--no-sandbox',
	'--disable-gpu',
	'--disable-dev-shm-usage',
	'--disable-background-networking',
	'--disable-component-update',
	'--disable-sync',
	'--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
	'--force-color-profile=srgb',
	'--font-render-hinting=none',
];

/** Path of Chromium; undefined where this machine has none. */
function findChromium(env: NodeJS.ProcessEnv = process.env): string | undefined {
	const folders = (env.PATH ?? '').split(':').filter((folder) => folder !== '');
	const named = ['chromium', 'chromium-browser'].flatMap((name) => folders.map((dir) => join(dir, name)));
	return (env.CHROMIUM ? [env.CHROMIUM] : named).find((path) => {
		try {
			accessSync(path, constants.X_OK);
			return true;
		} catch {
			return false;
		}
	});
}

const notFound =
	'Chromium was not found: install it (apt-get install chromium), or name it by CHROMIUM=/path';

/** A developer's machine may lack it, and says so; CI may not. */
export const cannotBrowse = findChromium() === undefined && process.env.CI !== 'true';
if (cannotBrowse) console.warn(`${notFound}. The tests of the page are left out.`);

/** What a page may do in this test that is a defect in all others. */
type Allowance = {
	/** The server goes away: failed requests are no news. */
	readonly offline?: boolean;
	/** Further lines of the console. */
	readonly console?: RegExp;
};

type TabOptions = Allowance & {
	readonly size?: Size;
	readonly theme?: Theme;
	readonly reducedMotion?: boolean;
	/** IANA name; UTC if none, so that pictures are the same everywhere. */
	readonly timeZone?: string;
};

/** One page in a profile of its own. */
export type Tab = AsyncDisposable & {
	readonly page: Page;
	readonly context: BrowserContext;
	/** What went wrong so far. */
	readonly complaints: readonly string[];
	show(look: { size?: Size; theme?: Theme }): Promise<void>;
};

export type Browser = AsyncDisposable & {
	readonly started: Started;
	/** `origin`: the only one that the page may ask. */
	open(origin: string, options?: TabOptions): Promise<Tab>;
};

/** @throws Error where this machine has no Chromium */
export async function startBrowser(): Promise<Browser> {
	const executablePath = findChromium();
	if (executablePath === undefined) throw new Error(notFound);
	const started = await chromium.launch({ executablePath, args: flags, headless: true });
	return {
		started,
		open: (origin, options = {}) => openTab(started, origin, options),
		[Symbol.asyncDispose]: () => started.close(),
	};
}

async function openTab(started: Started, origin: string, options: TabOptions): Promise<Tab> {
	const { size = 'desktop', theme = 'light', reducedMotion = false, timeZone = 'UTC' } = options;
	const context = await started.newContext({
		baseURL: origin,
		viewport: sizes[size],
		colorScheme: theme,
		reducedMotion: reducedMotion ? 'reduce' : 'no-preference',
		timezoneId: timeZone,
		locale: 'en-GB',
	});
	context.setDefaultTimeout(15_000);
	const complaints: string[] = [];
	const page = await context.newPage();
	watch(page, origin, options, complaints);
	return {
		page,
		context,
		complaints,
		async show(look) {
			if (look.theme) await page.emulateMedia({ colorScheme: look.theme });
			if (look.size) await page.setViewportSize(sizes[look.size]);
		},
		async [Symbol.asyncDispose]() {
			await context.close();
			if (complaints.length > 0) throw new Error(`the page was not well:\n${complaints.join('\n')}`);
		},
	};
}

function watch(page: Page, origin: string, allowed: Allowance, complaints: string[]): void {
	page.on('console', (message) => {
		if (message.type() !== 'error') return;
		const text = message.text();
		// The browser's own line for each answer from 400 on; what those mean is judged below.
		if (/^Failed to load resource: the server responded with a status of/.test(text)) return;
		if (allowed.offline && text.startsWith('Failed to load resource: net::')) return;
		if (!allowed.console?.test(text)) complaints.push(`console: ${text}`);
	});
	page.on('pageerror', (error) => complaints.push(`error: ${error.stack ?? error.message}`));
	page.on('request', (request) => {
		const url = request.url();
		const isOwn = url.startsWith(`${origin}/`) || url.startsWith('data:') || url.startsWith('blob:');
		if (!isOwn) complaints.push(`asked elsewhere: ${url}`);
	});
	page.on('response', (response) => {
		const status = response.status();
		const isDefect = status >= 500 && !(allowed.offline && status === 503);
		if (isDefect) complaints.push(`answered ${status}: ${response.url()}`);
	});
}
