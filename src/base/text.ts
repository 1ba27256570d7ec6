/**
 * Owns shortening a text that others made to what is kept of it.
 * Promises that what was cut says so, with how much there was, also when it is cut again.
 * Pure.
 */

const cutMark = /… \(cut: (\d+) characters\)$/;
const longestMark = 40;

/** The text, or its first `longest` characters with how many there were. */
export function cutText(text: string, longest: number): string {
	if (text.length <= longest) return text;
	const earlier = cutMark.exec(text.slice(-longestMark));
	// Within the bound and its mark: it was cut to this before.
	if (earlier && text.length - earlier[0].length <= longest) return text;
	return `${text.slice(0, longest)}… (cut: ${earlier?.[1] ?? text.length} characters)`;
}
