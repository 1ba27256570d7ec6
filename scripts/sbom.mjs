/**
 * Owns the software bill of materials of a release: sbom.cdx.json (CycloneDX), made when the package is packed (npm run sbom).
 * Promises every package that an installation brings, whatever platform it is for, and none that only building needs; the same
 * file from the same lock file. A run that is cut off leaves the file before it.
 *
 * npm's own `--omit dev` is not used: it leaves out what a package needs and a tool of the build needs as well (npm 11.19.1:
 * zod and yaml). So all is listed, and what can be reached from `dependencies` is kept.
 */

import { execFileSync } from 'node:child_process';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../', import.meta.url));
const file = join(root, 'sbom.cdx.json');

const { name, dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const words = ['sbom', '--sbom-format', 'cyclonedx', '--package-lock-only', '--loglevel=error'];
const listed = JSON.parse(
	execFileSync('npm', words, { cwd: root, encoding: 'utf8', maxBuffer: 64 * 2 ** 20 }),
);

const self = listed.metadata.component['bom-ref'];
const needs = new Map(listed.dependencies.map(({ ref, dependsOn = [] }) => [ref, dependsOn]));
const nameOf = (ref) => ref.slice(0, ref.lastIndexOf('@'));
const direct = (needs.get(self) ?? []).filter((ref) => Object.hasOwn(dependencies, nameOf(ref)));
const missing = Object.keys(dependencies).filter((wanted) => !direct.some((ref) => nameOf(ref) === wanted));
if (missing.length > 0)
	throw new Error(`npm sbom does not list ${missing.join(', ')}: run npm install, and again`);

const kept = new Set([self]);
const add = (ref) => {
	if (kept.has(ref)) return;
	kept.add(ref);
	for (const next of needs.get(ref) ?? []) add(next);
};
for (const ref of direct) add(ref);

// Time and number of the run would make two of the same release differ.
const { timestamp: _timestamp, ...metadata } = listed.metadata;
const { serialNumber: _serialNumber, ...bom } = listed;
const release = {
	...bom,
	// npm takes the name of the folder.
	metadata: { ...metadata, component: { ...metadata.component, name } },
	components: listed.components.filter((component) => kept.has(component['bom-ref'])),
	dependencies: listed.dependencies
		.filter(({ ref }) => kept.has(ref))
		.map(({ ref }) => ({ ref, dependsOn: ref === self ? direct : (needs.get(ref) ?? []) })),
};
const draft = `${file}.${process.pid}`;
writeFileSync(draft, `${JSON.stringify(release, null, '\t')}\n`);
renameSync(draft, file);
console.log(`sbom.cdx.json: ${release.components.length} packages`);
