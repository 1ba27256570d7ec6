/**
 * Owns the folder of a fleet's keys: its seeds, its authority, the list of who was enrolled, and what its server runs with.
 * Promises that nobody but its owner may use it, that one process at a time changes it, and that each file is old or new.
 * A crash between two files leaves it usable: the list of who was enrolled is written before anything is handed out.
 *
 *     operator.nk    the root key            accounts.json  the other seeds     enrolled.json  who was enrolled
 *     ca.crt ca.key  the authority           fleet.json     how it was set up   trust.json     whom nodes are to trust
 *     server/        what nats-server needs, and no more
 */

import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { StewardError, systemCodeOf } from '../base/errors.ts';
import { lockFolder } from '../base/folder-lock.ts';
import { contentDigest } from '../base/ids.ts';
import { readSecretFile, refuseOpenTo, writeSecretFile } from '../base/secret-files.ts';
import { type Enrolled, enrolledSchema, trustListOf } from '../domain/enrolled.ts';
import { type FleetKeys, type FleetRole, fleetRoles, publicKeyOf, type RevokedKey } from './accounts.ts';
import { accountOf, mappings, permissions, services } from './permissions.ts';

export const fileNames = {
	operator: 'operator.nk',
	accounts: 'accounts.json',
	enrolled: 'enrolled.json',
	fleet: 'fleet.json',
	/** Whom nodes are to trust: a part of every bundle, and the list that steward trust publish signs. */
	trust: 'trust.json',
	authority: 'ca.crt',
	authorityKey: 'ca.key',
	config: join('server', 'nats-server.conf'),
	certificate: join('server', 'server.crt'),
	certificateKey: join('server', 'server.key'),
} as const;

const seed = z.string().regex(/^S[A-Z2-7]{57}$/);
const accountsSchema = z.strictObject({
	v: z.literal(1),
	accounts: z.strictObject({ SYS: seed, HUB: seed, SHIPS: seed, VIEWERS: seed }),
	signing: z.strictObject({
		system: z.array(seed).min(1),
		centre: z.array(seed).min(1),
		operator: z.array(seed).min(1),
		node: z.array(seed).min(1),
		viewer: z.array(seed).min(1),
	}),
});

const fleetSchema = z.strictObject({
	v: z.literal(1),
	/** Where the server listens. */
	host: z.string(),
	port: z.number().int().min(1).max(65_535),
	/** What its certificate names, and what clients are told; the first is its main one. */
	names: z.array(z.string()).min(1),
	shards: z.number().int().min(1).max(64).optional(),
	/** Public key of the root: what machines pin. */
	root: z.string().regex(/^O[A-Z2-7]{55}$/),
	/** Digests of the accounts as the server was last told them. */
	told: z.record(z.string(), z.string()),
});
export type FleetFacts = Readonly<z.infer<typeof fleetSchema>>;

export type KeyFolder = {
	readonly path: string;
	readonly fleet: FleetFacts;
	readonly enrolled: Enrolled;
	/** All seeds but the root, which is read when it is needed: it may lie elsewhere most of the time. */
	readonly keys: Omit<FleetKeys, 'operator'>;
};

/** @throws StewardError `not-found` where there is none, `invalid` where others may read it or it is damaged. */
export async function readKeyFolder(path: string): Promise<KeyFolder> {
	if (!(await isKeyFolder(path))) {
		throw new StewardError(
			'not-found',
			`${path} holds no keys of a fleet: make them with steward init --secure, or name their folder (--keys)`,
		);
	}
	await refuseOpenTo(path, 'folder');
	const read = <Schema extends z.ZodType>(name: string, schema: Schema) => parsed(join(path, name), schema);
	const [fleet, { entries }, { accounts, signing }] = await Promise.all([
		read(fileNames.fleet, fleetSchema),
		read(fileNames.enrolled, enrolledSchema),
		read(fileNames.accounts, accountsSchema),
	]);
	return { path, fleet, enrolled: entries, keys: { accounts, signing } };
}

