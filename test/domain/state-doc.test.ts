import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { commandEvents, commandStates, transitions } from '../../src/domain/state.ts';
import { stateDocument } from '../../src/domain/state-doc.ts';

test('docs/states.md is what the table says (else: npm run docs)', async () => {
	const text = await readFile(new URL('../../docs/states.md', import.meta.url), 'utf8');
	expect(text).toBe(stateDocument());
});

test('names every state, every event and every target of the table', () => {
	const text = stateDocument();
	for (const state of commandStates) expect(text).toMatch(new RegExp(`^\\| \`${state}\` +\\| .*\\w`, 'm'));
	for (const event of commandEvents) expect(text).toMatch(new RegExp(`^\\| \`${event}\` +\\| \\S`, 'm'));
	const moves = Object.values(transitions).flatMap((row) => Object.keys(row)).length;
	const [, matrix = ''] = text.split('## Transitions');
	const cells = matrix.split('\n').filter((line) => line.startsWith('| `'));
	expect(
		cells.flatMap((line) => line.split('|').slice(3, -2)).filter((cell) => cell.includes('`')),
	).toHaveLength(moves);
});

test('the diagram shows each way once', () => {
	const arrows = [...stateDocument().matchAll(/^ +(.*) --> (.*)$/gm)].map(([arrow]) => arrow.trim());
	expect(new Set(arrows).size).toBe(arrows.length);
	expect(arrows).toContain('queued --> running: started');
	expect(arrows).toContain('open --> succeeded: succeeded');
	expect(arrows).toContain('open --> expired: expired (if scheduled or queued)');
});
