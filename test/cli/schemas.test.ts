import { readdir, readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { jsonSchemaOf, viewSchemas } from '../../src/domain/view-schema.ts';

const folder = new URL('../../docs/schemas/', import.meta.url);
const names = Object.keys(viewSchemas) as (keyof typeof viewSchemas)[];

describe('the JSON Schemas of the contract', () => {
	test.each(names)('docs/schemas/%s.json is what the program means (else: npm run docs)', async (name) => {
		const text = await readFile(new URL(`${name}.json`, folder), 'utf8');
		expect(JSON.parse(text)).toEqual(jsonSchemaOf(name));
	});

	test('there is no other file', async () => {
		expect((await readdir(folder)).sort()).toEqual(names.map((name) => `${name}.json`).sort());
	});

	test.each(names)('docs/json.md names every field of %s', async (name) => {
		const text = await readFile(new URL('../json.md', folder), 'utf8');
		for (const field of Object.keys(viewSchemas[name].shape)) expect(text).toContain(`\`${field}\``);
	});
});
