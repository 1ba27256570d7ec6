/**
 * Owns reading a YAML or JSON file that the user names; "-" is standard input.
 * Promises that what is wrong with it is told with its name, line and column.
 * Reads only.
 */

import { StewardError } from '../../base/errors.ts';
import type { Cli } from '../cli.ts';
import { parseYaml } from '../yaml.ts';
import { readText } from './send-form.ts';

/** @throws StewardError `usage`, `invalid` */
export async function readYamlFile(cli: Cli, file: string): Promise<unknown> {
	const parsed = await parseYaml(await readText(cli, file));
	if ('value' in parsed) return parsed.value;
	throw new StewardError(
		'invalid',
		`${file}: this is neither JSON nor YAML:\n${parsed.problems.map((line) => `  ${line}`).join('\n')}`,
		{ cause: parsed.cause, details: { problems: parsed.problems } },
	);
}
