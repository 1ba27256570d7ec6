/**
 * Owns reading YAML, and JSON with it: JSON is YAML as well.
 * Promises line and column of every problem, and that whoever reads none loads no parser.
 * Pure.
 */

import { messageOf } from '../base/errors.ts';

type Parsed = { readonly value: unknown } | { readonly problems: readonly string[]; readonly cause: unknown };

export async function parseYaml(text: string): Promise<Parsed> {
	const { parseDocument } = await import('yaml');
	try {
		const document = parseDocument(text);
		const problems = document.errors.map(({ message }) => message.split('\n')[0] ?? '');
		return problems.length > 0 ? { problems, cause: document.errors[0] } : { value: document.toJS() };
	} catch (error) {
		// Aliases of aliases, or nested without end.
		return { problems: [messageOf(error)], cause: error };
	}
}
