/**
 * Owns the JWTs of a fleet: operator, accounts with their imports, exports and scoped signing keys, and users.
 * Promises that a user has what its role says and nothing of its own, that nothing but `creds` holds a seed, and that a name is
 * one token of a subject: the server puts it into the templates of permissions.
 * Pure but for new keys; keeps nothing. Whoever calls stores the keys.
 */

import {
	type Account,
	type Export,
	encodeAccount,
	encodeOperator,
	encodeUser,
	fmtCreds,
	type Import,
	type KeyPair,
	newScopedSigner,
} from '@nats-io/jwt';
import { createAccount, createOperator, fromPublic, fromSeed } from '@nats-io/nkeys';
import { StewardError } from '../base/errors.ts';
import { isNodeName, nodeNameRule } from '../domain/names.ts';
import { newUserKey, signingKey } from './keys.ts';
import {
	type AccountName,
	accountOf,
	type FleetRole,
	fleetRoles,
	mappings,
	offers,
	permissions,
	roleTag,
	services,
} from './permissions.ts';

export { type FleetRole, fleetRoles } from './permissions.ts';

const accountNames: readonly AccountName[] = ['SYS', 'HUB', 'SHIPS', 'VIEWERS'];

/** All seeds of a fleet. */
export type FleetKeys = {
	/** The root: signs accounts and documents. */
	readonly operator: string;
	/** What each account is known by. */
	readonly accounts: Readonly<Record<AccountName, string>>;
	/** By role, what signs its users; the first is current, the others still count. */
	readonly signing: Readonly<Record<FleetRole, readonly string[]>>;
};

/** A key that counts no more. */
export type RevokedKey = { readonly publicKey: string; readonly role: FleetRole };

export type SignedAccount = { readonly name: AccountName; readonly publicKey: string; readonly jwt: string };

export function newFleetKeys(): FleetKeys {
	const account = () => seedOf(createAccount());
	return {
		operator: seedOf(createOperator()),
		accounts: { SYS: account(), HUB: account(), SHIPS: account(), VIEWERS: account() },
		signing: {
			system: [account()],
			centre: [account()],
			operator: [account()],
			node: [account()],
			viewer: [account()],
		},
	};
}

/** A further seed that signs users of a role; to be put before the others. */
export function newSigningSeed(): string {
	return seedOf(createAccount());
}

/** Public key of a seed. @throws StewardError `invalid` */
export function publicKeyOf(seed: string): string {
	return signingKey(seed).publicKey;
}

export function operatorJwt(keys: FleetKeys): Promise<string> {
	return encodeOperator('steward', pairOf(keys.operator), {
		system_account: publicKeyOf(keys.accounts.SYS),
	});
}

/** The accounts as the server is to know them. */
export function accountJwts(
	keys: FleetKeys,
	{ revoked = [] }: { readonly revoked?: readonly RevokedKey[] } = {},
): Promise<readonly SignedAccount[]> {
	const signer = pairOf(keys.operator);
	return Promise.all(
		accountNames.map(async (name) => {
			const publicKey = publicKeyOf(keys.accounts[name]);
			const claims: AccountContent = {
				...contentOf(keys, name),
				limits: limitsOf(name),
				signing_keys: signersOf(keys, name),
				revocations: revocationsOf(revoked, name),
			};
			return { name, publicKey, jwt: await encodeAccount(name, publicKey, claims, { signer }) };
		}),
	);
}

/** The library's type does not know mappings. */
type AccountContent = Partial<Account> & { readonly mappings?: unknown };

/** What one account offers, or reaches of another. */
function contentOf(keys: FleetKeys, name: AccountName): AccountContent {
	switch (name) {
		case 'SYS':
			return {};
		case 'HUB': {
			const exports = offers().map(
				({ hub, answers }): Export => ({
					name: hub,
					subject: hub,
					type: 'service',
					response_type: answers === 'one' ? 'Singleton' : 'Stream',
				}),
			);
			const mapped = Object.entries(mappings).map(([from, subject]) => [from, [{ subject, weight: 100 }]]);
			return { exports, mappings: Object.fromEntries(mapped) };
		}
		case 'SHIPS':
		case 'VIEWERS': {
			const account = publicKeyOf(keys.accounts.HUB);
			const imports = services[name].map(
				({ hub, local }): Import => ({
					...{ name: local, subject: hub, type: 'service', account },
					...(local !== hub && { local_subject: local }),
				}),
			);
			return { imports };
		}
	}
}

const without = 0;
const unbounded = -1;

