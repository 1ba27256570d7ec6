/**
 * Owns what a machine does to belong to a fleet: make a key (node keygen), take its bundle (join).
 * Promises that a seed is in a file of its owner alone, that a configuration of the user's own is never written over, and that
 * joining again puts newer credentials in the place of the old.
 * Who dies in the middle joins again: the configuration, which makes it count, is written last.
 */

import { join, resolve } from 'node:path';
import { StewardError } from '../../base/errors.ts';
import { makeFolder } from '../../base/files.ts';
import { readSecretFile, writeNewSecretFile, writeSecretFile } from '../../base/secret-files.ts';
import { type Bundle, credentialsOf, parseBundle } from '../../security/bundle.ts';
import { newUserKey } from '../../security/keys.ts';
import type { Cli, JsonFlag } from '../cli.ts';
import { exitCodes } from '../exit-codes.ts';
import { configFolderOf, readConfig } from '../settings.ts';

export type KeygenFlags = JsonFlag & { readonly out?: string };
export type JoinFlags = JsonFlag & { readonly key?: string; readonly to?: string };

export async function keygen(cli: Cli, flags: KeygenFlags): Promise<number> {
	const file = resolve(cli.cwd, flags.out ?? 'node.nk');
	const { publicKey, seed } = newUserKey();
	if (!(await writeNewSecretFile(file, `${seed}\n`))) {
		throw new StewardError('refused', `${file} is there already: name another with --out`);
	}
	cli.stdout.line(flags.json ? JSON.stringify({ publicKey, file }) : publicKey);
	if (!flags.json) {
		cli.stderr.line(`the key is in ${file} and stays here; where the fleet's keys are, run:`);
		cli.stderr.line(`steward enrol NAME --public-key ${publicKey}`);
	}
	return exitCodes.done;
}

export async function joinFleet(cli: Cli, file: string, flags: JoinFlags): Promise<number> {
	const path = resolve(cli.cwd, file);
	const bundle = parseBundle(await readSecretFile(path));
	const seed = flags.key === undefined ? undefined : await seedIn(resolve(cli.cwd, flags.key));
	const credentials = credentialsOf(bundle, seed);
	const folder = flags.to === undefined ? configFolderOf(cli) : resolve(cli.cwd, flags.to);
	const files = {
		credentials: join(folder, `${bundle.name}.creds`),
		ca: join(folder, `${bundle.name}.ca.crt`),
		// A node looks for it beside its credentials.
		trust: join(folder, 'trust.json'),
		config: join(folder, 'config.yaml'),
	};
	const before = await readConfig(files.config);
	if (before !== undefined && before.credentials !== files.credentials) {
		throw new StewardError(
			'refused',
			`${files.config} is there, and not of ${bundle.name}: name another folder with --to, and later its config.yaml with --config`,
			{ details: { path: files.config } },
		);
	}
	await makeFolder(folder);
	await writeSecretFile(files.credentials, credentials);
	await writeSecretFile(files.ca, bundle.ca);
	await writeSecretFile(files.trust, `${JSON.stringify(bundle.trust, null, '\t')}\n`);
	if (before === undefined) await writeSecretFile(files.config, configText(bundle, files));
	sayJoined(cli, { bundle, path, config: files.config }, flags);
	return exitCodes.done;
}

/** What is not quoted here is quoted as JSON, which is YAML. */
function configText(bundle: Bundle, files: { credentials: string; ca: string }): string {
	const { name, role, servers, labels, trust } = bundle;
	const settings = {
		servers,
		credentials: files.credentials,
		tls: { ca: files.ca },
		...(role === 'node' && { node: { name, labels, roots: trust.roots } }),
	};
	const lines = Object.entries(settings).map(([key, value]) => `${key}: ${JSON.stringify(value)}`);
	return `# Made by steward join for ${name}; yours to change. Joining again leaves it as it is.\n${lines.join('\n')}\n`;
}

/** A key file has the seed alone; credentials and an older bundle have it as well. */
async function seedIn(path: string): Promise<string> {
	const [seed] = /\bSU[A-Z2-7]{56}\b/.exec(await readSecretFile(path)) ?? [];
	if (seed !== undefined) return seed;
	throw new StewardError('invalid', `${path} holds no key of a user: name what steward node keygen wrote`);
}

function sayJoined(
	{ stdout, stderr }: Cli,
	joined: { bundle: Bundle; path: string; config: string },
	{ json, to }: JoinFlags,
): void {
	const { bundle, path, config } = joined;
	const { name, role, servers } = bundle;
	if (json) return stdout.line(JSON.stringify({ name, role, servers, config }));
	stdout.line(
		`this machine is ${name} (${role}) of the fleet at ${servers.join(', ')}; settings in ${config}`,
	);
	const start = {
		node: 'steward node',
		centre: 'steward central',
		operator: 'steward nodes',
		viewer: 'steward nodes',
	};
	const which = to === undefined ? '' : ` --config ${config}`;
	stderr.line(stderr.paint('dim', `next: ${start[role]}${which}`));
	if (bundle.seed !== undefined) stderr.line(stderr.paint('dim', `the bundle is needed no more: rm ${path}`));
}
