/**
 * Owns what is done to text that others made: shortening it, and taking from it what would steer whoever shows it.
 * Promises that what was cut says so, with how much there was, also when it is cut again, and that nothing which is made visible
 * means another thing afterwards: JSON stays the same JSON.
 * Pure.
 */

const cutMark = /… \(cut: (\d+) characters\)$/;
const longestMark = 40;

/** Bytes as text; throws TypeError where they are no UTF-8. */
export const strictUtf8 = new TextDecoder('utf-8', { fatal: true });

/** The text, or its first `longest` characters with how many there were. */
export function cutText(text: string, longest: number): string {
	if (text.length <= longest) return text;
	const earlier = cutMark.exec(text.slice(-longestMark));
	// Within the bound and its mark: it was cut to this before.
	if (earlier && text.length - earlier[0].length <= longest) return text;
	return `${text.slice(0, longest)}… (cut: ${earlier?.[1] ?? text.length} characters)`;
}

/**
 * What steers a terminal, ends a line for some readers, or hides: controls (C0 but newline and tab, DEL, C1), marks that turn the
 * direction of writing, the separators U+2028 and U+2029, and characters without any width that no script needs.
 */
const steering =
	/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|\u{e0001}|[\u{e0020}-\u{e007f}]/gu;

/** Text from elsewhere, with what steers shown as JSON would write it. */
export function neutralise(text: string): string {
	return text.replaceAll('\r\n', '\n').replace(steering, escaped);
}

/** As {@link neutralise}, on one line. */
export function oneLine(text: string): string {
	return logLine(text).replaceAll('\t', '\\t');
}

/** As {@link oneLine}, with its tabs. */
export function logLine(text: string): string {
	return text.replaceAll('\n', '\\n').replace(steering, escaped);
}

function escaped(character: string): string {
	if (character === '\r') return '\\r';
	const units = Array.from({ length: character.length }, (_, index) => character.charCodeAt(index));
	return units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join('');
}

/** `1 command`, `2,000 commands`. */
export function counted(number: number, thing: string, things = `${thing}s`): string {
	return `${number.toLocaleString('en-US')} ${number === 1 ? thing : things}`;
}

/** The first of many, and how many more there are: what is said of a whole fleet stays a sentence. */
export function firstFew(words: readonly string[], separator = ', ', most = 10): string {
	const more = words.length - most;
	const few = more > 0 ? [...words.slice(0, most), `and ${more.toLocaleString('en-US')} more`] : words;
	return few.join(separator);
}
