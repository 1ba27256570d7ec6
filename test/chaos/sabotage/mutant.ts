/**
 * Owns builds of the product that are broken on purpose: the compiled program, with some of its files changed.
 * Promises that each change is in the build: text that its file does not hold exactly once is an error, never a build without it.
 * The folders stay, and are made anew by the next run.
 */

import { cp, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { transform } from 'esbuild';
import { packageRoot } from '../../../src/base/package.ts';
import { builtFile } from '../../support/built.ts';
import { bundle } from '../../support/bundle.ts';

/** One change of one file below `src/`. */
export type Mutation = {
	readonly file: string;
	/** Must be there exactly once. */
	readonly find: string;
	readonly replace: string;
};

/** Compiles the product with these changes; answers the folder of the build. */
export async function buildMutant(name: string, mutations: readonly Mutation[]): Promise<string> {
	const whole = dirname(dirname(builtFile('bin/node-program.js')));
	// As deep as every other build: it looks for the package two folders above its own.
	const folder = join(packageRoot, '.cache', `sabotage-${name}`);
	const sources = await mutatedSources(mutations);
	await rm(folder, { recursive: true, force: true });
	await cp(whole, folder, { recursive: true, filter: (path) => !/\.(d\.ts|tsbuildinfo)$/.test(path) });
	for (const [file, source] of sources) {
		await writeFile(join(folder, file.replace(/\.ts$/, '.js')), await compiled(file, source));
	}
	await bundle(folder);
	return folder;
}

/** By file: several mutations may be in one. */
export async function mutatedSources(mutations: readonly Mutation[]): Promise<ReadonlyMap<string, string>> {
	const sources = new Map<string, string>();
	for (const mutation of mutations) {
		const { file } = mutation;
		const source = sources.get(file) ?? (await readFile(join(packageRoot, 'src', file), 'utf8'));
		sources.set(file, mutate(source, mutation));
	}
	return sources;
}

/** @throws Error where the source has moved on: then the mutation would do nothing, or something else. */
export function mutate(source: string, { file, find, replace }: Mutation): string {
	const found = source.split(find).length - 1;
	if (found === 1) return source.replace(find, () => replace);
	throw new Error(
		`src/${file} holds this text ${found} times, and a mutation needs it exactly once: ` +
			`write the mutation anew for the source as it is now:\n${find}`,
	);
}

/** As the compiler does: types are gone, and relative imports name the compiled files. */
async function compiled(file: string, source: string): Promise<string> {
	const { code } = await transform(source, {
		loader: 'ts',
		target: 'es2022',
		sourcefile: file,
		tsconfigRaw: { compilerOptions: { verbatimModuleSyntax: true } },
	});
	return code.replace(/(\bfrom |\bimport |\bimport\()"(\.[^"]*)\.ts"/g, '$1"$2.js"');
}
