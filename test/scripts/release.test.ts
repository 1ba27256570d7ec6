import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { packageRoot } from '../../src/base/package.ts';
import { tempDir } from '../support/temp.ts';

function run(
	program: string,
	words: readonly string[],
): Promise<{ code: number; stdout: string; stderr: string }> {
	return new Promise((resolve) => {
		execFile(program, words, { cwd: packageRoot, maxBuffer: 2 ** 24 }, (error, stdout, stderr) =>
			resolve({ code: Number(error?.code ?? 0), stdout, stderr }),
		);
	});
}

type Bom = {
	components: { 'bom-ref': string; name: string; version: string; licenses?: unknown[] }[];
	dependencies: { ref: string; dependsOn: string[] }[];
	metadata: { component: { name: string } };
};

test('the bill of materials names each package that an installation brings, and no tool of the build', async () => {
	const made = await run('node', ['scripts/sbom.mjs']);
	expect([made.code, made.stderr.replace(/^npm warn .*\n/gm, '')]).toEqual([0, '']);
	const path = join(packageRoot, 'sbom.cdx.json');
	const text = await readFile(path, 'utf8');
	const bom: Bom = JSON.parse(text);
	const { dependencies, devDependencies } = JSON.parse(
		await readFile(join(packageRoot, 'package.json'), 'utf8'),
	);
	const names = bom.components.map(({ name }) => name);
	expect(bom.metadata.component.name).toBe('steward');
	expect(names).toEqual(expect.arrayContaining(Object.keys(dependencies)));
	for (const tool of Object.keys(devDependencies)) expect(names).not.toContain(tool);
	// What they need in turn, with the versions of the lock file.
	const refs = new Set(bom.components.map((component) => component['bom-ref']));
	for (const { dependsOn } of bom.dependencies) for (const ref of dependsOn) expect(refs).toContain(ref);
	expect(names).toContain('@lmdb/lmdb-linux-x64');
	const lock = JSON.parse(await readFile(join(packageRoot, 'package-lock.json'), 'utf8'));
	for (const name of Object.keys(dependencies)) {
		const { version } = lock.packages[`node_modules/${name}`];
		expect(bom.components.find((one) => one.name === name)?.version).toBe(version);
	}
	await run('node', ['scripts/sbom.mjs']);
	expect(await readFile(path, 'utf8')).toBe(text);
	const { stdout } = await run('npm', ['pack', '--dry-run', '--ignore-scripts', '--json']);
	const files = JSON.parse(stdout)[0].files.map(({ path: file }: { path: string }) => file);
	expect(files).toEqual(expect.arrayContaining(['sbom.cdx.json', 'deploy/systemd/steward-node@.service']));
});

/** A registry that knows one vulnerability, or answers no audits at all. */
async function startRegistry(advisories: object | undefined) {
	const server = createServer((request, response) => {
		const isAudit = request.url?.endsWith('/security/advisories/bulk');
		// Of a vulnerable package npm asks which versions there are.
		const version = { name: 'ulid', version: '3.0.2', dist: {} };
		const packument = { name: 'ulid', 'dist-tags': { latest: '3.0.2' }, versions: { '3.0.2': version } };
		response.statusCode = isAudit && !advisories ? 405 : 200;
		response.end(JSON.stringify(isAudit ? (advisories ?? {}) : packument));
	});
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	return {
		url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
		[Symbol.asyncDispose]: () => new Promise<void>((resolve) => server.close(() => resolve())),
	};
}

test('a known vulnerability ends the audit with 1; a registry that does not answer is said, and is no audit', async () => {
	await using cache = await tempDir();
	const audit = async (advisories: object | undefined, ...words: string[]) => {
		await using registry = await startRegistry(advisories);
		return await run('node', [
			'scripts/audit.mjs',
			`--registry=${registry.url}`,
			`--cache=${cache.path}`,
			...words,
		]);
	};
	const ulid = {
		id: 1,
		url: 'https://example.invalid/1',
		title: 'guessable',
		severity: 'high',
		vulnerable_versions: '*',
	};
	const bad = await audit({ ulid: [ulid] });
	expect([bad.code, bad.stdout]).toEqual([
		1,
		expect.stringMatching(/ 1 with a known vulnerability\n {2}ulid \(high\)/),
	]);
	expect(await audit({})).toMatchObject({ code: 0, stdout: expect.stringContaining(' 0 with a known') });
	const silent = { stdout: '', stderr: expect.stringContaining('not audited') };
	expect(await audit(undefined)).toMatchObject({ code: 0, ...silent });
	expect(await audit(undefined, '--strict')).toMatchObject({ code: 1, ...silent });
});
