import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { errorCodes } from '../../src/base/errors.ts';
import { exitCodeOf, exitCodes, exitCodeTexts } from '../../src/cli/exit-codes.ts';

test('every exit code is explained, and every explained one can happen', () => {
	const possible = new Set([...Object.values(exitCodes), ...errorCodes.map(exitCodeOf)]);
	expect(new Set(exitCodeTexts.map(([code]) => code))).toEqual(possible);
});

test('docs/cli.md tells the same table', async () => {
	const text = await readFile(new URL('../../docs/cli.md', import.meta.url), 'utf8');
	const rows = [...text.matchAll(/^\| (\d+) +\|[^|]*\|([^|]*)\|$/gm)];
	expect(rows.map(([, code]) => Number(code))).toEqual(exitCodeTexts.map(([code]) => code));
	for (const code of errorCodes) {
		const row = rows.find(([, , codes]) => codes?.includes(`\`${code}\``));
		expect(Number(row?.[1])).toBe(exitCodeOf(code));
	}
});
