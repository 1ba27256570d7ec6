import { describe, expect, test } from 'vitest';
import type { CommandRow } from '../../../src/domain/row-schema.ts';
import {
	type CommandList,
	filterOf,
	fitsFilter,
	noFilter,
	queryOf,
	withFresh,
	withoutRows,
	withPage,
	withRows,
} from '../../../src/http/web/command/list.ts';

const at = (seconds: number) => new Date(Date.UTC(2026, 10, 23) + seconds * 1000).toISOString();

function row(id: string, seconds: number, more: Partial<CommandRow> = {}): CommandRow {
	return {
		...{
			handle: `ship1.${id}`,
			id,
			node: 'ship1',
			kind: 'command',
			method: 'ping',
			lane: 'normal',
			state: 'queued',
		},
		...{
			sender: '_operator',
			queuedAt: at(seconds),
			notBefore: null,
			startedAt: null,
			endedAt: null,
			deadline: null,
		},
		...{ nextAttemptAt: null, attempt: 0, fault: null, schedule: null },
		...more,
	};
}

const shown: CommandList = { items: [row('c', 30), row('b', 20), row('a', 10)], fresh: [] };
const ids = (rows: readonly CommandRow[]) => rows.map(({ id }) => id);

describe('a list of commands', () => {
	test('changes a row in its place, also when it fits the filter no more', () => {
		const next = withRows(
			shown,
			[row('b', 20, { state: 'succeeded' })],
			{ ...noFilter, states: ['queued'] },
			true,
		);
		expect(ids(next.items)).toEqual(['c', 'b', 'a']);
		expect(next.items[1]?.state).toBe('succeeded');
		expect(next.items[0]).toBe(shown.items[0]);
	});

	test('keeps what is new back while somebody reads further down', () => {
		const next = withRows(shown, [row('d', 40), row('e', 50)], noFilter, false);
		expect([ids(next.items), ids(next.fresh)]).toEqual([
			['c', 'b', 'a'],
			['e', 'd'],
		]);
		expect(ids(withRows(next, [row('f', 60)], noFilter, false).fresh)).toEqual(['f', 'e', 'd']);
		expect(ids(withFresh(next).items)).toEqual(['e', 'd', 'c', 'b', 'a']);
		expect(ids(withRows(shown, [row('d', 40)], noFilter, true).items)).toEqual(['d', 'c', 'b', 'a']);
	});

	test('takes a new one that changed before it was shown once only', () => {
		const next = withRows(
			withRows(shown, [row('d', 40)], noFilter, false),
			[row('d', 40, { state: 'running' })],
			noFilter,
			false,
		);
		expect(next.fresh.map(({ id, state }) => [id, state])).toEqual([['d', 'running']]);
	});

	test('takes a wish to a node, as the server does, and leaves out what is older than what is shown or fits no filter', () => {
		const rows = [row('old', 1), row('x', 40, { node: 'ship2' }), row('y', 40, { lane: 'control' })];
		const next = withRows(shown, rows, { ...noFilter, node: 'ship1' }, true);
		expect(ids(next.items)).toEqual(['y', 'c', 'b', 'a']);
	});

	test('has no row twice when the next page overlaps', () => {
		expect(ids(withPage(shown, [row('a', 10), row('z', 5)]).items)).toEqual(['c', 'b', 'a', 'z']);
	});
});

describe('its filter', () => {
	test('is the address, there and back', () => {
		const text = 'node=ship1&method=ping&since=1h&schedule=nightly&search=x&state=failed%2Clost';
		expect(queryOf(filterOf(new URLSearchParams(text)))).toBe(text);
		expect(queryOf(noFilter, { limit: '100' })).toBe('limit=100');
	});

	test.each([
		[{ method: 'other' }, false],
		[{ states: ['queued', 'running'] }, true],
		[{ states: ['failed'] }, false],
		[{ schedule: 'nightly' }, false],
		[{ search: 'SHIP1.A' }, true],
		[{ search: 'nothing' }, false],
	])('%j fits: %s', (part, expected) => {
		expect(fitsFilter(row('a', 1), { ...noFilter, ...part })).toBe(expected);
	});
});

test('what has left the ledger leaves the list, from what is shown and from what waits', () => {
	const list: CommandList = { items: [row('a', 1), row('b', 2)], fresh: [row('c', 3)] };
	const left = withoutRows(list, ['ship1.a', 'ship1.c', 'ship1.unknown']);
	expect([left.items, left.fresh].map((rows) => rows.map(({ id }) => id))).toEqual([['b'], []]);
	expect(withoutRows(list, ['ship1.unknown'])).toBe(list);
});
