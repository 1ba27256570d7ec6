import { describe, expect, test } from 'vitest';
import {
	hasTerm,
	labelCounts,
	labelTerm,
	matchOf,
	termsOf,
	toggleTerm,
} from '../../../src/http/web/fleet/filter.ts';
import { arrange, isSortable, naturalKey } from '../../../src/http/web/fleet/order.ts';
import { nodeRow } from '../../support/node-row.ts';

const fleet = [
	nodeRow('ship10', { labels: { role: 'tug', home: 'New York' }, queued: 3 }),
	nodeRow('ship2', {
		presence: 'absent',
		labels: { role: 'barge' },
		failing: 1,
		oldestQueuedAt: '2026-01-02T00:00:00.000Z',
	}),
	nodeRow('Ship1', {
		presence: 'never',
		version: null,
		clockOffsetMs: null,
		oldestQueuedAt: '2026-01-01T00:00:00.000Z',
	}),
	nodeRow('pilot', { labels: { role: 'tugboat' }, clockOffsetMs: -4000, running: 2, version: '1.10.0' }),
];
const found = (text: string) => fleet.filter(matchOf(text)).map(({ node }) => node);

describe('the search', () => {
	test.each([
		['', ['ship10', 'ship2', 'Ship1', 'pilot']],
		['SHIP', ['ship10', 'ship2', 'Ship1']],
		['barge', ['ship2']],
		['role=tug', ['ship10']],
		['role=tug*', ['ship10', 'pilot']],
		['role!=tug', ['ship2', 'Ship1', 'pilot']],
		['role=', ['ship10', 'ship2', 'pilot']],
		['!role=', ['Ship1']],
		['home="New York"', ['ship10']],
		['"new york"', ['ship10']],
		['!present', ['ship2', 'Ship1']],
		['present !queued', ['pilot']],
		['failing', ['ship2']],
		['clock', ['pilot']],
		['running role=tugboat', ['pilot']],
		['"unfinished', []],
		['!', []],
		['=', []],
		['constructor', []],
		['toString=', []],
	])('%j finds %j', (text, nodes) => {
		expect(found(text)).toEqual(nodes);
	});

	test('a chip adds what one would have typed, and takes it away again', () => {
		expect(toggleTerm('ship', 'present')).toBe('ship present');
		expect(toggleTerm('ship present', 'present')).toBe('ship');
		expect(toggleTerm('!present ship', 'present')).toBe('ship present');
		expect(toggleTerm('absent ship', 'present', ['present', 'absent'])).toBe('ship present');
		const term = labelTerm('home', 'New York');
		expect(termsOf(toggleTerm('a', term))).toEqual(['a', 'home="New York"']);
		expect(hasTerm(toggleTerm('a', term), term)).toBe(true);
		expect(found(toggleTerm('', term))).toEqual(['ship10']);
	});

	test('labels that divide the fleet come first, the most common before the others', () => {
		const rows = Array.from({ length: 20 }, (_, at) =>
			nodeRow(`n${at}`, { labels: { serial: `s${at}`, role: at < 15 ? 'tug' : 'barge' } }),
		);
		expect(labelCounts(rows, 3)).toEqual([
			{ name: 'role', value: 'tug', count: 15 },
			{ name: 'role', value: 'barge', count: 5 },
			{ name: 'serial', value: 's0', count: 1 },
		]);
	});
});

describe('the order', () => {
	const all = () => true;
	const by = (column: string, down = false) => arrange(fleet, all, { column, down }).map(({ node }) => node);

	test('takes numbers in names as numbers, and no notice of capitals', () => {
		expect(by('node')).toEqual(['pilot', 'Ship1', 'ship2', 'ship10']);
		expect(by('node', true)).toEqual(['ship10', 'ship2', 'Ship1', 'pilot']);
		expect(naturalKey('a9') < naturalKey('a10')).toBe(true);
	});

	test('puts what is not known last in both directions, and equal rows by name', () => {
		expect(by('clock', true)).toEqual(['pilot', 'ship2', 'ship10', 'Ship1']);
		expect(by('clock')).toEqual(['ship2', 'ship10', 'pilot', 'Ship1']);
		expect(by('version')).toEqual(['ship2', 'ship10', 'pilot', 'Ship1']);
	});

	test('sorts the longest wait first when sorted down', () => {
		expect(by('oldest', true).slice(0, 2)).toEqual(['Ship1', 'ship2']);
		expect(by('queued', true)[0]).toBe('ship10');
		expect(by('presence')[0]).toBe('pilot');
	});

	test('knows its columns, and nothing that every object has', () => {
		expect(isSortable('node')).toBe(true);
		expect(isSortable('queued')).toBe(true);
		expect(isSortable('toString')).toBe(false);
		expect(isSortable('')).toBe(false);
	});

	test('searches and sorts ten thousand nodes in a few frames of a processor', () => {
		const rows = Array.from({ length: 10_000 }, (_, at) =>
			nodeRow(`vessel-${(at * 7919) % 10_000}`, {
				queued: at % 50,
				labels: { role: at % 2 === 0 ? 'tug' : 'barge' },
			}),
		);
		/** Of the processor: others use this machine too. */
		const once = () => {
			const before = process.cpuUsage();
			expect(
				arrange(rows, matchOf('vessel role=tug !absent'), { column: 'queued', down: true }),
			).toHaveLength(5000);
			const { user, system } = process.cpuUsage(before);
			return (user + system) / 1000;
		};
		expect(Math.min(...Array.from({ length: 6 }, once))).toBeLessThan(50);
	});
});
