import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { tempDir } from '../support/temp.ts';

const script = fileURLToPath(new URL('../../scripts/check-layers.js', import.meta.url));

/** What the script says about a source folder of these files: its lines, without the folder and the sum. */
async function check(files: Record<string, string>): Promise<{ code: number; lines: string[] }> {
	await using dir = await tempDir();
	for (const [name, text] of Object.entries(files)) {
		await mkdir(dirname(join(dir.path, name)), { recursive: true });
		await writeFile(join(dir.path, name), text);
	}
	return await new Promise((resolve) => {
		execFile(process.execPath, [script, dir.path], (error, stdout, stderr) => {
			expect(stdout).toBe('');
			const lines = stderr.split('\n').filter((line) => line.includes(': '));
			resolve({
				code: Number(error?.code ?? 0),
				lines: lines.map((line) => line.replace(`${dir.path}/`, '')),
			});
		});
	});
}

const clean = { code: 0, lines: [] };

describe('what is allowed', () => {
	test('every layer downward, itself, and other packages', async () => {
		expect(
			await check({
				'base/clock.ts': "import { readFile } from 'node:fs/promises';\nimport { ulid } from 'ulid';",
				'domain/a.ts': "import '../base/clock.ts';\nimport type { B } from './b.ts';",
				'domain/b.ts': 'export type B = 1;',
				'supervision/a.ts': "export { a } from '../domain/a.ts';",
				'jetstream/a.ts': "import { connect } from '@nats-io/transport-node';\nimport '../base/clock.ts';",
				'broker/a.ts': "import '../base/clock.ts';",
				'client/a.ts': "import '../jetstream/a.ts';",
				'node/methods/a.ts': "import '../../client/a.ts';\nimport '../b.ts';",
				'node/b.ts': "import '../supervision/a.ts';",
				'central/a.ts': "import '../client/a.ts';",
				'http/a.ts': "import '../central/a.ts';",
				'cli/main.ts': "import '../http/a.ts';\nimport '../broker/a.ts';\nimport '../index.ts';",
				'index.ts': "export { c } from './client/a.ts';\nexport { n } from './node/b.ts';",
			}),
		).toEqual(clean);
	});

	test('an import that is only spoken of is none', async () => {
		const text = [
			"// import { a } from '../cli/main.ts';",
			"/* import '../cli/main.ts'; */",
			"const url = 'http://host'; // import('../cli/main.ts')",
			"export const from = '../cli/main.ts';",
			"other.import('../cli/main.ts');",
		];
		const spoken = await check({ 'base/a.ts': text.join('\n'), 'cli/main.ts': '' });
		expect(spoken).toEqual(clean);
	});
});

describe('upward and sideways', () => {
	test.each([
		['base', 'domain'],
		['domain', 'jetstream'],
		['domain', 'supervision'],
		['supervision', 'jetstream'],
		['jetstream', 'supervision'],
		['jetstream', 'security'],
		['jetstream', 'client'],
		['broker', 'domain'],
		['broker', 'jetstream'],
		['client', 'node'],
		['client', 'broker'],
		['node', 'central'],
		['central', 'node'],
		['central', 'http'],
		['http', 'cli'],
		['node', 'broker'],
	])('%s may not import %s', async (from, to) => {
		const { code, lines } = await check({
			[`${from}/a.ts`]: `// first\n\nimport { b } from '../${to}/b.ts';`,
			[`${to}/b.ts`]: '',
		});
		expect(code).toBe(1);
		expect(lines).toEqual([
			expect.stringMatching(`^${from}/a\\.ts:3: ${from} may not import ${to} \\(${to}/b\\.ts\\)`),
		]);
	});

	test('nobody imports the public API from within, and it does not name the centre', async () => {
		const { lines } = await check({
			'index.ts': "export { c } from './central/a.ts';",
			'central/a.ts': '',
			'client/a.ts': "import '../index.ts';",
		});
		expect(lines.map((line) => line.split(' (')[0])).toEqual([
			'client/a.ts:1: client may not import index',
			'index.ts:1: index may not import central',
		]);
	});

	test('every form counts, also of types only, over several lines, and in the middle of code', async () => {
		const forms = [
			"import type { B } from '../domain/b.ts';",
			"import { type B } from '../domain/b.ts';",
			'import {\n\ta,\n\tb,\n} from "../domain/b.ts";',
			"import * as b from '../domain/b.ts';",
			"import b, { c as d } from '../domain/b.ts';",
			"import '../domain/b.ts';",
			"export * from '../domain/b.ts';",
			"export { b } from '../domain/b.ts';",
			"export type { B } from '../domain/b.ts';",
			"const b = await import('../domain/b.ts');",
			"type B = import('../domain/b.ts').B;",
			"const b = require('../domain/b.ts');",
			"const s = 'it is // no comment'; import('../domain/b.ts');",
			"import b from '../domain/b.js';",
			"import b from '../domain';",
		];
		const files = forms.map((form, index) => [`base/form${String(index).padStart(2, '0')}.ts`, form]);
		const { lines } = await check({ ...Object.fromEntries(files), 'domain/b.ts': '', 'domain/index.ts': '' });
		expect(lines.map((line) => line.split(':')[0])).toEqual(files.map(([name]) => name));
		expect(lines[2]).toMatch(/^base\/form02\.ts:4: /);
	});

	test('a folder that is no layer is asked about', async () => {
		const { code, lines } = await check({ 'utils/a.ts': "import '../base/b.ts';", 'base/b.ts': '' });
		expect(code).toBe(1);
		expect(lines).toEqual([
			'utils/a.ts:1: utils is no layer; add it to the table in scripts/check-layers.js',
		]);
	});

	test('only jetstream knows the client of the broker', async () => {
		const text = "import { x } from '@nats-io/jetstream';";
		const { lines } = await check({ 'jetstream/a.ts': text, 'client/a.ts': text, 'cli/a.ts': text });
		expect(lines).toEqual([
			'cli/a.ts:1: only jetstream may import @nats-io/jetstream',
			'client/a.ts:1: only jetstream may import @nats-io/jetstream',
		]);
	});
});

describe('in a circle', () => {
	test('of two, of three, and of one, each told once with its way', async () => {
		const { code, lines } = await check({
			'domain/a.ts': "import type { B } from './b.ts';",
			'domain/b.ts': "\nimport { a } from './a.ts';",
			'node/a.ts': "import './b.ts';",
			'node/b.ts': "import './c.ts';",
			'node/c.ts': "import './a.ts';",
			'node/d.ts': "import './a.ts';",
			'base/self.ts': "import './self.ts';",
		});
		expect(code).toBe(1);
		expect(lines).toEqual([
			'base/self.ts:1: is in a circle of imports: base/self.ts → base/self.ts',
			'domain/a.ts:1: is in a circle of imports: domain/a.ts → domain/b.ts → domain/a.ts',
			'node/a.ts:1: is in a circle of imports: node/a.ts → node/b.ts → node/c.ts → node/a.ts',
		]);
	});

	test('two ways to one file are no circle', async () => {
		expect(
			await check({
				'domain/a.ts': "import './b.ts';\nimport './c.ts';",
				'domain/b.ts': "import './d.ts';",
				'domain/c.ts': "import './d.ts';",
				'domain/d.ts': '',
			}),
		).toEqual(clean);
	});
});
