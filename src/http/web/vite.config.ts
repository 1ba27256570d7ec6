import { defineConfig } from 'vite';

// The dashboard: one page, its script and its style under hashed names, nothing from elsewhere.
export default defineConfig({
	root: import.meta.dirname,
	base: '/',
	esbuild: { jsx: 'automatic', jsxImportSource: 'preact' },
	build: {
		outDir: '../../../dist/web',
		emptyOutDir: true,
		target: 'es2022',
		assetsInlineLimit: 0,
		modulePreload: { polyfill: false },
	},
	logLevel: 'warn',
});
