import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { compare, guarded, keyOf, leastRatio, sentenceOf } from '../../scripts/bench/accepted.mjs';
import { works } from '../../scripts/bench/works.mjs';

const keys = guarded.map(keyOf);
const allAt = (ratio: number) => Object.fromEntries(keys.map((key) => [key, ratio]));
/** Each round of steward beside one of 100 of the other. */
const valuesOf =
	(steward: readonly (number | undefined)[]) =>
	(_: string, __: string, peer: string): readonly (number | undefined)[] =>
		peer === 'steward' ? steward : [100];

describe('what the guard of a bench compares', () => {
	it('is the least of the ratios of each round', () => {
		expect(leastRatio([900, 400, 500], [300, 100, 250])).toBe(2);
		expect(leastRatio([900, undefined, 500], [undefined, 100, 100])).toBe(5);
		expect(leastRatio([undefined], [100])).toBeUndefined();
		expect(leastRatio([300], [])).toBeUndefined();
		expect(leastRatio([300], [0])).toBeUndefined();
	});

	it('holds up to its tolerance, and not beyond', () => {
		for (const [index, { tolerance }] of guarded.entries()) {
			const at = (ratio: number) => compare(valuesOf([ratio * 100]), allAt(5))[index];
			expect(at(5 * (1 + tolerance) - 0.01)).toMatchObject({ holds: true, isBetter: false });
			expect(at(5 * (1 + tolerance) + 0.01)).toMatchObject({ holds: false, isBetter: false });
			expect(at(5 / (1 + tolerance) - 0.01)).toMatchObject({ holds: true, isBetter: true });
		}
	});

	it('fails with the name of the ratio, and both values', () => {
		const [first] = compare(valuesOf([1234]), allAt(5));
		expect(first && sentenceOf(first)).toMatch(
			/^A\/64 callers, processor\/raw was accepted at 5\.00, and is 12\.3: more than [\d.]+, so/,
		);
	});

	it('does not hold where nothing was measured, or nothing accepted', () => {
		const [unmeasured] = compare(valuesOf([undefined]), allAt(5));
		expect(unmeasured).toMatchObject({ holds: false, isBetter: false, measured: undefined });
		expect(unmeasured && sentenceOf(unmeasured)).toContain('it could not be measured');
		const [unaccepted] = compare(valuesOf([100]), {});
		expect(unaccepted).toMatchObject({ holds: false });
		expect(unaccepted && sentenceOf(unaccepted)).toContain(
			'was never accepted: npm run bench:guard -- --accept',
		);
	});

	it('is measured by the works, and accepted.json names exactly that', async () => {
		for (const { work, figure, of } of guarded) {
			expect(Object.keys(works[work]?.figures ?? {})).toContain(figure);
			expect(works[work]?.peers).toContain(of);
		}
		const file = new URL('../../scripts/bench/accepted.json', import.meta.url);
		const accepted: Record<string, number> = JSON.parse(await readFile(file, 'utf8'));
		expect(Object.keys(accepted).sort()).toEqual([...keys].sort());
		for (const ratio of Object.values(accepted)) expect(ratio).toBeGreaterThan(0);
	});
});
