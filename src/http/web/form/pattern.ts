/**
 * Owns trying a pattern that a node published on what somebody typed.
 * Promises an answer at once: a pattern that could keep the page busy (a hostile node's, or a careless one's) is not tried at all.
 * Pure.
 */

/** A text that is longer is not tried: time grows with a power of it. */
const longestText = 200;
const mostRepetitions = 4;
const mostChoices = 8;

/** A pattern that this browser cannot read, or had better not, refuses nothing: the node has the last word. */
export function matches(pattern: string | undefined, text: string): boolean {
	if (pattern === undefined || text.length > longestText || !isQuick(pattern)) return true;
	try {
		return new RegExp(pattern, 'u').test(text);
	} catch {
		return true;
	}
}

/** Nothing repeats what has parts of its own, nothing refers back, and there are few ways to divide a text. */
function isQuick(pattern: string): boolean {
	if (/\\[1-9k]/.test(pattern)) return false;
	const bare = pattern
		.replace(/\\./gsu, 'a')
		.replace(/\[[^\]]*\]/g, 'a')
		.replace(/\(\?(?:[:=!]|<[=!]|<\w+>)/g, '(');
	if (/\)[*+{]/.test(bare)) return false;
	return countOf(/[*+{?]/g, bare) <= mostRepetitions && countOf(/\|/g, bare) <= mostChoices;
}

function countOf(what: RegExp, text: string): number {
	return text.match(what)?.length ?? 0;
}
