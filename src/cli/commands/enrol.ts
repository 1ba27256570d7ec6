/**
 * Owns the commands that let somebody in: enrol.
 * Promises that secrets go into bundle files of their owner alone, and never onto a screen or a command line.
 * Who dies before the bundle is written enrols again (--again).
 */

import { access, readFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { parseDuration } from '../../base/duration.ts';
import { messageOf, StewardError } from '../../base/errors.ts';
import { makeFolder } from '../../base/files.ts';
import { writeSecretFile } from '../../base/secret-files.ts';
import { type Role, roles } from '../../domain/trust.ts';
import { formatBundle } from '../../security/bundle.ts';
import {
	type BundleFacts,
	bundleFacts,
	bundleOf,
	type EnrolRequest,
	enrol,
	type NewEnrolment,
	type Repeat,
} from '../../security/enrolment.ts';
import { changeKeyFolder, readKeyFolder } from '../../security/key-folder.ts';
import type { Cli, JsonFlag } from '../cli.ts';
import { exitCodes } from '../exit-codes.ts';
import { oneOf } from './ask.ts';
import { type KeysFlags, keysPathOf, sayTrust, sayUntold, tellBroker } from './keys-folder.ts';
import { parsePairs } from './send-form.ts';

export type EnrolFlags = KeysFlags &
	JsonFlag & {
		readonly file?: string;
		readonly role?: string;
		readonly labels?: string;
		readonly expires?: string;
		readonly publicKey?: string;
		readonly out?: string;
		readonly again?: boolean;
		readonly renew?: boolean;
	};

type Written = { name: string; role: Role; publicKey: string; expires: string | null; bundle: string };

/** Flushes that the disk may do together: one after another, a thousand files take seven seconds. */
const writtenAtOnce = 32;

export async function enrolNames(cli: Cli, words: readonly string[], flags: EnrolFlags): Promise<number> {
	const nowMs = cli.clock.now();
	const names = [...words, ...(flags.file === undefined ? [] : await namesIn(cli, flags.file))];
	if (names.length === 0) throw new StewardError('usage', 'whom? steward enrol ship1 (or --file names.txt)');
	const requests = names.map((name) => requestOf(name, names.length, flags, nowMs));
	const repeat = repeatOf(flags);
	const path = await keysPathOf(cli, flags);
	const fileOf = bundleFiles(cli, names, flags.out);
	if (repeat === 'refuse') await refuseThere(names.map(fileOf));
	const { written, untold } = await changeKeyFolder(path, async (folder) => {
		const added = await enrol(folder, requests, { nowMs, repeat });
		const changed = await readKeyFolder(path);
		const facts = await bundleFacts(changed);
		if (names.length > 1 && flags.out !== undefined) await makeFolder(resolve(cli.cwd, flags.out));
		const written: Written[] = [];
		for (let next = 0; next < added.length; next += writtenAtOnce) {
			const some = added.slice(next, next + writtenAtOnce);
			written.push(
				...(await Promise.all(some.map((one) => writeBundle(fileOf(one.entry.name), facts, one)))),
			);
		}
		return { written, untold: await tellBroker(cli, changed, flags.servers) };
	});
	if (flags.json) cli.stdout.line(JSON.stringify(words.length === 1 ? written[0] : written));
	else sayWritten(cli, written, flags);
	if (repeat !== 'renew') sayTrust(cli, path, written);
	sayUntold(cli, untold);
	return exitCodes.done;
}

async function writeBundle(bundle: string, facts: BundleFacts, one: NewEnrolment): Promise<Written> {
	const { name, role, key, expires } = one.entry;
	await writeSecretFile(bundle, formatBundle(bundleOf(facts, one)));
	const until = expires === undefined ? null : new Date(expires).toISOString();
	return { name, role, publicKey: key, expires: until, bundle };
}

function requestOf(name: string, count: number, flags: EnrolFlags, nowMs: number): EnrolRequest {
	const { role, labels, expires, publicKey } = flags;
	if (publicKey !== undefined && count > 1) {
		throw new StewardError('usage', '--public-key: is of one machine; enrol them one by one');
	}
	if (labels !== undefined && role !== undefined && role !== 'node')
		throw new StewardError('usage', '--labels: only nodes have some');
	return {
		...{ name, role: role === undefined ? undefined : oneOf('--role', role, roles), publicKey },
		labels: labels === undefined ? undefined : parsePairs('--labels', labels),
		expires: expires === undefined ? undefined : nowMs + lifeOf(expires),
	};
}

function lifeOf(text: string): number {
	const ms = parseDuration(text);
	if (ms !== undefined && ms >= 1000) return ms;
	throw new StewardError('usage', `--expires: expected a time such as 365d, got "${text}"`);
}

function repeatOf({ again, renew, publicKey }: EnrolFlags): Repeat {
	if (again && renew) throw new StewardError('usage', '--again gives a new key, --renew keeps it: say one');
	if (renew && publicKey !== undefined) throw new StewardError('usage', '--renew keeps the key: say --again');
	return again ? 'replace' : renew ? 'renew' : 'refuse';
}

/** One a line; empty lines and what follows a # do not count. */
async function namesIn(cli: Cli, file: string): Promise<string[]> {
	try {
		const text = file === '-' ? await cli.readStdin() : await readFile(resolve(cli.cwd, file), 'utf8');
		return text
			.split('\n')
			.map((line) => line.replace(/#.*/, '').trim())
			.filter((name) => name !== '');
	} catch (error) {
		throw new StewardError('usage', `--file: ${file} cannot be read: ${messageOf(error)}`, { cause: error });
	}
}

/** `--out` is a file for one, and a folder for many. */
function bundleFiles(cli: Cli, names: readonly string[], out: string | undefined): (name: string) => string {
	if (names.length === 1 && out !== undefined) return () => resolve(cli.cwd, out);
	return (name) => join(resolve(cli.cwd, out ?? '.'), `${name}.steward`);
}

/** Looked for beforehand: once enrolled, a name cannot be enrolled again just like that. */
async function refuseThere(files: readonly string[]): Promise<void> {
	for (const file of files) {
		const isThere = await access(file).then(
			() => true,
			() => false,
		);
		if (isThere) throw new StewardError('refused', `${file} is there already: name another with --out`);
	}
}

const startOf = {
	node: ' && steward node',
	centre: ' && steward central',
	operator: '',
	viewer: '',
} as const satisfies Record<Role, string>;

function sayWritten({ stdout, stderr }: Cli, written: readonly Written[], flags: EnrolFlags): void {
	const [first] = written;
	if (first === undefined) return;
	const also = flags.publicKey !== undefined || flags.renew ? ' --key KEYFILE' : '';
	const kinds = roles.filter((role) => written.some((one) => one.role === role));
	const lineFor = (name: string) =>
		`steward join ${name}${also}${kinds.length === 1 ? startOf[first.role] : ''}`;
	if (written.length === 1) {
		stdout.line(`enrolled ${first.name} (${first.role}): ${first.bundle}`);
		stderr.line(stderr.paint('dim', `copy that file to ${first.name}'s machine, and run there:`));
		stdout.line(lineFor(basename(first.bundle)));
		return;
	}
	stdout.line(`enrolled ${written.length} (${kinds.join(', ')}): ${first.bundle} and so on`);
	stderr.line(stderr.paint('dim', "copy each file to its machine, and run there, with that file's name:"));
	stdout.line(lineFor('NAME.steward'));
}
