/**
 * Owns the commands about whom nodes trust: trust show, history, export, publish, add-key, remove-key, add-root, remove-root.
 * Promises that a change is made from the current list, and published only if nobody else has changed it meanwhile.
 * A crash leaves the old list or the new one.
 */

import { parseDuration } from '../../base/duration.ts';
import { StewardError } from '../../base/errors.ts';
import { type DocumentVersion, documentView } from '../../client/trust.ts';
import { type DocumentKind, documentKinds, readBody } from '../../domain/document.ts';
import { trustListOf } from '../../domain/enrolled.ts';
import { type Role, roles, type TrustedKey, type TrustList } from '../../domain/trust.ts';
import { publicKeyOf } from '../../security/accounts.ts';
import { type KeyFolder, readKeyFolder } from '../../security/key-folder.ts';
import type { Cli } from '../cli.ts';
import { brokerSettings, withFleet } from '../connect.ts';
import { exitCodes } from '../exit-codes.ts';
import { historyTable, printTrust } from '../render/trust.ts';

import { type AskFlags, oneOf } from './ask.ts';
import { keysPathOf } from './keys-folder.ts';
import { type PublishFlags, publishDocument } from './publish-document.ts';
import { readYamlFile } from './yaml-file.ts';

export type PublishListFlags = PublishFlags & { readonly file?: string; readonly fromVersion?: string };
export type AddKeyFlags = PublishFlags & {
	readonly role?: string;
	readonly from?: string;
	readonly until?: string;
};

type Current = DocumentVersion<'trust'> | undefined;

export async function showTrust(cli: Cli, flags: AskFlags): Promise<number> {
	const version = await current(cli, 'trust', flags);
	if (flags.json) cli.stdout.line(JSON.stringify(documentView(version)));
	else printTrust(cli.stdout, documentView(version), cli.clock.now());
	return exitCodes.done;
}

export async function historyOf(cli: Cli, kind: DocumentKind, flags: AskFlags): Promise<number> {
	const config = await brokerSettings(cli, flags);
	const versions = await withFleet(cli, config, (fleet) => fleet.trust.history(kind));
	const views = versions.map(documentView).reverse();
	if (flags.json) cli.stdout.line(JSON.stringify(views));
	else if (views.length > 0) cli.stdout.line(historyTable(views, cli.stdout, cli.clock.now()));
	else cli.stderr.line(`no ${kind} list was ever published`);
	return exitCodes.done;
}

/** What a node needs that has none of it, as the file beside its credentials. */
export async function exportTrust(cli: Cli, flags: AskFlags): Promise<number> {
	const config = await brokerSettings(cli, flags);
	const documents = await withFleet(cli, config, async (fleet) => {
		const versions = await Promise.all(documentKinds.map((kind) => fleet.trust.get(kind)));
		return versions.flatMap((version) => version?.documents ?? []);
	});
	if (documents.length === 0) throw nothing('trust');
	cli.stdout.line(JSON.stringify(documents));
	return exitCodes.done;
}

export async function publishTrust(cli: Cli, flags: PublishListFlags): Promise<number> {
	if (flags.file === undefined && flags.fromVersion === undefined) return publishEnrolled(cli, flags);
	const list = await bodyFrom(cli, 'trust', flags);
	return publishDocument(cli, 'trust', flags, () => list);
}

/** Whoever is enrolled and may send; keys that the folder has never heard of stay as they are. */
async function publishEnrolled(cli: Cli, flags: PublishFlags): Promise<number> {
	const folder = await readKeyFolder(await keysPathOf(cli, flags));
	const own = new Set(folder.enrolled.map(({ key }) => key));
	return publishDocument(cli, 'trust', flags, async (version, fleet) => {
		const list = trustListOf(folder.enrolled, version?.body.roots ?? [folder.fleet.root]);
		const others = version?.body.keys.filter(({ key, name }) => !own.has(key) && name !== vouching) ?? [];
		if (version) sayBack(cli, list, version.body, await fleet.trust.history('trust'));
		return { ...list, keys: [...list.keys, ...vouchersOf(folder), ...others] };
	});
}

/** Who was taken off by hand is enrolled all the same: it may have been because the key was stolen. */
function sayBack(
	{ stderr, program }: Cli,
	{ keys }: TrustList,
	before: TrustList,
	history: readonly DocumentVersion<'trust'>[],
): void {
	const listed = (list: TrustList, key: string) => list.keys.some((one) => one.key === key);
	const back = keys.filter(
		({ key }) => !listed(before, key) && history.some(({ body }) => listed(body, key)),
	);
	if (back.length === 0) return;
	const names = [...new Set(back.map(({ name }) => name))];
	stderr.line(
		`${stderr.paint('yellow', 'taken off the list before, and back on it, because enrolled:')} ${names.join(', ')}`,
	);
	stderr.line(
		stderr.paint('dim', `to keep them out: ${program} revoke ${names.join(' ')}, and publish again`),
	);
}

/** Name of the keys that vouch for nodes in their credentials; no node can be called so. */
const vouching = '_nodes';

