/**
 * Owns the rule of the layers: who may import whom, the table below, and nobody in a circle.
 * Promises that every import counts (also of types only, re-exports, `import()`), each violation with file and line.
 * Only reads; exit code 1 when the rule is broken.
 *
 *     node scripts/check-layers.js [folder, ./src if none]
 */

import { readdir, readFile } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { pathToFileURL } from 'node:url';

const middle = ['base', 'domain', 'security', 'supervision', 'jetstream'];

/** Layer → layers that it may import beside itself. A file directly under the root is a layer of its own name. */
const layers = {
	base: [],
	domain: ['base'],
	security: ['base', 'domain'],
	supervision: ['base', 'domain'],
	jetstream: ['base', 'domain'],
	broker: ['base'],
	client: middle,
	node: [...middle, 'client'],
	central: [...middle, 'client'],
	http: [...middle, 'client', 'node', 'central'],
	cli: [...middle, 'client', 'node', 'central', 'http', 'broker', 'index'],
	index: ['base', 'domain', 'client', 'node'],
};

/** Packages that one layer alone may import: the first that fits. */
const owners = [
	{ prefix: '@nats-io/jwt', layer: 'security' },
	{ prefix: '@nats-io/nkeys', layer: 'security' },
	{ prefix: '@nats-io/', layer: 'jetstream' },
];

/** @typedef {{ from: string, to: string, line: number }} Import */
/** @typedef {{ file: string, line: number, message: string }} Violation */

/**
 * All violations below a source folder, by file and line.
 * @param {string} root
 * @returns {Promise<Violation[]>}
 */
export async function checkLayers(root) {
	const files = await sourceFiles(root);
	const violations = [];
	/** @type {Map<string, Import[]>} */
	const graph = new Map();
	for (const file of files) {
		const imports = [];
		for (const { specifier, line } of importsOf(await readFile(join(root, file), 'utf8'))) {
			const to = specifier.startsWith('.') ? targetOf(file, specifier, files) : undefined;
			const message = to === undefined ? packageProblem(file, specifier) : layerProblem(file, to);
			if (message) violations.push({ file, line, message });
			if (to !== undefined) imports.push({ from: file, to, line });
		}
		graph.set(file, imports);
	}
	for (const circle of circles(graph)) {
		const [first] = circle;
		const way = [...circle.map(({ from }) => from), first.from].join(' → ');
		violations.push({ file: first.from, line: first.line, message: `is in a circle of imports: ${way}` });
	}
	return violations.sort((a, b) => (a.file === b.file ? a.line - b.line : a.file < b.file ? -1 : 1));
}

async function sourceFiles(root) {
	const entries = await readdir(root, { recursive: true, withFileTypes: true });
	return entries
		.filter((entry) => entry.isFile() && /\.[cm]?[jt]sx?$/.test(entry.name))
		.map((entry) =>
			relative(root, join(entry.parentPath ?? entry.path, entry.name))
				.split(sep)
				.join('/'),
		)
		.sort();
}

/** Every module that the text names: `import … from`, `export … from`, `import '…'`, `import('…')`, `require('…')`. */
function importsOf(text) {
	const code = withoutComments(text);
	const forms =
		/(?<![\w$.])(?:(?:import|export)\b[\w$\s,{}*]*?from\s*|import\s*\(?\s*|require\s*\(\s*)(['"`])([^'"`\n]+)\1/g;
	return [...code.matchAll(forms)].map((match) => {
		const at = match.index + match[0].lastIndexOf(match[2]);
		return { specifier: match[2], line: code.slice(0, at).split('\n').length };
	});
}

/** The text with its comments blanked out, each line where it was; what looks like one inside a string stays. */
function withoutComments(text) {
	const parts = /'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\[\s\S]|[^`\\])*`|\/\*[\s\S]*?\*\/|\/\/[^\n]*/g;
	return text.replace(parts, (part) => (part.startsWith('/') ? part.replace(/[^\n]/g, ' ') : part));
}

/** The file that a relative import means; what is not there is named as it was written. */
function targetOf(file, specifier, files) {
	const path = relative('/', resolve('/', dirname(file), specifier))
		.split(sep)
		.join('/');
	const candidates = [path, path.replace(/\.js$/, '.ts'), `${path}.ts`, `${path}/index.ts`];
	return candidates.find((candidate) => files.includes(candidate)) ?? path;
}

function layerOf(file) {
	return file.includes('/') ? file.slice(0, file.indexOf('/')) : file.replace(/\.[^.]+$/, '');
}

function layerProblem(file, target) {
	const [from, to] = [layerOf(file), layerOf(target)];
	if (!(from in layers)) return `${from} is no layer; add it to the table in scripts/check-layers.js`;
	if (from === to || layers[from].includes(to)) return undefined;
	const may = layers[from].length === 0 ? 'nothing of ours' : layers[from].join(', ');
	return `${from} may not import ${to} (${target}); it may import ${may}`;
}

function packageProblem(file, specifier) {
	const owner = owners.find(({ prefix }) => specifier.startsWith(prefix));
	if (!owner || layerOf(file) === owner.layer) return undefined;
	return `only ${owner.layer} may import ${specifier}`;
}

/** One circle for each import that closes one, as the imports along it. */
function circles(graph) {
	const found = [];
	const done = new Set();
	const path = [];
	const visit = (file) => {
		const start = path.findIndex(({ from }) => from === file);
		if (start >= 0) return void found.push(path.slice(start));
		if (done.has(file)) return;
		for (const next of graph.get(file) ?? []) {
			path.push(next);
			visit(next.to);
			path.pop();
		}
		done.add(file);
	};
	for (const file of graph.keys()) visit(file);
	return found;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
	const root = process.argv[2] ?? 'src';
	const violations = await checkLayers(root);
	for (const { file, line, message } of violations) console.error(`${join(root, file)}:${line}: ${message}`);
	if (violations.length > 0) {
		console.error(`${violations.length} import${violations.length === 1 ? '' : 's'} against the layers`);
		process.exitCode = 1;
	}
}
