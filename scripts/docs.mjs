/**
 * Owns what of the documentation is made from the built program (npm run docs): docs/schemas/*.json, the JSON contract as
 * JSON Schema, docs/states.md, and docs/what-became-of-my-command.md. Promises files that are whole or untouched; tests fail while they differ from the program.
 * A run that is interrupted is simply repeated.
 */

import { mkdir, rename, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { fateDocument } from '../dist/domain/fate-doc.js';
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
await write('what-became-of-my-command.md', fateDocument());
