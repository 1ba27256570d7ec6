/**
 * Owns the way from the words of a command line to messages in their JSON form.
 * Promises that words, options and a file say the same things, and that what they contradict each other in is told.
 * Pure but for reading the named file.
 */

import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parseDuration } from '../../base/duration.ts';
import { messageOf, StewardError } from '../../base/errors.ts';
import { timeOrNull } from '../../domain/view.ts';
import type { Cli } from '../cli.ts';
import { withoutUnset } from '../settings.ts';

export type SendOptions = {
	readonly event?: boolean;
	readonly id?: string;
	readonly lane?: string;
	readonly at?: string;
	readonly in?: string;
	readonly timeZone?: string;
	readonly deliverWithin?: string;
	readonly runFor?: string;
	readonly attempts?: string;
	readonly backoff?: string;
	readonly onInterrupt?: string;
	readonly patience?: string;
	readonly whenAbsent?: string;
	readonly where?: string;
	readonly data?: string;
	readonly file?: string;
};

/** Messages as they were written: unchecked. `many`: more than one target was named, so the answer is an array. */
export type Forms = { readonly forms: readonly unknown[]; readonly many: boolean };

/** @param words What was not an option: nodes (unless --where), method, data. */
export async function readForms(cli: Cli, words: readonly string[], options: SendOptions): Promise<Forms> {
	if (options.file !== undefined) return formsFromFile(cli, options.file, words, options);
	const [nodes, rest] = options.where === undefined ? [words[0], words.slice(1)] : [undefined, words];
	const [method, ...data] = rest;
	if ((options.where === undefined && nodes === undefined) || method === undefined) {
		throw new StewardError(
			'usage',
			'expected a node and a method: steward send ship1 shellCommand -- uname -a (or --where role=tug, or --file)',
		);
	}
	const names = nodes?.split(',').map((name) => name.trim());
	const target =
		names === undefined
			? { where: parsePairs('--where', options.where ?? '') }
			: names.length === 1
				? { toNode: names[0] }
				: { toNodes: names };
	const { attempts, id, lane, deliverWithin, runFor, backoff, onInterrupt, patience, whenAbsent } = options;
	const form = {
		...target,
		method,
		commandOrEvent: options.event === true ? 'event' : 'command',
		data: dataOf(options.data, data),
		...timeOf(cli, options),
		...withoutUnset({ id, lane, deliverWithin, runFor, onInterrupt, patience, whenAbsent }),
		...(backoff === undefined ? {} : { backoff: backoffOf(backoff) }),
		...(attempts === undefined ? {} : { attempts: numberOr(attempts) }),
	};
	return { forms: [form], many: names === undefined || new Set(names).size > 1 };
}

/**
 * With labels, a node's name would be taken for the method.
 * @param before Words before "--". @param expected What they are. @throws StewardError `usage`
 */
export function checkWhere(
	{ where, file }: Pick<SendOptions, 'where' | 'file'>,
	before: readonly string[],
	expected: readonly string[],
): void {
	if (where === undefined || file !== undefined || before.length <= expected.length) return;
	throw new StewardError(
		'usage',
		`--where says which nodes: before "--" only ${expected.join(' and ')} stand, got ${before.join(' ')} (leave the nodes out, and put data after "--")`,
	);
}

/** A time that somebody wrote means the zone that they named, or else the one that they live in. @throws StewardError `usage` */
function timeOf(cli: Cli, { at, in: wait, timeZone }: SendOptions): Record<string, string> {
	if (at !== undefined && wait !== undefined) {
		throw new StewardError('usage', 'the time came twice: give --at or --in, not both');
	}
	if (at !== undefined) return { notBefore: at, timeZone: timeZone ?? cli.timeZone };
	if (timeZone !== undefined) {
		throw new StewardError('usage', '--time-zone is for --at: add it, or leave --time-zone out');
	}
	if (wait === undefined) return {};
	const ms = parseDuration(wait);
	const time = ms === undefined ? undefined : timeOrNull(cli.clock.now() + ms);
	if (!time)
		throw new StewardError('usage', `--in: expected a duration such as "30m" or "2h", got "${wait}"`);
	return { notBefore: time };
}

