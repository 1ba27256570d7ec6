import { execFile } from 'node:child_process';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';

const pathOf = (name: string) => fileURLToPath(new URL(`../../scripts/${name}.mjs`, import.meta.url));

function run(args: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> {
	return new Promise((resolve) => {
		execFile(process.execPath, args, (error, stdout, stderr) =>
			resolve({ code: Number(error?.code ?? 0), stdout, stderr }),
		);
	});
}

const usual = { runs: 5, seed: 'random', minutes: 0.5, part: 'all', json: false, words: [] };
/** What is said becomes of words, with an option of each kind. */
const cases: readonly (readonly [words: readonly string[], read: object | string])[] = [
	[[], usual],
	[['--runs', '7', '--json'], { ...usual, runs: 7, json: true }],
	[['--seed=-12'], { ...usual, seed: -12 }],
	[['--seed', 'random'], usual],
	[['--minutes', '0.25'], { ...usual, minutes: 0.25 }],
	[['--part', 'page', '--path', '0:1'], { ...usual, part: 'page', path: '0:1' }],
	[['some.test.ts', '--runs', '1'], { ...usual, runs: 1, words: ['some.test.ts'] }],
	[['--runs', 'many', '--help'], { help: true }],
	[['--runs', '0'], '--runs: expected a whole number of at least 1, got "0"'],
	[['--runs', '1.5'], '--runs: expected a whole number of at least 1, got "1.5"'],
	[['--runs', ''], '--runs: expected a whole number of at least 1, got ""'],
	[['--runs', 'Infinity'], '--runs: expected a whole number of at least 1, got "Infinity"'],
	[['--runs', 'random'], '--runs: expected a whole number of at least 1, got "random"'],
	[['--seed', '7x'], '--seed: expected a whole number or random, got "7x"'],
	[['--minutes', '0'], '--minutes: expected a number above 0, got "0"'],
	[['--part', 'pages'], '--part: expected all, page, got "pages"'],
	[['--runs'], "Option '--runs <value>' argument missing"],
];

test('options come as what they are, and what is wrong with one is said with its name', async () => {
	const reader = `
		import { readOptions } from ${JSON.stringify(pathToFileURL(pathOf('options')).href)};
		const options = {
			runs: { type: 'whole', default: 5, least: 1 },
			seed: { type: 'whole', default: 'random', or: 'random' },
			minutes: { type: 'number', default: 0.5, above: 0 },
			part: { type: 'string', default: 'all', oneOf: ['all', 'page'] },
			path: { type: 'string' },
			json: { type: 'boolean' },
		};
		const read = (words) => {
			try {
				return readOptions(words, options, { hasWords: true });
			} catch (error) {
				return error.message;
			}
		};
		console.log(JSON.stringify(JSON.parse(process.argv[1]).map(read)));
	`;
	const words = JSON.stringify(cases.map(([first]) => first));
	const { stdout, stderr } = await run(['--input-type=module', '--eval', reader, '--', words]);
	expect(stderr).toBe('');
	expect(JSON.parse(stdout)).toEqual(cases.map(([, read]) => read));
});

test.concurrent.each(['chaos', 'fuzz', 'bench-schedules', 'bench-signing', 'bench-window'])(
	'scripts/%s.mjs begins nothing with an option that it does not know',
	async (name) => {
		const { code, stdout, stderr } = await run([pathOf(name), '--nope']);
		expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
		expect(stderr).toMatch(/^Unknown option '--nope'.*\nnpm run \w+(:\w+)? -- \[options\]/);
	},
);

test('a script that is asked for help says its options, and only these', async () => {
	const { code, stdout, stderr } = await run([pathOf('fuzz'), '--help']);
	expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
	expect(stdout).toMatch(/^npm run fuzz -- \[options\]/);
});
