import { expect, test } from 'vitest';
import { StewardError } from '../../src/base/errors.ts';
import { inTurns, onEach } from '../../src/client/in-turns.ts';
import type { Handle } from '../../src/domain/names.ts';

const handles = Array.from({ length: 200 }, (_, n): Handle => ({ node: 'ship1', id: `c${n}` }));
const [first, second] = [handles.slice(0, 1), handles.slice(0, 2)];

/** Answers with the id, save for those that fail. */
function answering(failing: Record<string, Error>) {
	const asked: string[] = [];
	const work = async ({ id }: Handle) => {
		asked.push(id);
		await Promise.resolve();
		const error = failing[id];
		if (error) throw error;
		return id;
	};
	return { asked, work };
}

const unknown = new StewardError('not-found', 'nobody knows it');
const refused = new StewardError('refused', 'it has not ended');
const silent = new StewardError('no-broker', 'the broker is gone');

test('each has an outcome of its own, and the next turn begins all the same', async () => {
	const { asked, work } = answering({ c0: unknown, c70: refused, c199: unknown });
	const error = await onEach(handles, work).catch((thrown: StewardError) => thrown);
	expect(asked).toHaveLength(200);
	expect(error).toMatchObject({
		code: 'refused',
		message: '3 of 200 could not be done: ship1.c0 (not-found), ship1.c70 (refused), ship1.c199 (not-found)',
		details: {
			failed: [
				{ handle: 'ship1.c0', code: 'not-found', message: 'nobody knows it' },
				{ handle: 'ship1.c70', code: 'refused', message: 'it has not ended' },
				{ handle: 'ship1.c199', code: 'not-found', message: 'nobody knows it' },
			],
		},
	});
	const { done } = (error as StewardError).details as { done: { handle: string; answer: string }[] };
	expect(done).toHaveLength(197);
	expect(done.slice(0, 2)).toEqual([
		{ handle: 'ship1.c1', answer: 'c1' },
		{ handle: 'ship1.c2', answer: 'c2' },
	]);
});

test('without a broker no further turn begins, and the rest is told as not tried', async () => {
	const { asked, work } = answering({ c3: silent, c5: unknown });
	await expect(onEach(handles, work)).rejects.toMatchObject({
		code: 'no-broker',
		message: expect.stringMatching(/^138 of 200 .* and 135 more$/),
	});
	expect(asked).toHaveLength(64);
});

test('what nobody foresaw is one answer as well, and an uncertain one', async () => {
	const { work } = answering({ c1: new TypeError('odd') });
	await expect(onEach(second, work)).rejects.toMatchObject({
		code: 'ambiguous',
		details: { failed: [{ handle: 'ship1.c1', message: 'it may be done or not: odd' }] },
	});
});

test('one handle alone fails as it fails; all that work are answered in the order asked', async () => {
	await expect(onEach(first, answering({ c0: unknown }).work)).rejects.toBe(unknown);
	expect(await onEach(second, answering({}).work)).toEqual(['c0', 'c1']);
	expect(await onEach([], answering({}).work)).toEqual([]);
});

test('the first failure of what is done in turns ends it, after those that were under way', async () => {
	const { asked, work } = answering({ c1: silent });
	await expect(inTurns(handles, work)).rejects.toBe(silent);
	expect(asked).toHaveLength(64);
});
