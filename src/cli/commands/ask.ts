/**
 * Owns the commands that ask about commands: show, wait, list, queue.
 * Promises one object for one handle and arrays for more under --json, and arrays for every list.
 * Reads only.
 */

import { StewardError } from '../../base/errors.ts';
import { parseSince, sinceRule } from '../../base/since.ts';
import type { ListOptions } from '../../client/lists.ts';
import {
	isNodeName,
	nodeNameRule,
	parseHandle,
	scheduleNamePattern,
	scheduleNameRule,
} from '../../domain/names.ts';
import { longestSearch } from '../../domain/questions.ts';
import { type CommandState, commandStates, isCommandState } from '../../domain/state.ts';
import type { CommandView } from '../../domain/view.ts';
import type { BrokerFlags, Cli, JsonFlag } from '../cli.ts';
import { brokerSettings, withFleet } from '../connect.ts';
import { exitCodes } from '../exit-codes.ts';
import { commandTable, endedLine, printCommand, printHistory, printWhy } from '../render/command.ts';
import { followToEnd, parseTimeout } from './follow.ts';

export type AskFlags = BrokerFlags & JsonFlag;

export async function show(
	cli: Cli,
	handles: readonly string[],
	flags: AskFlags & { readonly history?: boolean; readonly raw?: boolean },
): Promise<number> {
	for (const handle of handles) parseHandle(handle);
	const config = await brokerSettings(cli, flags);
	const found = await withFleet(cli, config, (fleet) =>
		Promise.all(handles.map((handle) => fleet.get(handle))),
	);
	const views = found.filter((view) => view !== undefined);
	if (flags.json) printJson(cli, views, handles.length > 1);
	else {
		for (const [index, view] of views.entries()) {
			if (index > 0) cli.stdout.line();
			printCommand(cli.stdout, view, cli.clock.now(), flags.raw);
			if (flags.history) printHistory(cli.stdout, view, cli.clock.now());
		}
	}
	const missing = handles.filter((_, index) => found[index] === undefined);
	if (missing.length === 0) return exitCodes.done;
	throw new StewardError(
		'not-found',
		`${missing.join(', ')}: not known: never queued, or settled more than 30 days ago (steward list shows what is)`,
		{ details: { handles: missing } },
	);
}

export async function why(cli: Cli, handles: readonly string[], flags: AskFlags): Promise<number> {
	for (const handle of handles) parseHandle(handle);
	const config = await brokerSettings(cli, flags);
	const answers = await withFleet(cli, config, (fleet) =>
		Promise.all(handles.map((handle) => fleet.why(handle))),
	);
	if (flags.json) cli.stdout.line(JSON.stringify(handles.length > 1 ? answers : answers[0]));
	else for (const answer of answers) printWhy(cli.stdout, answer);
	return exitCodes.done;
}

export async function wait(
	cli: Cli,
	handles: readonly string[],
	flags: AskFlags & { readonly timeout?: string },
): Promise<number> {
	const timeoutMs = parseTimeout(flags.timeout);
	const asked = [...new Set(handles)].map((handle) => {
		parseHandle(handle);
		return { handle };
	});
	const config = await brokerSettings(cli, flags);
	const { views, pending } = await withFleet(cli, config, (fleet) =>
		followToEnd(cli, fleet, asked, { quiet: flags.json === true, timeoutMs }),
	);
	if (flags.json) printJson(cli, views, asked.length > 1);
	else {
		for (const view of views) {
			if (!pending.includes(view.handle)) cli.stdout.line(endedLine(view, cli.stdout));
		}
	}
	if (pending.length > 0) {
		throw new StewardError(
			'waited-too-long',
			`not settled in time: ${pending.join(', ')}; nothing was cancelled, and steward show tells where they are`,
			{ details: { pending } },
		);
	}
	return views.every(({ state }) => state === 'succeeded') ? exitCodes.done : exitCodes.notSucceeded;
}

export type ListFlags = AskFlags & {
	readonly node?: string;
	readonly method?: string;
	readonly state?: string;
	readonly since?: string;
	readonly limit?: string;
};

/** What the filters say. @throws StewardError `usage` */
export function listOptions(cli: Cli, flags: ListFlags): Omit<ListOptions, 'limit'> {
	return {
		...(flags.node === undefined ? {} : { node: nodeName(flags.node) }),
		...(flags.method === undefined ? {} : { method: flags.method }),
		...(flags.state === undefined ? {} : { states: parseStates(flags.state) }),
		...(flags.since === undefined ? {} : { since: sinceOf(flags.since, cli.clock.now()) }),
	};
}

