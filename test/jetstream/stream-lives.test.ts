import type { StreamInfo } from '@nats-io/jetstream';
import { expect, test } from 'vitest';
import { lifeOf, withLife } from '../../src/jetstream/stream-lives.ts';

const stream = (created: string, metadata?: Record<string, string>) =>
	({ created, config: { metadata } }) as unknown as Pick<StreamInfo, 'created' | 'config'>;

test('a sequence belongs to the stream that gave it out, through any number of restores', () => {
	const first = stream('first');
	expect(lifeOf(first, 7)).toBe('first');
	const second = stream('second', withLife({ 'steward.schema': '1' }, 'first', 10));
	expect([1, 10, 11].map((seq) => lifeOf(second, seq))).toEqual(['first', 'first', 'second']);
	const third = stream('third', withLife(second.config.metadata, 'second', 15));
	expect([10, 11, 15, 16].map((seq) => lifeOf(third, seq))).toEqual(['first', 'second', 'second', 'third']);
	expect(third.config.metadata?.['steward.schema']).toBe('1');
	// An older backup, restored once more: what came after it is forgotten.
	const again = stream('again', withLife(second.config.metadata, 'second', 10));
	expect([10, 11].map((seq) => lifeOf(again, seq))).toEqual(['second', 'again']);
});

test('metadata that nobody can read says nothing', () => {
	for (const text of ['', '{}', '[[1]]', 'x']) {
		expect(lifeOf(stream('now', { 'steward.lives': text }), 1)).toBe('now');
	}
});
