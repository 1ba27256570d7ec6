/**
 * Owns lists of words as one line: how a shell would split it, and how they are quoted so that it splits into them again.
 * Promises that nothing is expanded or run: what only a shell would do is told, so that nobody is surprised.
 * Pure.
 */

export type Split = {
	readonly words: readonly string[];
	/** A quote has no end. */
	readonly unfinished: boolean;
	/** What a shell would have done something with, and what it would have done it with, in the order found. */
	readonly shellOnly: readonly string[];
};

/** What a shell acts on where no quote protects it. */
const special = /^(?:&&|\|\||>>|<<|[|&;<>()$`*?~])/;

/** As a POSIX shell splits: blanks, both quotes, backslashes. Nothing else has a meaning. */
export function splitWords(line: string): Split {
	const words: string[] = [];
	const shellOnly = new Set<string>();
	let word: string | undefined;
	let quote: '' | "'" | '"' = '';
	for (let at = 0; at < line.length; at++) {
		const letter = line[at] ?? '';
		if (quote === "'") {
			if (letter === "'") quote = '';
			else word += letter;
		} else if (letter === '\\' && at + 1 < line.length) {
			const next = line[at + 1] ?? '';
			at += 1;
			if (quote === '"' && !'"\\$`\n'.includes(next)) word = `${word}\\${next}`;
			else if (next !== '\n') word = (word ?? '') + next;
		} else if (quote === '"') {
			if (letter === '"') quote = '';
			else {
				if (letter === '$' || letter === '`') shellOnly.add(letter);
				word += letter;
			}
		} else if (letter === "'" || letter === '"') {
			quote = letter;
			word ??= '';
		} else if (/[ \t\n]/.test(letter)) {
			if (word !== undefined) words.push(word);
			word = undefined;
		} else {
			const found = special.exec(line.slice(at, at + 2))?.[0];
			if (found && (found !== '~' || word === undefined)) shellOnly.add(found);
			word = (word ?? '') + (found ?? letter);
			at += (found?.length ?? 1) - 1;
		}
	}
	if (word !== undefined) words.push(word);
	return { words, unfinished: quote !== '', shellOnly: [...shellOnly] };
}

/** Words as one line, which {@link splitWords} and any POSIX shell split into them again. */
export function joinWords(words: readonly string[]): string {
	return words.map(quoteWord).join(' ');
}

function quoteWord(word: string): string {
	if (/^[A-Za-z0-9_@%+=:,./-]+$/.test(word)) return word;
	return `'${word.replaceAll("'", "'\\''")}'`;
}