/** Whether there is one. */
export async function isKeyFolder(path: string): Promise<boolean> {
	try {
		return (await stat(join(path, fileNames.fleet))).isFile();
	} catch (error) {
		if (systemCodeOf(error) === 'ENOENT') return false;
		throw error;
	}
}

/** Reads the folder, and keeps every other process from changing it meanwhile. @throws as `readKeyFolder`; `already-running` */
export async function changeKeyFolder<T>(
	path: string,
	change: (folder: KeyFolder) => Promise<T>,
): Promise<T> {
	await readKeyFolder(path);
	const lock = await lockFolder(path);
	try {
		return await change(await readKeyFolder(path));
	} finally {
		await lock.release();
	}
}

/** All seeds. @throws StewardError `not-found` where the root key lies elsewhere */
export async function withRoot({ path, keys }: KeyFolder): Promise<FleetKeys> {
	const text = await readSecretFile(join(path, fileNames.operator));
	return { ...keys, operator: text.trim() };
}

export async function writeAccounts(path: string, { accounts, signing }: KeyFolder['keys']): Promise<void> {
	await writeJson(join(path, fileNames.accounts), { v: 1, accounts, signing });
}

/** Also whom nodes are to trust, which follows from it. */
export async function writeEnrolled(
	{ path, fleet }: Pick<KeyFolder, 'path' | 'fleet'>,
	entries: Enrolled,
): Promise<void> {
	await writeJson(join(path, fileNames.enrolled), { v: 1, entries });
	await writeJson(join(path, fileNames.trust), trustListOf(entries, [fleet.root]));
}

export async function writeFleet(path: string, facts: FleetFacts): Promise<void> {
	await writeJson(join(path, fileNames.fleet), facts);
}

/** Those whose credentials the accounts must refuse. */
export function revokedOf(enrolled: Enrolled): readonly RevokedKey[] {
	return enrolled.flatMap(({ key, role, revoked }) =>
		revoked === undefined ? [] : [{ publicKey: key, role }],
	);
}

/** Public keys of those that sign new credentials. */
export function currentSigners({ signing }: KeyFolder['keys']): ReadonlyMap<FleetRole, string> {
	return new Map(fleetRoles.map((role) => [role, publicKeyOf(signing[role][0] ?? '')]));
}

/**
 * What the server has to know of each account, as digests: other than in `fleet.told` while it does not know it, also after an
 * upgrade of steward.
 */
export function accountDigests(keys: KeyFolder['keys'], enrolled: Enrolled): Record<string, string> {
	const signers = (role: FleetRole) => keys.signing[role].map(publicKeyOf);
	return Object.fromEntries(
		[...new Set(fleetRoles.map((role) => accountOf[role]))].map((account) => {
			const roles = fleetRoles.filter((role) => accountOf[role] === account);
			const of = roles.map((role) => ({ role, signers: signers(role), may: permissions[role] }));
			const revoked = revokedOf(enrolled).filter(({ role }) => roles.includes(role));
			return [account, contentDigest({ of, revoked, services, mappings })];
		}),
	);
}

async function parsed<Schema extends z.ZodType>(path: string, schema: Schema): Promise<z.output<Schema>> {
	const text = await readSecretFile(path);
	let value: unknown;
	try {
		value = JSON.parse(text);
	} catch {
		throw damaged(path, 'it is no JSON');
	}
	const result = schema.safeParse(value);
	if (result.success) return result.data;
	throw damaged(path, result.error.issues.map((issue) => issue.path.join('.') || '(top level)').join(', '));
}

function damaged(path: string, what: string): StewardError {
	return new StewardError('invalid', `${path} is not as steward wrote it (${what}): put back a copy of it`);
}

async function writeJson(path: string, value: unknown): Promise<void> {
	await writeSecretFile(path, `${JSON.stringify(value, null, '\t')}\n`);
}
