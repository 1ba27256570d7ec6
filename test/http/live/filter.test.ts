import { expect, test } from 'vitest';
import { commandStates, transitions } from '../../../src/domain/state.ts';
import { filterOf } from '../../../src/http/live/filter.ts';

test('without anything said everything is wanted', () => {
	const filter = filterOf({});
	expect(
		(['commands', 'nodes', 'schedules', 'totals', 'dead'] as const).every((topic) => filter.has(topic)),
	).toBe(true);
	expect(filter.node('ship1', undefined)).toBe(true);
	expect(filter.command({ method: 'any', state: 'lost' })).toBe(true);
});

test('nodes by name and by all of their labels', () => {
	expect(filterOf({ node: ['a', 'b'] }).node('b', {})).toBe(true);
	expect(filterOf({ node: ['a', 'b'] }).node('c', {})).toBe(false);
	const tugs = filterOf({ where: { role: 'tug', zone: 'north' } });
	expect(tugs.node('a', { role: 'tug', zone: 'north', x: '1' })).toBe(true);
	expect(tugs.node('a', { role: 'tug' })).toBe(false);
	expect(tugs.node('a', undefined)).toBe(false);
	expect(tugs.isGone('a', undefined)).toBe(true);
	expect(tugs.isGone('a', { role: 'tug', zone: 'north' })).toBe(false);
	// What was asked for by name alone never stops being that.
	expect(filterOf({ node: ['a'] }).isGone('a', {})).toBe(false);
	expect(filterOf({ node: ['a'], where: { role: 'tug' } }).isGone('b', {})).toBe(false);
});

test('whatever a command that was wanted becomes is told as well, so that it can leave the list', () => {
	for (const wanted of commandStates) {
		const filter = filterOf({ state: [wanted] });
		const isTold = (state: (typeof commandStates)[number]) => filter.command({ method: 'm', state });
		expect(isTold(wanted)).toBe(true);
		for (const state of commandStates.filter(isTold)) {
			for (const next of Object.values(transitions[state])) expect(isTold(next)).toBe(true);
		}
	}
	const failed = filterOf({ state: ['failed'] });
	expect(commandStates.filter((state) => failed.command({ method: 'm', state }))).toEqual(['failed']);
	expect(filterOf({ state: ['running'] }).command({ method: 'm', state: 'queued' })).toBe(false);
});

test('what means the same has the same key, and nothing else has', () => {
	const key = (form: Parameters<typeof filterOf>[0]) => filterOf(form).key;
	expect(key({ node: ['a', 'b'], topics: ['nodes', 'totals'] })).toBe(
		key({ topics: ['totals', 'nodes'], node: ['b', 'a'] }),
	);
	expect(key({ where: { a: '1', b: '2' } })).toBe(key({ where: { b: '2', a: '1' } }));
	const others = [{}, { node: ['a'] }, { method: 'a' }, { state: ['lost' as const] }, { where: { a: '' } }];
	expect(new Set(others.map(key)).size).toBe(others.length);
});