/** What only a list is narrowed by. */
export type SearchFlags = { readonly schedule?: string; readonly search?: string };

export async function list(cli: Cli, flags: ListFlags & SearchFlags): Promise<number> {
	const options = {
		...listOptions(cli, flags),
		...(flags.schedule === undefined ? {} : { schedule: scheduleNameOf(flags.schedule) }),
		...(flags.search === undefined ? {} : { search: searchOf(flags.search) }),
		...(flags.limit === undefined ? {} : { limit: parseLimit(flags.limit) }),
	};
	const config = await brokerSettings(cli, flags);
	const views = await withFleet(cli, config, (fleet) => fleet.list(options));
	const narrowed = Object.keys(options).some((name) => name !== 'limit');
	return printList(
		cli,
		views,
		flags,
		narrowed
			? 'no command matches: leave a filter out to see more'
			: 'no commands yet: steward send central shellCommand --wait -- echo hello',
	);
}

export async function queue(cli: Cli, node: string, flags: AskFlags): Promise<number> {
	const name = nodeName(node);
	const config = await brokerSettings(cli, flags);
	const [views, scheduled] = await withFleet(cli, config, (fleet) =>
		Promise.all([
			fleet.queue(name),
			flags.json ? [] : fleet.list({ node: name, states: ['scheduled'], limit: 1 }),
		]),
	);
	const code = printList(
		cli,
		views,
		flags,
		`nothing waits for ${name} or runs there: steward list --node ${name} shows what has ended`,
	);
	if (scheduled.length > 0) {
		cli.stderr.line(
			`what waits for its time is on no lane yet: steward list --node ${name} --state scheduled`,
		);
	}
	return code;
}

function printList(cli: Cli, views: readonly CommandView[], flags: JsonFlag, empty: string): number {
	if (flags.json) printJson(cli, views, true);
	else if (views.length > 0) cli.stdout.line(commandTable(views, cli.stdout, cli.clock.now()));
	if (views.length === 0) cli.stderr.line(empty);
	return exitCodes.done;
}

function printJson(cli: Cli, views: readonly CommandView[], many: boolean): void {
	if (many) cli.stdout.line(JSON.stringify(views));
	else if (views[0] !== undefined) cli.stdout.line(JSON.stringify(views[0]));
}

/** @throws StewardError `usage` */
export function nodeName(text: string): string {
	if (isNodeName(text)) return text;
	throw new StewardError('usage', `"${text}" is no node's name: expected ${nodeNameRule}`);
}

/** One of several words. @throws StewardError `usage` naming the flag */
export function oneOf<Word extends string>(flag: string, text: string, words: readonly Word[]): Word {
	const word = words.find((one) => one === text);
	if (word !== undefined) return word;
	throw new StewardError('usage', `${flag}: expected one of ${words.join(', ')}, got "${text}"`);
}

/** @throws StewardError `usage` */
function scheduleNameOf(text: string): string {
	if (scheduleNamePattern.test(text)) return text;
	throw new StewardError('usage', `--schedule: expected ${scheduleNameRule}, got "${text}"`);
}

/** @throws StewardError `usage` */
function searchOf(text: string): string {
	if (text.length >= 1 && text.length <= longestSearch) return text;
	throw new StewardError('usage', `--search: expected 1 to ${longestSearch} characters, got ${text.length}`);
}

function parseStates(text: string): CommandState[] {
	return text.split(',').map((word) => {
		const state = word.trim();
		if (isCommandState(state)) return state;
		throw new StewardError('usage', `--state: expected some of ${commandStates.join(',')}; got "${state}"`);
	});
}

/** @throws StewardError `usage` */
export function sinceOf(text: string, nowMs: number): Date {
	const since = parseSince(text, nowMs);
	if (since !== undefined) return new Date(since);
	throw new StewardError('usage', `--since: ${sinceRule}, got "${text}"`);
}

/** @throws StewardError `usage` */
export function parseLimit(text: string, flag = '--limit'): number {
	const limit = Number(text);
	if (Number.isInteger(limit) && limit >= 1 && limit <= 100_000) return limit;
	throw new StewardError('usage', `${flag}: expected a number from 1 to 100000, got "${text}"`);
}
