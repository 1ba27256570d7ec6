// Owns docs/schemas/*.json: the JSON contract as JSON Schema, made from the built program (npm run docs).
// Promises files that are whole or untouched by this run; the tests fail while they differ from the program.

import { mkdir, rename, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { jsonSchemaOf, viewSchemas } from '../dist/domain/view-schema.js';

const folder = fileURLToPath(new URL('../docs/schemas/', import.meta.url));
await mkdir(folder, { recursive: true });
for (const name of Object.keys(viewSchemas)) {
	const draft = `${folder}.${name}.json.${process.pid}`;
	await writeFile(draft, `${JSON.stringify(jsonSchemaOf(name), null, '\t')}\n`);
	await rename(draft, `${folder}${name}.json`);
}