/** The centre checks what nodes state by these; nodes that were taken back state nothing that counts. */
function vouchersOf({ keys, enrolled }: KeyFolder): TrustedKey[] {
	const takenBack = enrolled.filter(({ role, revoked }) => role === 'node' && revoked !== undefined);
	return [
		...keys.signing.node.map((seed) => ({ key: publicKeyOf(seed), name: vouching, role: 'node' as const })),
		...takenBack.map(({ key, name, revoked }) => ({ key, name, role: 'node' as const, until: revoked })),
	];
}

export function addKey(cli: Cli, name: string, key: string, flags: AddKeyFlags): Promise<number> {
	const role = oneOf('--role', flags.role ?? 'operator', roles);
	const [from, until] = [momentOf(cli, '--from', flags.from), momentOf(cli, '--until', flags.until)];
	const entry = {
		key,
		name,
		role,
		...(from !== undefined && { from }),
		...(until !== undefined && { until }),
	};
	return publishDocument(cli, 'trust', flags, (version) => withKey(known(version), entry));
}

/** The same key in the same role is changed; several keys of one name count side by side. */
function withKey(list: TrustList, entry: TrustedKey & { readonly role: Role }): TrustList {
	const others = list.keys.filter(({ key, role }) => key !== entry.key || role !== entry.role);
	return { ...list, keys: [...others, entry] };
}

export function removeKeys(cli: Cli, named: readonly string[], flags: PublishFlags): Promise<number> {
	return publishDocument(cli, 'trust', flags, (version) => {
		const list = known(version);
		for (const text of named) {
			if (list.keys.some(({ key, name }) => key === text || name === text)) continue;
			throw new StewardError(
				'not-found',
				`${text} is neither the name nor the key of anybody in the trust list: steward trust show`,
			);
		}
		return {
			...list,
			keys: list.keys.filter(({ key, name }) => !named.includes(key) && !named.includes(name)),
		};
	});
}

export function addRoot(cli: Cli, key: string, flags: PublishFlags): Promise<number> {
	return publishDocument(cli, 'trust', flags, (version) => {
		const list = known(version);
		return { ...list, roots: [...new Set([...list.roots, key])] };
	});
}

export function removeRoot(cli: Cli, key: string, flags: PublishFlags): Promise<number> {
	return publishDocument(cli, 'trust', flags, (version) => {
		const list = known(version);
		if (!list.roots.includes(key))
			throw new StewardError('not-found', `${key} is no root: steward trust show`);
		return { ...list, roots: list.roots.filter((one) => one !== key) };
	});
}

/** The body of a file, or of an earlier version. @throws StewardError `usage`, `invalid`, `not-found` */
export async function bodyFrom<Kind extends DocumentKind>(
	cli: Cli,
	kind: Kind,
	flags: PublishListFlags,
): Promise<DocumentVersion<Kind>['body']> {
	const { file, fromVersion } = flags;
	if ((file === undefined) === (fromVersion === undefined)) {
		throw new StewardError('usage', 'expected either --file or --from-version');
	}
	if (file !== undefined) {
		const read = readBody(kind, await readYamlFile(cli, file));
		if ('value' in read) return read.value;
		const problems = read.problem.split('; ');
		throw new StewardError(
			'invalid',
			`${file} is no ${kind} list:\n${problems.map((line) => `  ${line}`).join('\n')}`,
			{
				details: { problems },
			},
		);
	}
	const config = await brokerSettings(cli, flags);
	const versions = await withFleet(cli, config, (fleet) => fleet.trust.history(kind));
	const found = versions.find(({ version }) => String(version) === fromVersion);
	if (found) return found.body;
	const kept = versions.map(({ version }) => version).join(', ') || 'none';
	throw new StewardError(
		'not-found',
		`there is no version ${fromVersion} of the ${kind} list any more; kept are ${kept}`,
	);
}

/** @throws StewardError `not-found` */
export async function current<Kind extends DocumentKind>(
	cli: Cli,
	kind: Kind,
	flags: AskFlags,
): Promise<DocumentVersion<Kind>> {
	const config = await brokerSettings(cli, flags);
	const version = await withFleet(cli, config, (fleet) => fleet.trust.get(kind));
	if (!version) throw nothing(kind);
	return version;
}

function known(version: Current): TrustList {
	if (!version) throw nothing('trust');
	return version.body;
}

function nothing(kind: DocumentKind): StewardError {
	const how = kind === 'trust' ? 'steward trust publish' : 'steward access set --file';
	return new StewardError('not-found', `this fleet has no ${kind} list yet: ${how} makes one`);
}

/** A moment, or a time from now. @throws StewardError `usage` */
function momentOf(cli: Cli, flag: string, text: string | undefined): number | undefined {
	if (text === undefined) return undefined;
	const duration = parseDuration(text);
	const moment = duration === undefined ? Date.parse(text) : cli.clock.now() + duration;
	if (Number.isFinite(moment)) return Math.round(moment);
	throw new StewardError(
		'usage',
		`${flag}: expected a time such as 2027-01-01T00:00:00Z, or from now such as 365d, got "${text}"`,
	);
}
