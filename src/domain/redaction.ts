/**
 * Owns the patterns of secrets (`node.redact`): which are valid, and how they are compiled.
 * Promises that a pattern is matched against bytes, so that output which is no text passes unharmed: its characters
 * beyond ASCII stand for their UTF-8 bytes.
 * Pure.
 */

import { messageOf } from '../base/errors.ts';

/** What stands where a secret was. */
export const redactedMark = '[redacted]';

/** Why a pattern cannot be used; undefined where it can. */
export function redactionProblem(pattern: string): string | undefined {
	try {
		if (!compilePattern(pattern).test('')) return undefined;
	} catch (error) {
		return `expected a regular expression (${messageOf(error)})`;
	}
	return 'expected a regular expression that does not match the empty text: it would match everywhere';
}

/** For text whose characters are bytes (latin1). `^` and `$` are the ends of a line. @throws SyntaxError */
export function compilePattern(pattern: string): RegExp {
	return new RegExp(Buffer.from(pattern, 'utf8').toString('latin1'), 'gm');
}
