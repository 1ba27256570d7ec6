/**
 * Owns the names under which a form says how a command is to be treated.
 * Promises the same ones to whoever checks a form and to the page that has a field for each; without the schema, which is not the page's.
 * Only data.
 */

/** An event has none of them. */
export const commandPolicyFields = [
	'lane',
	'runFor',
	'attempts',
	'backoff',
	'onInterrupt',
	'patience',
	'whenAbsent',
] as const;
