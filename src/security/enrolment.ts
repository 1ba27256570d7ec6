/**
 * Owns enrolment: keys, credentials and bundles of those who may come, and taking them back.
 * Promises that no credentials exist that the list does not know, so that each can be revoked by its name; needs no server.
 * Who dies between list and bundle leaves a name without a bundle: enrol it again.
 */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bracketed } from '../base/address.ts';
import { StewardError } from '../base/errors.ts';
import { counted } from '../base/text.ts';
import {
	currentByName,
	type Enrolled,
	type Enrolment,
	trustListOf,
	wasRevoked,
	withEntries,
	withoutName,
} from '../domain/enrolled.ts';
import type { Role } from '../domain/trust.ts';
import { mintUser } from './accounts.ts';
import type { Bundle } from './bundle.ts';
import { currentSigners, fileNames, type KeyFolder, writeEnrolled } from './key-folder.ts';

/** What is not said of a name that is enrolled stays as it was; its credentials then count as long again. */
export type EnrolRequest = {
	readonly name: string;
	/** `node` by default. */
	readonly role?: Role | undefined;
	readonly labels?: Readonly<Record<string, string>> | undefined;
	/** Milliseconds since the epoch. */
	readonly expires?: number | undefined;
	/** Of a key that was made on its own machine. */
	readonly publicKey?: string | undefined;
};

/** What to do about names that are enrolled already. `renew`: the same key, a new JWT. */
export type Repeat = 'refuse' | 'replace' | 'renew';

export type NewEnrolment = { readonly entry: Enrolment; readonly jwt: string; readonly seed?: string };

/**
 * Enrols all or none, and writes the list. The folder must be held by `changeKeyFolder`.
 * @throws StewardError `invalid` for a name or key that cannot be used, `refused` for one that is enrolled, `not-found` to renew
 */
export async function enrol(
	folder: KeyFolder,
	requests: readonly EnrolRequest[],
	{ nowMs, repeat }: { nowMs: number; repeat: Repeat },
): Promise<readonly NewEnrolment[]> {
	const current = currentByName(folder.enrolled);
	checkRepeats(requests, current, repeat);
	const keys = { ...folder.keys, operator: '' };
	const signers = currentSigners(folder.keys);
	const added: NewEnrolment[] = [];
	for (const request of requests) {
		const { name } = request;
		const known = current.get(name);
		const { role, labels, expires } = termsOf(request, known, nowMs);
		if (repeat === 'renew' && known && role !== known.role) {
			throw new StewardError(
				'refused',
				`${name} is enrolled as ${known.role}, and its old credentials would count on beside new ones as ${role}: --again gives a new key and revokes the old one`,
			);
		}
		const publicKey = repeat === 'renew' ? known?.key : request.publicKey;
		if (publicKey !== undefined && wasRevoked(folder.enrolled, publicKey)) {
			throw new StewardError(
				'refused',
				`the key of ${name} was revoked, and stays so: make another on its machine (steward node keygen)`,
			);
		}
		const user = await mintUser(keys, { role, name, publicKey, expiresAt: expires });
		const entry: Enrolment = {
			...{ name, role, key: user.publicKey, signer: signers.get(role) ?? '' },
			...{ labels, at: nowMs, ...(expires !== undefined && { expires }) },
		};
		const seed = user.creds === undefined ? undefined : seedOf(user.creds);
		added.push({ entry, jwt: user.jwt, ...(seed !== undefined && { seed }) });
	}
	const entries = added.map(({ entry }) => entry);
	await writeEnrolled(folder, withEntries(folder.enrolled, entries, nowMs));
	return added;
}

/** @throws StewardError `invalid` */
function termsOf(
	{ name, ...asked }: EnrolRequest,
	known: Enrolment | undefined,
	nowMs: number,
): Pick<Enrolment, 'role' | 'labels' | 'expires'> {
	const role = asked.role ?? known?.role ?? 'node';
	if (role !== 'node' && Object.keys(asked.labels ?? {}).length > 0)
		throw new StewardError('invalid', `${name} is enrolled as ${role}, and only nodes have labels`);
	const asBefore = known?.expires === undefined ? undefined : nowMs + known.expires - known.at;
	const expires = asked.expires ?? asBefore;
	return {
		...{ role, labels: role === 'node' ? (asked.labels ?? known?.labels ?? {}) : {} },
		...(expires !== undefined && { expires }),
	};
}

function checkRepeats(
	requests: readonly EnrolRequest[],
	current: ReadonlyMap<string, Enrolment>,
	repeat: Repeat,
): void {
	const names = requests.map(({ name }) => name);
	const twice = names.find((name, index) => names.indexOf(name) !== index);
	if (twice !== undefined) throw new StewardError('invalid', `${twice} is named twice: name it once`);
	const there = requests.filter(({ name }) => current.has(name));
	if (repeat === 'refuse' && there.length > 0) {
		throw new StewardError(
			'refused',
			`${listed(there)} enrolled already: --again gives a new key and revokes the old one, --renew keeps the key`,
			{ details: { names: there.map(({ name }) => name) } },
		);
	}
	if (repeat !== 'renew') return;
	const missing = requests.filter(({ name }) => !current.has(name));
	if (missing.length > 0)
		throw new StewardError('not-found', `${listed(missing)} not enrolled: leave --renew out`);
}

function listed(requests: readonly EnrolRequest[]): string {
	const names = requests.slice(0, 3).map(({ name }) => name);
	const others = requests.length - names.length;
	const all = others > 0 ? [...names, counted(others, 'other')] : names;
	return `${all.join(', ')} ${requests.length === 1 ? 'is' : 'are'}`;
}

/** Takes the credentials of these names back, in the list; the server has to be told. @throws StewardError `not-found` */
export async function revoke(folder: KeyFolder, names: readonly string[], nowMs: number): Promise<Enrolled> {
	for (const name of names) {
		if (folder.enrolled.some((one) => one.name === name)) continue;
		throw new StewardError('not-found', `${name} is not enrolled: steward enrolled lists who is`);
	}
	const next = names.reduce((list, name) => withoutName(list, name, nowMs), folder.enrolled);
	await writeEnrolled(folder, next);
	return next;
}

/** What bundles have in common: where the server is, what it shows, and whom a machine is to believe. */
export type BundleFacts = Pick<Bundle, 'servers' | 'ca' | 'trust'>;

export async function bundleFacts({ path, fleet, enrolled }: KeyFolder): Promise<BundleFacts> {
	return {
		servers: serversOf(fleet),
		ca: await readFile(join(path, fileNames.authority), 'utf8'),
		trust: trustListOf(enrolled, [fleet.root]),
	};
}

/** The addresses that clients are told. */
export function serversOf({ names, port }: KeyFolder['fleet']): string[] {
	return names.filter((name) => !name.startsWith('*')).map((name) => `tls://${bracketed(name)}:${port}`);
}

export function bundleOf(facts: BundleFacts, { entry, jwt, seed }: NewEnrolment): Bundle {
	const { name, role, labels } = entry;
	return { steward: 1, name, role, ...facts, labels, jwt, ...(seed !== undefined && { seed }) };
}

function seedOf(creds: string): string {
	return /-BEGIN USER NKEY SEED-+\s+(\w+)/.exec(creds)?.[1] ?? '';
}
