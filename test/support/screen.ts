/**
 * Owns a screen that keeps what is printed on it.
 * Promises a terminal of the given width, or a pipe when there is none.
 * Ends with the test.
 */

import { type Screen, screenOn } from '../../src/cli/render/screen.ts';

export type KeptScreen = Screen & { readonly text: string; readonly bytes: Buffer };

export function keptScreen(
	options: { columns?: number; env?: Readonly<Record<string, string>> } = {},
): KeptScreen {
	const { columns, env = { NO_COLOR: '1' } } = options;
	const written: Buffer[] = [];
	const write = (data: string | Uint8Array) => void written.push(Buffer.from(data));
	const screen = screenOn({ write, ...(columns === undefined ? {} : { columns, isTTY: true }) }, env);
	return {
		...screen,
		get text() {
			return Buffer.concat(written).toString('utf8');
		},
		get bytes() {
			return Buffer.concat(written);
		},
	};
}
