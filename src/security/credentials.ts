/**
 * Owns reading credentials files (`.creds`): a NATS user's JWT and its seed, as `nsc` and `steward enrol` write them.
 * Promises that an error names what is missing, and never shows what is there. Keeps nothing.
 */

import { readFile } from 'node:fs/promises';
import { StewardError, systemCodeOf } from '../base/errors.ts';
import { type SigningKey, signingKey } from './keys.ts';
import { type FleetRole, fleetRoles, roleTag } from './permissions.ts';

export type Credentials = {
	readonly jwt: string;
	/** Name of the user, as its JWT says. */
	readonly name: string;
	/** What its JWT says it is; undefined where steward did not make it. Decides which way it asks, not what it may. */
	readonly role: FleetRole | undefined;
	/** When its JWT was made, and when that ends; milliseconds since the epoch. */
	readonly issuedAt: number | undefined;
	readonly expiresAt: number | undefined;
	/** What its owner signs with: the key that the JWT was made for. */
	readonly key: SigningKey;
	/** The file as it is, for the client that connects with it. */
	readonly bytes: Uint8Array;
};

/** @throws StewardError `invalid` */
export function parseCredentials(text: string): Credentials {
	const [jwt, seed] = ['NATS USER JWT', 'USER NKEY SEED'].map((title) => sectionOf(text, title));
	if (!jwt) throw invalid('it has no section NATS USER JWT');
	if (!seed) throw invalid('it has no section USER NKEY SEED');
	const claims = claimsOf(jwt);
	const key = signingKey(seed);
	if (claims?.sub !== key.publicKey) throw invalid('its seed is not the one that its JWT was made for');
	const { name = '', role, iat, exp } = claims;
	return {
		...{ jwt, name, role, key, issuedAt: msOf(iat), expiresAt: msOf(exp) },
		bytes: new TextEncoder().encode(text),
	};
}

function invalid(what: string): StewardError {
	return new StewardError(
		'invalid',
		`the credentials file cannot be used: ${what}; make one with steward enrol`,
	);
}

function sectionOf(text: string, title: string): string | undefined {
	const match = new RegExp(`-+BEGIN ${title}-+\\s+([A-Za-z0-9._-]+)\\s+-+END ${title}-+`).exec(text);
	return match?.[1];
}

/** Reads a credentials file. @throws StewardError `invalid` */
export async function readCredentials(path: string): Promise<Credentials> {
	let text: string;
	try {
		text = await readFile(path, 'utf8');
	} catch (error) {
		const why = `the credentials file ${path} cannot be read (${systemCodeOf(error) ?? 'no file'}): name another (--credentials, STEWARD_CREDENTIALS)`;
		throw new StewardError('invalid', why, { cause: error });
	}
	return parseCredentials(text);
}

function msOf(seconds: number | undefined): number | undefined {
	return seconds === undefined ? undefined : seconds * 1000;
}

type Claims = { sub?: string; name?: string; role?: FleetRole; iat?: number; exp?: number };

function claimsOf(jwt: string): Claims | undefined {
	try {
		const claims: unknown = JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString());
		if (typeof claims !== 'object' || claims === null) return undefined;
		const { sub, name, nats, iat, exp } = claims as Record<string, unknown>;
		const role = roleOf(nats);
		return {
			...(typeof sub === 'string' && { sub }),
			...(typeof name === 'string' && { name }),
			...(role && { role }),
			...(typeof iat === 'number' && { iat }),
			...(typeof exp === 'number' && { exp }),
		};
	} catch {
		return undefined;
	}
}

function roleOf(claims: unknown): FleetRole | undefined {
	if (typeof claims !== 'object' || claims === null || !('tags' in claims)) return undefined;
	const { tags } = claims;
	return Array.isArray(tags) ? fleetRoles.find((role) => tags.includes(roleTag(role))) : undefined;
}
