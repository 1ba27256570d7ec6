/**
 * Owns how the scripts read their options: one table for each, on node:util's parseArgs.
 * Promises that `--help` prints the usage, that a word which is not known, or a value of another kind, ends the script with exit code 2,
 * what is wrong and the usage, before anything began; and that numbers come as numbers.
 * Reads the command line only.
 */

import { parseArgs } from 'node:util';

/**
 * The values by their names, and `words`, what is no option.
 *
 * @param {string} usage
 * @param {Readonly<Record<string, Option>>} options
 * @param {{ hasWords?: boolean }} also Whether words may follow that are no options.
 *
 * @typedef {{ type: 'boolean' }
 *   | { type: 'string', default?: string, oneOf?: readonly string[] }
 *   | { type: 'whole', default: number | string, least?: number, or?: string }
 *   | { type: 'number', default: number | string, above?: number, or?: string }} Option
 *   `or` is the one word that may stand in the place of the number.
 */
export function optionsOf(usage, options, { hasWords = false } = {}) {
	try {
		const { help, ...read } = readOptions(process.argv.slice(2), options, { hasWords });
		if (!help) return read;
		console.log(usage);
		process.exit(0);
	} catch (error) {
		console.error(`${error.message}\n${usage}`);
		process.exit(2);
	}
}

/** Throws what is wrong with `args`. With `help` nothing else is looked at. */
export function readOptions(args, options, { hasWords = false } = {}) {
	const { values, positionals } = parseArgs({
		...{ args, allowPositionals: hasWords },
		options: { ...Object.fromEntries(Object.entries(options).map(asText)), help: { type: 'boolean' } },
	});
	if (values.help) return { help: true };
	const read = Object.entries(options).map(([name, option]) => [name, readValue(name, option, values[name])]);
	return { ...Object.fromEntries(read), words: positionals };
}

function asText([name, { type }]) {
	return [name, { type: type === 'boolean' ? 'boolean' : 'string' }];
}

function readValue(name, option, text) {
	if (option.type === 'boolean') return text ?? false;
	if (text === undefined || text === option.or) return text ?? option.default;
	const { expected, value } = option.type === 'string' ? oneOf(option, text) : numberOf(option, text);
	if (value !== undefined) return value;
	const otherwise = option.or === undefined ? '' : ` or ${option.or}`;
	throw new Error(`--${name}: expected ${expected}${otherwise}, got "${text}"`);
}

function oneOf({ oneOf: known }, text) {
	const isKnown = known === undefined || known.includes(text);
	return { expected: known?.join(', '), value: isKnown ? text : undefined };
}

function numberOf({ type, least = -Infinity, above = -Infinity }, text) {
	const value = text.trim() === '' ? Number.NaN : Number(text);
	const isOne = type === 'whole' ? Number.isSafeInteger(value) : Number.isFinite(value);
	const isRight = isOne && value >= least && value > above;
	const kind = type === 'whole' ? 'a whole number' : 'a number';
	const bounds = [least > -Infinity && ` of at least ${least}`, above > -Infinity && ` above ${above}`];
	return { expected: kind + bounds.filter(Boolean).join(''), value: isRight ? value : undefined };
}
