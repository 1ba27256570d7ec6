/**
 * Owns the provision of nats-server: it ends well if and only if there is one that steward will use.
 * Promises that nothing unsigned or unverified is ever run, and one error that names all ways that were tried.
 * A download becomes `.cache/nats-server` by a rename at its very end; cut off before, it leaves a temporary folder.
 *
 * Plain JavaScript without packages, because it runs before there are any. src/broker/find.ts looks in the same places.
 */

import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, copyFile, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { delimiter, isAbsolute, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

const oldest = '2.14.3';
/** The release that is downloaded where no package is to be had. */
const release = '2.14.3';
const releases =
	process.env.STEWARD_NATS_RELEASES ?? 'https://github.com/nats-io/nats-server/releases/download';
/** Debian suites that may have it, the steadier one first. */
const suites = ['forky', 'sid'];
const keyrings = [
	'/usr/share/keyrings/debian-archive-keyring.gpg',
	'/usr/share/keyrings/debian-archive-keyring.pgp',
];

const cache = fileURLToPath(new URL('../.cache/', import.meta.url));
const cached = join(cache, 'nats-server');

const say = (text) => process.stderr.write(`[setup] ${text}\n`);
/** Of an error, the line that says most: apt's own begin with "E:". */
function firstLine(error) {
	const text = String(error?.stderr || error?.cause?.message || error?.message || error).trim();
	return /^E: .*/m.exec(text)?.[0] ?? text.split('\n')[0];
}

/** Throws why the program at `path` cannot be used. */
async function check(path) {
	let answer;
	try {
		answer = (await run(path, ['--version'], { timeout: 10_000 })).stdout;
	} catch (error) {
		throw new Error(error.code === 'ENOENT' ? 'not there' : `does not run: ${firstLine(error)}`);
	}
	const version = /^nats-server: v(\d+\.\d+\.\d+\S*)/m.exec(answer)?.[1];
	if (version === undefined) throw new Error('is no nats-server: its --version says something else');
	if (!isAtLeast(version, oldest)) throw new Error(`is ${version}, older than ${oldest}`);
	return version;
}

/** A pre-release is older than its release. */
function isAtLeast(version, wanted) {
	const [numbers, ...preRelease] = version.split('-');
	const have = numbers.split('.').map(Number);
	for (const [index, number] of wanted.split('.').map(Number).entries()) {
		if (have[index] !== number) return have[index] > number;
	}
	return preRelease.length === 0;
}

async function onPath() {
	const folders = (process.env.PATH ?? '').split(delimiter).filter(isAbsolute);
	const reasons = [];
	for (const path of folders
		.map((folder) => join(folder, 'nats-server'))
		.filter((path) => existsSync(path))) {
		try {
			return await check(path);
		} catch (error) {
			reasons.push(`${path} ${error.message}`);
		}
	}
	throw new Error(reasons.join(', ') || 'not there');
}

/** Puts a program into the cache once it has proven itself. */
async function keep(path) {
	await chmod(path, 0o755);
	const version = await check(path);
	const draft = join(cache, `nats-server.${process.pid}.tmp`);
	await copyFile(path, draft);
	await rename(draft, cached);
	say(`nats-server ${version} is in .cache/nats-server`);
}

async function inTemporaryFolder(work) {
	const folder = await mkdtemp(join(cache, 'download-'));
	try {
		return await work(folder);
	} finally {
		await rm(folder, { recursive: true, force: true });
	}
}

/** The package of a newer Debian suite, from the mirrors that this machine uses, unpacked without being installed. */
async function fromDebian() {
	const mirrors = await debianMirrors();
	if (mirrors.length === 0) throw new Error('this machine names no Debian mirror');
	const keyring = await firstReadable(keyrings);
	const reasons = [];
	for (const mirror of mirrors) {
		for (const suite of suites) {
			say(`trying nats-server from Debian ${suite}, by this machine's own mirror`);
			try {
				return await inTemporaryFolder((folder) => unpackDebian(folder, mirror, suite, keyring));
			} catch (error) {
				reasons.push(`${suite}: ${firstLine(error)}`);
			}
		}
	}
	throw new Error(reasons.join(', '));
}

async function unpackDebian(folder, mirror, suite, keyring) {
	const list = join(folder, 'sources.list');
	await Promise.all(
		['lists/partial', 'cache/archives/partial'].map((name) => mkdir(join(folder, name), { recursive: true })),
	);
	await writeFile(list, `deb [signed-by=${keyring}] ${mirror} ${suite} main\n`);
	const settings = {
		'Dir::Etc::SourceList': list,
		'Dir::Etc::SourceParts': '/dev/null',
		'Dir::Etc::Preferences': '/dev/null',
		'Dir::Etc::PreferencesParts': '/dev/null',
		'Dir::State::Lists': join(folder, 'lists'),
		'Dir::Cache': join(folder, 'cache'),
		'Acquire::Languages': 'none',
		'Acquire::Retries': '1',
		'Acquire::AllowInsecureRepositories': 'false',
		'APT::Get::AllowUnauthenticated': 'false',
		'APT::Update::Error-Mode': 'any',
		// As root, apt would download as a user who may not write here. Without root it changes nothing.
		'APT::Sandbox::User': 'root',
	};
	const options = Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
	const at = { cwd: folder, timeout: 180_000, maxBuffer: 2 ** 24 };
	await run('apt-get', [...options, '-q', 'update'], at);
	await run('apt-get', [...options, '-q', 'download', 'nats-server'], at);
	const [archive] = (await readdir(folder)).filter((name) => name.endsWith('.deb'));
	if (archive === undefined) throw new Error('apt-get downloaded nothing');
	await run('dpkg', ['-x', archive, 'unpacked'], at);
	await keep(
		await firstReadable(['usr/sbin', 'usr/bin'].map((name) => join(folder, 'unpacked', name, 'nats-server'))),
	);
}

/** From apt's index; of a machine that has none yet, from its source files. Security mirrors carry no new suites. */
async function debianMirrors() {
	const { stdout } = await run('apt-get', [
		'indextargets',
		'--format',
		'$(REPO_URI)',
		'Created-By: Packages',
	]).catch((error) => {
		throw error.code === 'ENOENT' ? new Error('apt-get was not found: this is no Debian') : error;
	});
	let uris = stdout.split('\n');
	if (stdout.trim() === '') {
		const folder = '/etc/apt/sources.list.d';
		const names = (await readdir(folder).catch(() => [])).map((name) => join(folder, name));
		const texts = await Promise.all(
			['/etc/apt/sources.list', ...names].map((path) => readFile(path, 'utf8').catch(() => '')),
		);
		uris = texts
			.flatMap((text) => [...text.matchAll(/^(?:deb\s+(?:\[[^\]]*\]\s*)?(\S+)|URIs:\s*(.+))/gm)])
			.flatMap(([, oneLine, many]) => oneLine ?? many.trim().split(/\s+/));
	}
	const unique = [...new Set(uris.map((uri) => uri.trim()).filter((uri) => /^\w[\w+.-]*:\S+$/.test(uri)))];
	return unique.filter((uri) => !uri.includes('security'));
}

