/**
 * Owns the provision of what the peers need: Redis and PostgreSQL from this machine's own Debian release, Node and packages from npm.
 * Promises that nothing is installed on the machine or started by it: what is not there is unpacked into `.cache/bench`.
 * A folder there gets its name when it is whole; cut off before, it is made anew.
 */

import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const here = fileURLToPath(new URL('.', import.meta.url));
const cache = fileURLToPath(new URL('../../.cache/bench/', import.meta.url));
const say = (text) => process.stderr.write(`[bench] ${text}\n`);
/** Set to 1 to unpack also what the machine has. */
const ownOnly = process.env.STEWARD_BENCH_OWN === '1';

/** The peers' packages as the lock file says, and Node 24: two of the peers need it. @returns Path of that Node. */
export async function providePackages() {
	const lock = join(here, 'package-lock.json');
	const installed = join(here, 'node_modules/.package-lock.json');
	if (!existsSync(installed) || !(await isSame(lock, installed))) {
		say('the packages of the peers, by npm ci');
		const words = ['ci', '--prefix', here, '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
		await run('npm', words, { cwd: here }).catch((error) => {
			const said = String(error.stderr || error.message).trim();
			throw new Error(`the packages of the peers cannot be had: npm ci in scripts/bench says\n${said}`, {
				cause: error,
			});
		});
	}
	const node = join(here, 'node_modules', `node-linux-${process.arch}`, 'bin/node');
	if (!existsSync(node))
		throw new Error(`there is no Node 24 for ${process.arch} among the packages of scripts/bench`);
	return node;
}

/** npm writes down what it has installed; optional packages for other machines are not among it. */
async function isSame(lock, installed) {
	const [wanted, have] = await Promise.all(
		[lock, installed].map(async (path) => JSON.parse(await readFile(path, 'utf8')).packages),
	);
	return Object.entries(wanted).every(
		([name, one]) => name === '' || one.optional || have[name]?.version === one.version,
	);
}

/** @returns How redis-server is called, and its version. */
export async function provideRedis() {
	const found = await firstThat(['redis-server'], pathFolders());
	const command = found
		? [found]
		: await unpacked('redis', () => ['redis-server', 'redis-tools'], /^usr\/bin\/redis-server$/);
	const { stdout } = await run(command[0], [...command.slice(1), '--version']);
	return { command, version: /v=(\S+)/.exec(stdout)?.[1] ?? stdout.trim() };
}

/** @returns The folder of initdb and postgres, after what stands before them, and the version. */
export async function providePostgres() {
	const installed = (await readdir('/usr/lib/postgresql').catch(() => []))
		.toSorted((a, b) => Number(b) - Number(a))
		.map((version) => `/usr/lib/postgresql/${version}/bin`);
	const found = await firstThat(['postgres'], ownOnly ? [] : installed);
	const command = found
		? [found]
		: await unpacked('postgresql', postgresPackages, /^usr\/lib\/postgresql\/\d+\/bin\/postgres$/);
	const { stdout } = await run(command[0], [...command.slice(1), '--version']);
	return {
		command: [...command.slice(0, -1), join(command.at(-1), '..')],
		version: /\d[\d.]*/.exec(stdout)?.[0] ?? stdout.trim(),
	};
}

/** Debian's `postgresql` names the release that comes with it; programs for its clients are not needed. */
async function postgresPackages() {
	const [server] = (await dependenciesOf('postgresql')).filter((name) => /^postgresql-\d+$/.test(name));
	if (server === undefined) throw new Error('the package postgresql names no release');
	return [server];
}

function pathFolders() {
	return ownOnly ? [] : (process.env.PATH ?? '').split(delimiter);
}

async function firstThat(names, folders) {
	return folders
		.flatMap((folder) => names.map((name) => join(folder, name)))
		.find((path) => existsSync(path));
}

/** Packages and the libraries that they name and this machine has not; a program of them, with where its libraries are. */
async function unpacked(name, packages, program) {
	const folder = join(cache, name);
	if (!existsSync(folder)) await unpack(name, folder, await packages());
	const files = (await readdir(folder, { recursive: true })).map(String);
	const path = files.find((file) => program.test(file));
	if (path === undefined)
		throw new Error(`${folder} has no ${program}: remove that folder and run again, or install ${name}`);
	const libraries = [
		...new Set(files.filter((file) => /\.so\.\d+$/.test(file)).map((file) => join(folder, file, '..'))),
	];
	return ['env', `LD_LIBRARY_PATH=${libraries.join(delimiter)}`, join(folder, path)];
}

async function unpack(name, folder, packages) {
	await mkdir(cache, { recursive: true });
	const draft = await mkdtemp(join(cache, 'download-'));
	try {
		const needed = await Promise.all(packages.map(dependenciesOf));
		const libraries = needed.flat().filter((one) => /^(lib|lua)/.test(one) && one !== 'libc6');
		const wanted = [...packages, ...(await missingOf([...new Set(libraries)]))];
		say(`${wanted.join(', ')} from this machine's own Debian release, into .cache/bench`);
		await run('apt-get', ['-q', '-o', 'APT::Sandbox::User=root', 'download', ...wanted], { cwd: draft });
		for (const archive of (await readdir(draft)).filter((file) => file.endsWith('.deb'))) {
			await run('dpkg', ['-x', archive, 'all'], { cwd: draft });
		}
		await rename(join(draft, 'all'), folder);
	} catch (error) {
		const text = String(error.stderr || error.message).trim();
		throw new Error(`${name} cannot be had (apt-get update may help, or install it): ${text}`, {
			cause: error,
		});
	} finally {
		await rm(draft, { recursive: true, force: true });
	}
}

async function dependenciesOf(name) {
	const { stdout } = await run('apt-cache', ['depends', '--important', name]);
	return [...stdout.matchAll(/^ *\|?(?:Pre)?Depends: ([a-z0-9][^\s<>]*)$/gm)].map(([, one]) => one);
}

async function missingOf(names) {
	const are = await Promise.all(
		names.map((name) =>
			run('dpkg-query', ['-W', '-f', `\${Status}`, name]).then(
				({ stdout }) => stdout.endsWith(' installed'),
				() => false,
			),
		),
	);
	return names.filter((_, place) => ownOnly || !are[place]);
}
