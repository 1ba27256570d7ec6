/**
 * Owns patterns over whole strings: `*` is any characters, also none; a backslash takes the next character as it is.
 * Promises a time that no text and no pattern can blow up: what stands between stars is looked for once, from left to right.
 * Pure.
 */

/** Longest pattern, characters. */
const longestPattern = 256;

export type Glob = (text: string) => boolean;

/** What is wrong with a pattern; undefined where it can be used. */
export function globProblem(pattern: string): string | undefined {
	if (pattern === '') return 'expected a pattern, got nothing';
	if (pattern.length > longestPattern) return `expected ${longestPattern} characters at the most`;
	return /(^|[^\\])(\\\\)*\\$/.test(pattern) ? 'a backslash at the end takes nothing as it is' : undefined;
}

export function globOf(pattern: string): Glob {
	const pieces = piecesOf(pattern);
	const [first = ''] = pieces;
	if (pieces.length === 1) return (text) => text === first;
	const last = pieces.at(-1) ?? '';
	const between = pieces.slice(1, -1);
	return (text) => {
		if (!text.startsWith(first)) return false;
		const end = text.length - last.length;
		let at = first.length;
		for (const piece of between) {
			const found = text.indexOf(piece, at);
			if (found < 0) return false;
			at = found + piece.length;
		}
		return at <= end && text.endsWith(last);
	};
}

/** What stands between the stars. */
function piecesOf(pattern: string): string[] {
	const pieces = [''];
	for (let at = 0; at < pattern.length; at++) {
		const letter = pattern[at] ?? '';
		if (letter === '*') pieces.push('');
		else pieces[pieces.length - 1] += letter === '\\' ? (pattern[++at] ?? '') : letter;
	}
	return pieces;
}

/** One pattern or several: whichever fits. */
export function anyGlobOf(patterns: string | readonly string[]): Glob {
	const globs = [patterns].flat().map(globOf);
	return (text) => globs.some((glob) => glob(text));
}