function limitsOf(name: AccountName): NonNullable<Account['limits']> {
	const jetStream = name === 'HUB' ? unbounded : without;
	return {
		...{ subs: unbounded, data: unbounded, payload: unbounded, conn: unbounded, leaf: without },
		...{ imports: unbounded, exports: unbounded, wildcards: true, disallow_bearer: true },
		...{ mem_storage: jetStream, disk_storage: jetStream, streams: jetStream, consumer: jetStream },
	};
}

/** Each costs the server memory. A node has one for each pull that waits, and lanes have up to 1,024 slots. */
const mostSubscriptions: Partial<Record<FleetRole, number>> = { node: 10_000, viewer: 1000 };

function signersOf(keys: FleetKeys, name: AccountName): NonNullable<Account['signing_keys']> {
	const rolesHere = fleetRoles.filter((role) => accountOf[role] === name);
	return rolesHere.flatMap((role) => {
		const { publish, subscribe } = permissions[role];
		const template = {
			pub: { allow: [...publish] },
			sub: { allow: [...subscribe] },
			...{ subs: mostSubscriptions[role] ?? unbounded, data: unbounded, payload: unbounded },
			allowed_connection_types: ['STANDARD' as const, 'WEBSOCKET' as const],
		};
		return keys.signing[role].map((seed) => newScopedSigner(publicKeyOf(seed), role, template));
	});
}

/**
 * Seconds since the epoch, the end of the year 9999: the server refuses JWTs that were made until then. A key that was taken back never
 * counts again, and the clock of the moment may be behind the one by which its JWT was made.
 */
const forEver = 253_402_300_799;

function revocationsOf(revoked: readonly RevokedKey[], name: AccountName): Record<string, number> {
	const here = revoked.filter(({ role }) => accountOf[role] === name);
	return Object.fromEntries(here.map(({ publicKey }) => [publicKey, forEver]));
}

export type NewUser = {
	readonly role: FleetRole;
	/** Of a node: its node's name. */
	readonly name: string;
	/** A key that was made elsewhere: then there are no `creds`, because its seed is not here. */
	readonly publicKey?: string | undefined;
	/** Milliseconds since the epoch; for ever where it is not given. */
	readonly expiresAt?: number | undefined;
	readonly tags?: readonly string[];
};

export type MintedUser = {
	readonly jwt: string;
	readonly publicKey: string;
	/** The text of its credentials file: a secret. Undefined where the key was made elsewhere. */
	readonly creds?: string;
};

/** @throws StewardError `invalid` for a name or a key that cannot be used. */
export async function mintUser(keys: FleetKeys, user: NewUser): Promise<MintedUser> {
	const { role, name, expiresAt, tags = [] } = user;
	if (!isNodeName(name))
		throw new StewardError('invalid', `"${name}" cannot be enrolled: expected ${nodeNameRule}`);
	const made = user.publicKey === undefined ? newUserKey() : undefined;
	const publicKey = made ? made.publicKey : userKey(user.publicKey ?? '');
	const [seed = ''] = keys.signing[role];
	const jwt = await encodeUser(
		name,
		publicKey,
		publicKeyOf(keys.accounts[accountOf[role]]),
		{ tags: [roleTag(role), ...tags] },
		{
			signer: pairOf(seed),
			scopedUser: true,
			...(expiresAt !== undefined && { exp: Math.floor(expiresAt / 1000) }),
		},
	);
	return { jwt, publicKey, ...(made && { creds: credsOf(jwt, made.seed) }) };
}

/** The text of a credentials file, of a key that was made before its JWT. @throws StewardError `invalid` */
export function credsOf(jwt: string, seed: string): string {
	return new TextDecoder().decode(fmtCreds(jwt, pairOf(seed)));
}

function userKey(text: string): string {
	try {
		if (text.startsWith('U')) return fromPublic(text).getPublicKey();
	} catch {
		// Said below: the library's own error shows what it was given.
	}
	throw new StewardError(
		'invalid',
		'the public key is none of a user: expected what steward node keygen prints, U and 55 characters',
	);
}

function seedOf(pair: KeyPair): string {
	return new TextDecoder().decode(pair.getSeed());
}

/** Signs by Node's own crypto: the library's JavaScript takes milliseconds for each. */
function pairOf(seed: string): KeyPair {
	const key = signingKey(seed);
	const pair = fromSeed(new TextEncoder().encode(seed.trim()));
	return Object.assign(pair, {
		getPublicKey: () => key.publicKey,
		// The library wants to know only that there is one.
		getPrivateKey: () => pair.getSeed(),
		sign: (bytes: Uint8Array) => Buffer.from(key.sign(bytes), 'base64url'),
	});
}
