/**
 * Owns that an answer fits one message, whatever nodes have said: how many of its items go into it, and what is cut of one that is too
 * large by itself. Promises at least one item, and that its node, its presence and where it stands are always told.
 * Pure.
 */

import { cutText } from '../base/text.ts';
import type { CommandView, NodeView } from '../domain/view.ts';

/** For what stands around the items, and for headers. */
const roomBytes = 4 * 1024;
const shownOfMany = 50;
const shownText = 200;

/** How many of these go into one message of `maxPayload` bytes; at least one. */
export function howManyFit(items: readonly unknown[], maxPayload: number): number {
	let bytes = roomBytes;
	for (const [place, item] of items.entries()) {
		bytes += Buffer.byteLength(JSON.stringify(item) ?? '') + 1;
		if (bytes > maxPayload && place > 0) return place;
	}
	return items.length;
}

/** The view, or what is left of one that no message holds. */
export function boundedNode(view: NodeView, maxPayload: number): NodeView {
	if (fits(view, maxPayload)) return view;
	const short: NodeView = {
		...view,
		version: view.version && cutText(view.version, shownText),
		platform: view.platform && {
			os: cutText(view.platform.os, shownText),
			arch: cutText(view.platform.arch, shownText),
			runtime: cutText(view.platform.runtime, shownText),
			hostname: cutText(view.platform.hostname, shownText),
		},
		labels: Object.fromEntries(
			Object.entries(view.labels)
				.slice(0, shownOfMany)
				.map(([key, value]) => [cutText(key, shownText), cutText(value, shownText)]),
		),
		methods: view.methods.slice(0, shownOfMany).map(({ name, kind, description }) => ({
			...{ name: cutText(name, shownText), kind, data: {} },
			description: cutText(description ?? 'its node says more than one message holds', shownText),
		})),
		lanes: view.lanes
			.slice(0, shownOfMany)
			.map((lane) => ({ ...lane, pause: lane.pause && shortPause(lane.pause) })),
		stopped: view.stopped
			.slice(0, shownOfMany)
			.map((one) => ({ ...shortPause(one), method: cutText(one.method, shownText) })),
		running: view.running.slice(0, shownOfMany).map((run) => ({
			...run,
			handle: cutText(run.handle, shownText),
			method: cutText(run.method, shownText),
		})),
		unreported: view.unreported.slice(0, shownOfMany).map((handle) => cutText(handle, shownText)),
		conflict: view.conflict && {
			...view.conflict,
			machines: view.conflict.machines.slice(0, 2).map((machine) => cutText(machine, shownText)),
		},
	};
	return short;
}

/** As {@link boundedNode}: of many attempts the last ones. */
export function boundedCommand(view: CommandView, maxPayload: number): CommandView {
	if (fits(view, maxPayload)) return view;
	return { ...view, attempts: view.attempts.slice(-1), history: view.history.slice(-shownOfMany) };
}

function fits(item: unknown, maxPayload: number): boolean {
	return Buffer.byteLength(JSON.stringify(item)) + roomBytes <= maxPayload;
}

function shortPause<Held extends { readonly by: string; readonly reason: string }>(pause: Held): Held {
	return { ...pause, by: cutText(pause.by, shownText), reason: cutText(pause.reason, shownText) };
}
