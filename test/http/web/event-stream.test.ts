import fc from 'fast-check';
import { expect, test } from 'vitest';
import { EventReader, type ServerEvent } from '../../../src/http/web/live/event-stream.ts';

function readAll(pieces: readonly string[]): ServerEvent[] {
	const reader = new EventReader();
	return pieces.flatMap((piece) => reader.read(piece));
}

test('reads the same events wherever the bytes are cut', () => {
	const line = fc.string({ unit: fc.constantFrom('a', ':', ' ', '{', '"', 'é', '🚢') });
	const event = fc.record({ event: fc.constantFrom('changes', 'beat', 'hello'), id: line, data: line });
	fc.assert(
		fc.property(
			fc.array(event, { maxLength: 6 }),
			fc.array(fc.nat(400)),
			fc.constantFrom('\n', '\r\n'),
			(events, cuts, end) => {
				const text = events
					.map(({ event: name, id, data }) =>
						[`event: ${name}`, `id: ${id}`, `data: ${data}`, '', ''].join(end),
					)
					.join('');
				const at = [...new Set(cuts.map((cut) => Math.min(cut, text.length)))].sort((a, b) => a - b);
				const pieces = [...at, text.length].map((to, index) => text.slice(at[index - 1] ?? 0, to));
				expect(readAll(pieces)).toEqual(events);
			},
		),
	);
});

test('hands over nothing that is not whole, nor one without data', () => {
	expect(readAll(['event: changes\nid: 7\ndata: {}\n'])).toEqual([]);
	expect(readAll(['id: 7\n\n', ': a comment\n\n'])).toEqual([]);
});

test('joins lines of data, and forgets the name and the id with the event', () => {
	expect(readAll(['event: a\nid: 1\ndata: x\ndata:y\n\ndata: z\n\n'])).toEqual([
		{ event: 'a', id: '1', data: 'x\ny' },
		{ event: 'message', id: undefined, data: 'z' },
	]);
});
