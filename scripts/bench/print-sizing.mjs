/**
 * Owns `npm run sizing`: reads reports of `npm run bench -- --json`, and prints how large a fleet can be by them.
 * Promises that each work is of the first report that has it, and that what is missing is named. Writes what it is told to.
 *
 *     npm run sizing -- [--assume perDay=10,…] [--keep FILE] [--markdown FILE] REPORT.json…
 */

import { readFile, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { aboutOf, kept, modelFrom } from './measured.mjs';
import { assumed, sizingOf } from './sizing.mjs';

const usage = `npm run sizing -- [--assume perDay=10,…] [--keep FILE] [--markdown FILE] REPORT.json…
  REPORT.json        of npm run bench -- --json; each work is of the first that has it
  --assume ${Object.entries(assumed)
		.map(([name, value]) => `${name}=${value}`)
		.join(',')}
                     what it is reckoned for; any of these
  --keep FILE        writes down what the model needs of them, as one report
  --markdown FILE    what is printed`;

const json = async (path) => JSON.parse(await readFile(path, 'utf8'));

function readAssumed(text) {
	const pairs = (text?.split(',') ?? []).map((pair) => {
		const [name, value] = pair.split('=');
		if (!Object.hasOwn(assumed, name) || !(Number(value) > 0))
			throw new TypeError(
				`--assume: expected one of ${Object.keys(assumed).join(', ')} and a number, got ${pair}`,
			);
		return [name, Number(value)];
	});
	return Object.fromEntries(pairs);
}

async function main() {
	const options = { assume: { type: 'string' }, keep: { type: 'string' }, markdown: { type: 'string' } };
	const { values, positionals } = parseArgs({ options, allowPositionals: true });
	if (positionals.length === 0) throw new TypeError('which reports?');
	const measured = kept(await Promise.all(positionals.map(json)));
	const events = await json(new URL('../../streams/events.json', import.meta.url));
	if (values.keep) await writeFile(values.keep, `${JSON.stringify(measured, null, '\t')}\n`);
	const made = values.keep === undefined ? positionals : [values.keep];
	if (values.assume) made.unshift(`--assume ${values.assume}`);
	const about = { command: `npm run sizing -- ${made.join(' ')}`, measured: aboutOf(measured) };
	const own = { ...assumed, ...readAssumed(values.assume) };
	const markdown = sizingOf(modelFrom(measured), events.max_consumers, about, own);
	if (values.markdown) await writeFile(values.markdown, markdown);
	console.log(markdown);
}

try {
	await main();
} catch (error) {
	console.error(error instanceof TypeError ? `${error.message}\n${usage}` : error);
	process.exitCode = error instanceof TypeError ? 2 : 1;
}