async function firstReadable(paths) {
	for (const path of paths) {
		if (
			await readFile(path).then(
				() => true,
				() => false,
			)
		)
			return path;
	}
	throw new Error(`${paths.join(' and ')}: not there`);
}

/** The project's own archive, checked against the sums that it publishes beside it. */
async function fromRelease() {
	const architecture = { x64: 'amd64', arm64: 'arm64' }[process.arch];
	if (architecture === undefined) throw new Error(`there is none for ${process.arch}`);
	const name = `nats-server-v${release}-linux-${architecture}`;
	say(`trying nats-server ${release} from ${releases}`);
	const sums = (await download(`${releases}/v${release}/SHA256SUMS`, 30_000)).toString('utf8');
	const line = sums
		.split('\n')
		.find((text) => text.trim().endsWith(` ${name}.tar.gz`) || text.trim().endsWith(`*${name}.tar.gz`));
	if (line === undefined) throw new Error(`SHA256SUMS does not list ${name}.tar.gz`);
	const archive = await download(`${releases}/v${release}/${name}.tar.gz`, 300_000);
	const sum = createHash('sha256').update(archive).digest('hex');
	if (sum !== line.trim().split(/\s+/)[0])
		throw new Error(`${name}.tar.gz has not the published SHA-256 sum; refused`);
	await inTemporaryFolder(async (folder) => {
		await writeFile(join(folder, 'archive.tar.gz'), archive);
		await run('tar', ['-xzf', 'archive.tar.gz', `${name}/nats-server`], { cwd: folder });
		await keep(join(folder, name, 'nats-server'));
	});
}

async function download(url, withinMs) {
	const answer = await fetch(url, { signal: AbortSignal.timeout(withinMs) });
	if (!answer.ok) throw new Error(`${url}: HTTP ${answer.status}`);
	return Buffer.from(await answer.arrayBuffer());
}

async function provide() {
	const explicit = process.env.NATS_SERVER;
	const ways = explicit
		? [[`NATS_SERVER=${explicit}`, () => check(explicit)]]
		: [
				['nats-server on PATH', onPath],
				['.cache/nats-server', () => check(cached)],
				['Debian package', fromDebian],
				[`release ${release}`, fromRelease],
			];
	const tried = [];
	for (const [name, way] of ways) {
		try {
			return await way();
		} catch (error) {
			tried.push(`  - ${name}: ${firstLine(error)}`);
		}
	}
	const next = explicit
		? 'Give another one, or unset NATS_SERVER and run again: then set-up looks for one itself.'
		: `Install nats-server ${oldest} or newer (https://github.com/nats-io/nats-server/releases) on PATH, or point NATS_SERVER at one, and run again.`;
	say(`error: there is no usable nats-server. Tried:\n${tried.join('\n')}\n${next}`);
	process.exitCode = 1;
}

await mkdir(cache, { recursive: true });
await provide();
