import { expect, test } from 'vitest';
import type { Changes, NodeRow, Totals } from '../../../src/domain/row-schema.ts';
import { waitBeforeAttempt } from '../../../src/http/web/live/backoff.ts';
import { freshPicture, withChanges } from '../../../src/http/web/live/picture.ts';
import { nodeRow } from '../../support/node-row.ts';

const totals: Totals = {
	nodes: { known: 2, present: 2, absent: 0, never: 0, unknown: 0 },
	commands: {
		...{ scheduled: 0, queued: 0, running: 0, retrying: 0, succeeded: 0, failed: 0, timedOut: 0 },
		...{ interrupted: 0, cancelled: 0, expired: 0, rejected: 0, lost: 0 },
	},
	oldestQueuedAt: null,
};

function step(nodes: NodeRow[], queued = 0): Changes {
	return {
		at: '2026-11-23T02:00:00.000Z',
		commands: [],
		nodes,
		schedules: [],
		gone: null,
		dead: null,
		totals: { ...totals, commands: { ...totals.commands, queued } },
	};
}

const loaded = (...items: NodeRow[]) => ({ items, position: 'p1', indexing: false });

test('makes a new map for a step that changed a node, with the other rows as they were', () => {
	const before = freshPicture(loaded(nodeRow('a'), nodeRow('b')), totals);
	const after = withChanges(before, [
		step([nodeRow('a', { queued: 1 })]),
		step([nodeRow('a', { queued: 2 }), nodeRow('c')], 9),
	]);
	expect([...after.nodes.values()].map(({ node, queued }) => [node, queued])).toEqual([
		['a', 2],
		['b', 0],
		['c', 0],
	]);
	expect(after.nodes.get('b')).toBe(before.nodes.get('b'));
	expect(after.totals?.commands.queued).toBe(9);
	expect(before.nodes.get('a')?.queued).toBe(0);
});

test('drops the nodes that fit no more', () => {
	const before = freshPicture(loaded(nodeRow('a'), nodeRow('b')), totals);
	const gone = { commands: [], nodes: ['a', 'unknown'], unnamed: false };
	expect([...withChanges(before, [{ ...step([]), gone }]).nodes.keys()]).toEqual(['b']);
});

test('keeps the map where no node changed', () => {
	const before = freshPicture(loaded(nodeRow('a')), totals);
	expect(withChanges(before, [step([], 3)]).nodes).toBe(before.nodes);
});

test('keeps the rows that say the same when everything is loaded anew, and drops those that are gone', () => {
	const before = freshPicture(loaded(nodeRow('a'), nodeRow('b'), nodeRow('c')), totals);
	const after = freshPicture(loaded(nodeRow('a'), nodeRow('b', { running: 1 })), totals, before.nodes);
	expect(after.nodes.get('a')).toBe(before.nodes.get('a'));
	expect(after.nodes.get('b')?.running).toBe(1);
	expect(after.nodes.has('c')).toBe(false);
});

test('waits longer with each attempt, up to a bound, never all at once', () => {
	const [early, late] = [0, 0.999_999].map((random) =>
		[0, 1, 2, 3, 10, 100].map((n) => waitBeforeAttempt(n, random)),
	);
	expect(early).toEqual([250, 500, 1000, 2000, 7500, 7500]);
	expect(late).toEqual([500, 1000, 2000, 4000, 15_000, 15_000]);
});
