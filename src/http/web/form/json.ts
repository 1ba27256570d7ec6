/**
 * Owns small questions about JSON values.
 * Promises that two values are the same where their JSON means the same.
 * Pure.
 */

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
	return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Whatever the order of an object's names. */
export function isSameJson(a: unknown, b: unknown): boolean {
	if (Array.isArray(a) && Array.isArray(b)) {
		return a.length === b.length && a.every((one, index) => isSameJson(one, b[index]));
	}
	if (!isRecord(a) || !isRecord(b)) return Object.is(a, b) || (a === 0 && b === 0);
	const names = Object.keys(a);
	return (
		names.length === Object.keys(b).length &&
		names.every((name) => Object.hasOwn(b, name) && isSameJson(a[name], b[name]))
	);
}

/** The value, or the reason why the text is none, with the place where it says so. */
export function parseJson(text: string): { readonly value: unknown } | { readonly problem: string } {
	try {
		return { value: JSON.parse(text) };
	} catch (error) {
		return { problem: `this is no JSON: ${error instanceof Error ? error.message : String(error)}` };
	}
}

/** A value as it is typed in a field of one line, whatever it is; '' where there is none. */
export function textOf(value: unknown): string {
	if (value === undefined || value === null) return '';
	// An object may have a `toString` that is no function.
	return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
