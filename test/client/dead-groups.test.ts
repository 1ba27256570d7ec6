import { expect, test } from 'vitest';
import { LetterGroups } from '../../src/client/dead-groups.ts';
import type { LetterSummary } from '../../src/domain/dead-letter.ts';

function letter(more: Partial<LetterSummary> = {}): LetterSummary {
	return {
		...{ v: 1, node: 'ship1', kind: 'command', method: 'deploy', id: 'a', sender: '_operator', at: 1000 },
		...{ attempts: 1, fault: { code: 'badData', message: 'no version' }, lineage: null, origin: '' },
		...{ holds: 'envelope', kept: 'whole', characters: 10, replayed: null },
		...more,
	};
}

test('letters of one fault, method and kind are one group, told by the latest, the largest first', () => {
	const groups = new LetterGroups();
	groups.add(letter({ fault: { code: 'unknownMethod', message: 'x' } }));
	groups.add(letter({ kind: 'event', holds: 'data' }));
	groups.add(letter({ at: 3000, fault: { code: 'badData', message: 'the last words' } }));
	groups.add(letter({ at: 2000, node: 'ship2' }));
	groups.add(letter({ at: 1000 }));
	const [first, ...others] = groups.list();
	expect(first).toEqual({
		...{ code: 'badData', method: 'deploy', kind: 'command', message: 'the last words' },
		...{ count: 3, nodes: 2, latestAt: '1970-01-01T00:00:03.000Z', replayable: 3 },
	});
	expect(others.map(({ count }) => count)).toEqual([1, 1]);
});

test.each<[string, Partial<LetterSummary>]>([
	['was sent again', { replayed: { as: 'ship1.b', at: 1, by: 'ada' } }],
	['is kept in part', { kept: 'beginning' }],
	['is not kept', { kept: 'none' }],
	['is what a node stated', { holds: 'statement' }],
	['was refused because of its sender', { fault: { code: 'untrusted', message: 'x' } }],
	['was denied to its sender', { fault: { code: 'denied', message: 'x' } }],
])('one that %s cannot be sent again', (_what, more) => {
	const groups = new LetterGroups();
	groups.add(letter(more));
	expect(groups.list()).toMatchObject([{ count: 1, replayable: 0 }]);
});
