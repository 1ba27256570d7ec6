/**
 * Owns what a file of browser tests rests on: a folder, a Chromium, and an operator's window with what is to be seen there.
 * Promises that it begins with the first test of the `describe` that calls it, and that all of it is gone after the last.
 * The window brings its own broker, unless something is to be written into one before it starts.
 */

import { afterAll, beforeAll } from 'vitest';
import { connect, type Fleet } from '../../src/client/fleet.ts';
import { type Browser, startBrowser, type Tab } from './browser.ts';
import { disposables } from './disposables.ts';
import { type Nats, startNats } from './nats.ts';
import { tempDir } from './temp.ts';
import { openWindow, type Window } from './window.ts';

export type Browsing = {
	readonly browser: Browser;
	readonly window: Window;
	readonly dir: string;
	/** Ends before window and folder do. */
	use<Thing extends AsyncDisposable>(thing: Thing): Thing;
};

export type BrowsingOptions = {
	/** Fills a broker of its own, on which the window is then opened. */
	readonly seed?: (servers: string) => Promise<unknown>;
	/** Before the window is opened. */
	readonly prepare?: (dir: string) => Promise<unknown>;
};

/** To be called inside of a `describe`. */
export function browsing({ seed, prepare }: BrowsingOptions = {}): Browsing {
	const things = disposables();
	let made: Pick<Browsing, 'browser' | 'window' | 'dir'> | undefined;
	const there = () => {
		if (made) return made;
		throw new Error('the window is open in tests and hooks only');
	};
	const open = async (dir: string) => {
		await prepare?.(dir);
		if (!seed) return openWindow({ dataDir: dir });
		const { url: servers } = things.use(await startNats());
		await seed(servers);
		return openWindow({ servers, dataDir: dir });
	};
	beforeAll(async () => {
		const { path: dir } = things.use(await tempDir());
		const starting = startBrowser().then((browser) => things.use(browser));
		const opening = open(dir).then((window) => things.use(window));
		// Where one of them fails, the other has begun all the same: it is waited for, so that it ends.
		await Promise.allSettled([starting, opening]);
		made = { dir, browser: await starting, window: await opening };
	});
	afterAll(() => things[Symbol.asyncDispose]());
	return {
		get browser() {
			return there().browser;
		},
		get window() {
			return there().window;
		},
		get dir() {
			return there().dir;
		},
		use: things.use,
	};
}

type Alone = AsyncDisposable & {
	readonly nats: Nats;
	readonly window: Window;
	readonly browser: Browser;
	/** It may fail to reach its server. */
	readonly tab: Tab;
	readonly fleet: Fleet;
};

/** A page with all behind it, for one test that takes something of it away. */
export async function browseAlone(): Promise<Alone> {
	const things = disposables();
	try {
		const nats = things.use(await startNats());
		const { path: dataDir } = things.use(await tempDir());
		const window = things.use(await openWindow({ servers: nats.url, dataDir }));
		const browser = things.use(await startBrowser());
		const tab = things.use(await browser.open(window.url, { offline: true }));
		const fleet = await connect({ servers: nats.url, name: 'test' });
		things.use({ [Symbol.asyncDispose]: () => fleet.close() });
		return { nats, window, browser, tab, fleet, [Symbol.asyncDispose]: () => things[Symbol.asyncDispose]() };
	} catch (error) {
		await things[Symbol.asyncDispose]();
		throw error;
	}
}
