/**
 * Owns where one may go: the places of the frame, and which page an address names.
 * Promises that a name in an address is decoded, and that an address which is none names no page. Pure.
 */

import type { IconName } from './ui/glyphs.ts';

export type Place = {
	readonly to: string;
	readonly name: string;
	readonly icon: IconName;
	readonly key: string;
};

export const places: readonly Place[] = [
	{ to: '/', name: 'Fleet', icon: 'fleet', key: 'f' },
	{ to: '/commands', name: 'Commands', icon: 'list', key: 'c' },
	{ to: '/send', name: 'Send', icon: 'send', key: 's' },
	{ to: '/schedules', name: 'Schedules', icon: 'calendar', key: 't' },
	{ to: '/dead', name: 'Dead letters', icon: 'dead', key: 'd' },
	{ to: '/charts', name: 'Charts', icon: 'chart', key: 'h' },
];

/** Page files under pages/, by their address; of `one` the last part is the name of what is shown. */
const lists: Readonly<Record<string, { readonly all: string; readonly one?: string }>> = {
	'': { all: 'fleet' },
	nodes: { all: 'fleet', one: 'node' },
	commands: { all: 'commands', one: 'command' },
	send: { all: 'send' },
	schedules: { all: 'schedules', one: 'schedule' },
	dead: { all: 'dead' },
	charts: { all: 'charts' },
};

export type Whereabouts = {
	/** File of the page, and its place in the frame. */
	readonly page: string;
	readonly place: string;
	/** Node, handle or schedule that it shows; empty on a list. */
	readonly id: string;
};

export function whereabouts(path: string): Whereabouts | undefined {
	const [first = '', id, ...more] = path.replace(/^\//, '').replace(/\/$/, '').split('/');
	const list = Object.hasOwn(lists, first) ? lists[first] : undefined;
	if (!list || more.length > 0) return undefined;
	const place = first === 'nodes' ? '/' : `/${first}`;
	if (id === undefined) return { page: list.all, place, id: '' };
	if (list.one === undefined) return undefined;
	try {
		return { page: list.one, place, id: decodeURIComponent(id) };
	} catch {
		return undefined;
	}
}