/** `a=1,b=2`. @throws StewardError `usage` naming the flag */
export function parsePairs(flag: string, text: string): Record<string, string> {
	return Object.fromEntries(
		text.split(',').map((pair) => {
			const [key = '', ...value] = pair.split('=');
			if (key.trim() === '' || value.length === 0) {
				throw new StewardError('usage', `${flag}: expected key=value[,key=value…], got "${pair}"`);
			}
			return [key.trim(), value.join('=').trim()];
		}),
	);
}

/** `fixed`, or `exponential,initial=1s,cap=5m,jitter=0.5`. @throws StewardError `usage` */
function backoffOf(text: string): unknown {
	const [first = '', ...rest] = text.split(',').map((part) => part.trim());
	if (rest.length === 0 && !first.includes('=')) return first;
	const pairs = first.includes('=') ? [first, ...rest] : [`kind=${first}`, ...rest];
	const { jitter, ...fields } = parsePairs('--backoff', pairs.join(','));
	return { ...fields, ...(jitter === undefined ? {} : { jitter: numberOr(jitter) }) };
}

/** A number where it is one; else the text, for the schema to complain about. */
export function numberOr(text: string): number | string {
	return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
}

function dataOf(json: string | undefined, words: readonly string[]): unknown {
	if (json === undefined) return words.length === 0 ? null : words;
	if (words.length > 0) {
		throw new StewardError('usage', 'data came twice: give --data JSON or words after "--", not both');
	}
	return parseJson('--data', json);
}

const targetedByFile =
	'it says everything by itself (toNode, method, id, …): leave out what is beside --file';

async function formsFromFile(
	cli: Cli,
	file: string,
	words: readonly string[],
	options: SendOptions,
): Promise<Forms> {
	const { event, id, lane, deliverWithin, runFor, attempts, backoff, whenAbsent, where, data } = options;
	const { onInterrupt, patience, at, in: wait, timeZone } = options;
	const beside = {
		event,
		id,
		lane,
		at,
		in: wait,
		timeZone,
		deliverWithin,
		runFor,
		attempts,
		backoff,
		onInterrupt,
		patience,
		whenAbsent,
		where,
		data,
	};
	const extra = [...words, ...Object.keys(withoutUnset(beside)).map((name) => `--${dashed(name)}`)];
	if (extra.length > 0) {
		throw new StewardError('usage', `--file ${file}: ${targetedByFile} (${extra.join(' ')})`);
	}
	const value = parseJson(file === '-' ? 'stdin' : file, await readText(cli, file));
	const forms: readonly unknown[] = Array.isArray(value) ? value : [value];
	return { forms, many: Array.isArray(value) || namesMany(value) };
}

/** Of a named file, or of stdin for `-`. @throws StewardError `usage` */
export async function readText(cli: Cli, file: string): Promise<string> {
	if (file === '-') return cli.readStdin();
	try {
		return await readFile(resolve(cli.cwd, file), 'utf8');
	} catch (error) {
		throw new StewardError('usage', `--file ${file} cannot be read: ${messageOf(error)}`, { cause: error });
	}
}

function namesMany(form: unknown): boolean {
	if (typeof form !== 'object' || form === null) return false;
	if ('where' in form) return true;
	return 'toNodes' in form && Array.isArray(form.toNodes) && new Set(form.toNodes).size > 1;
}

function parseJson(source: string, text: string): unknown {
	try {
		return JSON.parse(text);
	} catch (error) {
		throw new StewardError('invalid', `${source}: this is no JSON: ${messageOf(error)}`, { cause: error });
	}
}

/** `notOlderThan` as an option is written. */
export function dashed(name: string): string {
	return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
