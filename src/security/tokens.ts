/**
 * Owns the file of bearer tokens: who may look through the operator's window, as what, until when.
 * Promises that the file holds no token, only digests; that it is readable by its owner alone; and that a change is whole or not at all.
 * A crash while one is added leaves it in the file, where nobody knows its secret: remove it.
 */

import { createHash, randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { rfc3339 } from '../base/clock.ts';
import { isStewardError, StewardError } from '../base/errors.ts';
import { lockFolder } from '../base/folder-lock.ts';
import { readSecretFile, writeSecretFile } from '../base/secret-files.ts';

/** `viewer` reads, `operator` does everything. */
export const tokenRoles = ['operator', 'viewer'] as const;
export type TokenRole = (typeof tokenRoles)[number];

/** A name is told to whoever wonders later who did something. */
const tokenNamePattern = /^[A-Za-z0-9][A-Za-z0-9._@-]{0,62}$/;
const tokenNameRule = '1 to 63 letters, digits, ".", "_", "@" or "-", beginning with a letter or digit';

const moment = z.iso.datetime({ precision: 3 });
const entrySchema = z.object({
	id: z.string().regex(/^[a-z0-9]{8}$/),
	name: z.string().regex(tokenNamePattern),
	role: z.enum(tokenRoles),
	/** Of the whole token, hexadecimal. */
	sha256: z.string().regex(/^[0-9a-f]{64}$/),
	createdAt: moment,
	expiresAt: moment.nullable(),
});
const fileSchema = z.object({ v: z.literal(1), tokens: z.array(entrySchema) });
export type TokenEntry = Readonly<z.infer<typeof entrySchema>>;

export type NewToken = {
	readonly name: string;
	readonly role: TokenRole;
	/** Milliseconds since the epoch. */
	readonly expiresAt: number | null;
	readonly now: number;
};

const idLetters = 'abcdefghijklmnopqrstuvwxyz0123456789';
const idLength = 8;
const secretBytes = 32;
const tokenPattern = /^stw_([a-z0-9]{8})_[A-Za-z0-9_-]{43}$/;

/** None where there is no file. @throws StewardError `invalid` where others may read it, or it is damaged */
export async function readTokens(path: string): Promise<readonly TokenEntry[]> {
	let text: string;
	try {
		text = await readSecretFile(path);
	} catch (error) {
		if (isStewardError(error, 'not-found')) return [];
		throw error;
	}
	const read = fileSchema.safeParse(jsonOf(text));
	if (read.success) return read.data.tokens;
	throw new StewardError(
		'invalid',
		`${path} is no file of tokens as steward writes it: put back a copy, or remove it and make new ones (steward tokens add)`,
		{ details: { path } },
	);
}

/**
 * Adds one; the token is told here and never again.
 * @throws StewardError `invalid`, `refused` where the name is taken, `already-running` while another changes the file, `storage`
 */
export async function addToken(
	path: string,
	{ name, role, expiresAt, now }: NewToken,
): Promise<{ readonly token: string; readonly entry: TokenEntry }> {
	if (!tokenNamePattern.test(name))
		throw new StewardError('invalid', `name: expected ${tokenNameRule}, got "${name.slice(0, 80)}"`);
	return changing(path, async (tokens) => {
		if (tokens.some((one) => one.name === name)) {
			throw new StewardError(
				'refused',
				`there is a token named ${name} already: steward tokens rm ${name} takes it back`,
				{ details: { name } },
			);
		}
		const id = newId(tokens);
		const token = `stw_${id}_${randomBytes(secretBytes).toString('base64url')}`;
		const entry: TokenEntry = {
			...{ id, name, role, sha256: digestOf(token).toString('hex'), createdAt: rfc3339(now) },
			expiresAt: expiresAt === null ? null : rfc3339(expiresAt),
		};
		return { tokens: [...tokens, entry], answer: { token, entry } };
	});
}

/** By id or name. @throws StewardError `not-found`, as {@link addToken} */
export async function removeToken(path: string, which: string): Promise<TokenEntry> {
	return changing(path, async (tokens) => {
		const found = tokens.find(({ id, name }) => id === which || name === which);
		if (found) return { tokens: tokens.filter((one) => one !== found), answer: found };
		throw new StewardError(
			'not-found',
			`there is no token ${which}: steward tokens ls shows those that are`,
			{
				details: { token: which },
			},
		);
	});
}

export function isExpired({ expiresAt }: TokenEntry, now: number): boolean {
	return expiresAt !== null && Date.parse(expiresAt) <= now;
}

/** What a token is compared by. */
export function digestOf(token: string): Buffer {
	return createHash('sha256').update(token).digest();
}

/** Undefined where the text is no token at all. */
export function idOf(token: string): string | undefined {
	return tokenPattern.exec(token)?.[1];
}

async function changing<Answer>(
	path: string,
	change: (
		tokens: readonly TokenEntry[],
	) => Promise<{ readonly tokens: readonly TokenEntry[]; readonly answer: Answer }>,
): Promise<Answer> {
	const folder = `${path}.lock`;
	await mkdir(dirname(path), { recursive: true, mode: 0o700 });
	await mkdir(folder, { recursive: true, mode: 0o700 });
	const lock = await lockFolder(folder);
	try {
		const { tokens, answer } = await change(await readTokens(path));
		await writeSecretFile(path, `${JSON.stringify({ v: 1, tokens }, null, '\t')}\n`);
		return answer;
	} finally {
		await lock.release();
	}
}

function newId(tokens: readonly TokenEntry[]): string {
	for (;;) {
		// 256 is no multiple of 36: what little the first letters come oftener is nothing to an id, which is no secret.
		const letters = [...randomBytes(idLength)].map((byte) => idLetters[byte % idLetters.length]);
		const id = letters.join('');
		if (!tokens.some((one) => one.id === id || one.name === id)) return id;
	}
}

function jsonOf(text: string): unknown {
	try {
		return JSON.parse(text);
	} catch {
		return undefined;
	}
}
