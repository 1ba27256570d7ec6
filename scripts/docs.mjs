/**
 * Owns what of the documentation is made from the built program (npm run docs): docs/schemas/*.json, the JSON contract as
 * JSON Schema, and docs/states.md. Promises files that are whole or untouched; tests fail while they differ from the program.
 * A run that is interrupted is simply repeated.
 */

import { mkdir, rename, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { stateDocument } from '../dist/domain/state-doc.js';
import { jsonSchemaOf, viewSchemas } from '../dist/domain/view-schema.js';

const docs = fileURLToPath(new URL('../docs/', import.meta.url));

async function write(path, text) {
	const draft = `${docs}.draft.${process.pid}`;
	await writeFile(draft, text);
	await rename(draft, `${docs}${path}`);
}

await mkdir(`${docs}schemas`, { recursive: true });
for (const name of Object.keys(viewSchemas)) {
	await write(`schemas/${name}.json`, `${JSON.stringify(jsonSchemaOf(name), null, '\t')}\n`);
}
await write('states.md', stateDocument());
