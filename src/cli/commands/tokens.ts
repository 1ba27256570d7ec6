/**
 * Owns the commands about tokens for the dashboard and the API: tokens add, ls, rm.
 * Promises that a token is shown once, on stdout and alone, and that nothing of it is shown afterwards.
 * A change is whole or not at all; a running server heeds it with its next request.
 */

import { parseDuration } from '../../base/duration.ts';
import { StewardError } from '../../base/errors.ts';
import {
	addToken,
	isExpired,
	readTokens,
	removeToken,
	type TokenEntry,
	tokenRoles,
} from '../../security/tokens.ts';
import type { Cli, JsonFlag } from '../cli.ts';
import { exitCodes } from '../exit-codes.ts';
import { table } from '../render/table.ts';
import { ago } from '../render/time.ts';
import { loadSettings, tokensFileOf, withoutUnset } from '../settings.ts';

export type TokensFlags = { readonly config?: string; readonly data?: string };
export type AddTokenFlags = TokensFlags & { readonly role?: string; readonly expires?: string };
export type ListTokensFlags = TokensFlags & JsonFlag;

export async function addTokenFor(cli: Cli, name: string, flags: AddTokenFlags): Promise<number> {
	const role = tokenRoles.find((one) => one === flags.role);
	if (!role) {
		const got = flags.role === undefined ? 'nothing' : `"${flags.role}"`;
		throw new StewardError('usage', `--role: expected ${tokenRoles.join(' or ')}, got ${got}`);
	}
	const path = await pathOf(cli, flags);
	const now = cli.clock.now();
	const expiresAt = flags.expires === undefined ? null : now + lifeOf(flags.expires);
	const isFirst = (await readTokens(path)).length === 0;
	const { token, entry } = await addToken(path, { name, role, expiresAt, now });
	cli.stdout.line(token);
	const until = entry.expiresAt === null ? '' : `, until ${entry.expiresAt}`;
	const { stderr } = cli;
	stderr.line(
		`this is the token of ${name} (${role}${until}); it is not shown again: sign in with it at the dashboard, or`,
	);
	stderr.line('send it with each request of the API as "Authorization: Bearer <token>"');
	if (isFirst) stderr.line('from now on nobody is let in without a token');
	return exitCodes.done;
}

export async function listTokens(cli: Cli, flags: ListTokensFlags): Promise<number> {
	const tokens = await readTokens(await pathOf(cli, flags));
	const now = cli.clock.now();
	if (flags.json) cli.stdout.line(JSON.stringify(tokens.map((entry) => viewOf(entry, now))));
	else if (tokens.length > 0) cli.stdout.line(tokenTable(cli, tokens, now));
	if (tokens.length === 0)
		cli.stderr.line(`no tokens: ${cli.program} tokens add you --role operator makes one`);
	return exitCodes.done;
}

export async function removeTokens(cli: Cli, which: readonly string[], flags: TokensFlags): Promise<number> {
	const path = await pathOf(cli, flags);
	for (const one of which) {
		const { id, name } = await removeToken(path, one);
		cli.stdout.line(`removed  ${cli.stdout.paint('bold', name)}  ${id}`);
	}
	if ((await readTokens(path)).length === 0) {
		const words =
			'no token is left: on loopback, without accounts and http.origins, everybody on this machine is let in again';
		cli.stderr.line(cli.stderr.paint('yellow', words));
	}
	return exitCodes.done;
}

async function pathOf(cli: Cli, { config, data }: TokensFlags): Promise<string> {
	return tokensFileOf(cli, await loadSettings(cli, config, withoutUnset({ data })));
}

/** @throws StewardError `usage` */
function lifeOf(text: string): number {
	const ms = parseDuration(text);
	if (ms !== undefined && ms > 0) return ms;
	throw new StewardError('usage', `--expires: expected a duration such as "90d" or "12h", got "${text}"`);
}

/** Without its digest: nobody needs that who may not read the file. */
function viewOf(entry: TokenEntry, now: number) {
	const { id, name, role, createdAt, expiresAt } = entry;
	return { id, name, role, createdAt, expiresAt, expired: isExpired(entry, now) };
}

function tokenTable(cli: Cli, tokens: readonly TokenEntry[], now: number): string {
	return table(
		tokens,
		[
			{ title: 'NAME', cell: ({ name }) => name, style: () => 'bold' },
			{ title: 'ROLE', cell: ({ role }) => role },
			{ title: 'ID', cell: ({ id }) => id },
			{ title: 'MADE', cell: ({ createdAt }) => ago(createdAt, now) },
			{
				title: 'EXPIRES',
				cell: (entry) => (entry.expiresAt === null ? 'never' : expiryText(entry, entry.expiresAt, now)),
				style: (entry) => (isExpired(entry, now) ? 'red' : undefined),
			},
		],
		cli.stdout,
	);
}

function expiryText(entry: TokenEntry, expiresAt: string, now: number): string {
	return isExpired(entry, now) ? `expired ${ago(expiresAt, now)}` : ago(expiresAt, now);
}
