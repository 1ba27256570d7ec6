import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, gzip } from 'node:zlib';
import { defineConfig, type Plugin } from 'vite';

/** Once and well, beside each file: what is compressed while somebody waits is a seventh larger. */
const compressed: Plugin = {
	name: 'compressed',
	async writeBundle({ dir = '' }, bundle) {
		const write = async (name: string) => {
			const file = join(dir, name);
			const bytes = await readFile(file);
			await writeFile(`${file}.br`, await promisify(brotliCompress)(bytes));
			await writeFile(`${file}.gz`, await promisify(gzip)(bytes, { level: 9 }));
		};
		await Promise.all(Object.keys(bundle).map(write));
	},
};

// The dashboard: one page, its script and its style under hashed names, nothing from elsewhere.
export default defineConfig({
	root: import.meta.dirname,
	base: '/',
	esbuild: { jsx: 'automatic', jsxImportSource: 'preact' },
	plugins: [compressed],
	build: {
		outDir: '../../../dist/web',
		emptyOutDir: true,
		target: 'es2022',
		assetsInlineLimit: 0,
		modulePreload: { polyfill: false },
	},
	logLevel: 'warn',
});
