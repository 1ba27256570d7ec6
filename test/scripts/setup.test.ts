import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, cp, mkdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { packageRoot } from '../../src/base/package.ts';
import { tempDir } from '../support/temp.ts';

const pinned = '2.14.3';
const architecture = process.arch === 'arm64' ? 'arm64' : 'amd64';

type Run = { code: number; stderr: string };

function run(file: string, args: string[], env: Record<string, string>): Promise<Run> {
	return new Promise((resolve) => {
		execFile(file, args, { env }, (error, _stdout, stderr) => {
			resolve({ code: error === null ? 0 : Number(error.code), stderr });
		});
	});
}

async function writeProgram(path: string, body: string): Promise<void> {
	await mkdir(dirname(path), { recursive: true });
	await writeFile(path, `#!/bin/sh\n${body}\n`);
	await chmod(path, 0o755);
}

const writeServer = (path: string, version: string) => writeProgram(path, `echo "nats-server: v${version}"`);

/** A copy of the scripts, with a PATH that holds only the programs named. */
async function makeCheckout(root: string, programs: readonly string[] = []) {
	await cp(join(packageRoot, 'scripts'), join(root, 'scripts'), { recursive: true });
	const bin = join(root, 'bin');
	await mkdir(bin);
	for (const program of programs) {
		const found = ['/usr/bin', '/bin']
			.map((folder) => join(folder, program))
			.find((path) => existsSync(path));
		if (found === undefined) throw new Error(`this test needs ${program}`);
		await symlink(found, join(bin, program));
	}
	// Port 9 is nobody's: no test reaches out into the world.
	const offline = { PATH: bin, STEWARD_NATS_RELEASES: 'http://127.0.0.1:9' };
	const provide = (env: Record<string, string> = {}) =>
		run(process.execPath, [join(root, 'scripts', 'nats-server.mjs')], { ...offline, ...env });
	return { bin, provide, cached: join(root, '.cache', 'nats-server') };
}

/** The releases of a project, as an HTTP server of this test. */
async function standIn(root: string, sumOf: (archive: Buffer) => string) {
	const name = `nats-server-v${pinned}-linux-${architecture}`;
	await writeServer(join(root, name, 'nats-server'), pinned);
	await promisify(execFile)('tar', ['-czf', 'release.tar.gz', name], { cwd: root });
	const archive = await readFile(join(root, 'release.tar.gz'));
	const files: Record<string, string | Buffer> = {
		[`/v${pinned}/SHA256SUMS`]: `${'0'.repeat(64)}  other.zip\n${sumOf(archive)}  ${name}.tar.gz\n`,
		[`/v${pinned}/${name}.tar.gz`]: archive,
	};
	const server = createServer((request, answer) => {
		const file = files[request.url ?? ''];
		answer.statusCode = file === undefined ? 404 : 200;
		answer.end(file);
	}).listen(0, '127.0.0.1');
	await once(server, 'listening');
	const address = server.address();
	if (address === null || typeof address === 'string') throw new Error('no port');
	return {
		url: `http://127.0.0.1:${address.port}`,
		async [Symbol.asyncDispose]() {
			server.closeAllConnections();
			server.close();
			await once(server, 'close');
		},
	};
}

test('an explicit NATS_SERVER is used, and refused with its reason instead of passed over', async () => {
	await using dir = await tempDir();
	const { bin, provide } = await makeCheckout(dir.path);
	await writeServer(join(bin, 'nats-server'), '2.15.0');
	const mine = join(dir.path, 'mine');
	await writeServer(mine, '2.14.3');
	expect(await provide({ NATS_SERVER: mine })).toEqual({ code: 0, stderr: '' });
	await writeServer(mine, '2.14.2');
	const refused = await provide({ NATS_SERVER: mine });
	expect(refused.code).toBe(1);
	expect(refused.stderr).toContain(`NATS_SERVER=${mine}: is 2.14.2, older than ${pinned}`);
	expect(refused.stderr).not.toContain('PATH:');
});

test('looks on PATH, then in the cache, and downloads only after both', async () => {
	await using dir = await tempDir();
	const { bin, provide, cached } = await makeCheckout(dir.path);
	await writeServer(join(bin, 'nats-server'), '2.15.1');
	expect(await provide()).toEqual({ code: 0, stderr: '' });
	await writeServer(join(bin, 'nats-server'), '2.10.0');
	await writeServer(cached, '2.14.3');
	expect(await provide()).toEqual({ code: 0, stderr: '' });
	await rm(cached);
	expect((await provide()).stderr).toContain('[setup] trying nats-server');
});

test('when all ways fail, one error lists each with its reason, and says what to do', async () => {
	await using dir = await tempDir();
	const { bin, provide, cached } = await makeCheckout(dir.path);
	await writeServer(join(bin, 'nats-server'), '2.10.0');
	await writeServer(cached, '2.14.3-RC.1');
	const { code, stderr } = await provide();
	expect(code).toBe(1);
	expect(stderr).toContain('error: there is no usable nats-server. Tried:');
	expect(stderr).toContain(
		`- nats-server on PATH: ${join(bin, 'nats-server')} is 2.10.0, older than ${pinned}`,
	);
	expect(stderr).toContain(`- .cache/nats-server: is 2.14.3-RC.1, older than ${pinned}`);
	expect(stderr).toContain('- Debian package: apt-get was not found');
	expect(stderr).toMatch(/- release 2\.14\.3: \S+/);
	expect(stderr).toContain('point NATS_SERVER at one');
});

test('a release whose sum is the published one is unpacked into the cache', async () => {
	await using dir = await tempDir();
	await using releases = await standIn(dir.path, (archive) =>
		createHash('sha256').update(archive).digest('hex'),
	);
	const { provide, cached } = await makeCheckout(dir.path, ['tar', 'gzip']);
	const first = await provide({ STEWARD_NATS_RELEASES: releases.url });
	expect(first.stderr).toContain(`nats-server ${pinned} is in .cache/nats-server`);
	expect(first.code).toBe(0);
	expect((await stat(cached)).mode & 0o111).toBe(0o111);
	expect(await provide()).toEqual({ code: 0, stderr: '' });
});

test('a release with another sum is refused, and nothing of it stays', async () => {
	await using dir = await tempDir();
	await using releases = await standIn(dir.path, () => 'f'.repeat(64));
	const { provide, cached } = await makeCheckout(dir.path, ['tar', 'gzip']);
	const { code, stderr } = await provide({ STEWARD_NATS_RELEASES: releases.url });
	expect(code).toBe(1);
	expect(stderr).toContain('has not the published SHA-256 sum; refused');
	expect(existsSync(cached)).toBe(false);
});

test('a Debian package comes from the mirror of this machine, signed, and is not installed', async (context) => {
	const keyring = ['gpg', 'pgp']
		.map((ending) => `/usr/share/keyrings/debian-archive-keyring.${ending}`)
		.find((path) => existsSync(path));
	if (keyring === undefined) return context.skip('this machine has no Debian archive keyring');
	await using dir = await tempDir();
	const { bin, provide, cached } = await makeCheckout(dir.path, ['mkdir', 'cat', 'chmod']);
	await writeServer(join(dir.path, 'packaged'), '2.15.1');
	await writeProgram(
		join(bin, 'apt-get'),
		`echo "$@" >> ${dir.path}/apt.log
		case "$*" in
			*indextargets*) printf 'https://mirror.invalid/debian-security/\\nhttps://mirror.invalid/debian/\\n' ;;
			*update*) for o in "$@"; do case "$o" in Dir::Etc::SourceList=*) cat "\${o#*=}" >> ${dir.path}/apt.log ;; esac; done ;;
			*download*) echo archive > nats-server.deb ;;
		esac`,
	);
	await writeProgram(
		join(bin, 'dpkg'),
		`mkdir -p "$3/usr/sbin" && cat ${dir.path}/packaged > "$3/usr/sbin/nats-server"`,
	);
	const { code, stderr } = await provide();
	expect(stderr).toContain('nats-server 2.15.1 is in .cache/nats-server');
	expect(code).toBe(0);
	expect(existsSync(cached)).toBe(true);
	const log = await readFile(join(dir.path, 'apt.log'), 'utf8');
	expect(log).toContain(`deb [signed-by=${keyring}] https://mirror.invalid/debian/ forky main`);
	expect(log).not.toMatch(/trusted=yes|mirror\.invalid\/debian-security\/ forky/);
});

/** A clone whose npm and compiler are stand-ins that note each call. */
async function makeClone(root: string) {
	const { bin } = await makeCheckout(root);
	const log = join(root, 'calls');
	await writeProgram(
		join(bin, 'npm'),
		`echo "npm $*" >> ${log}
		[ "$1" = ci ] && [ -e ${root}/npm-ci-refuses ] && exit 1
		mkdir -p node_modules/.bin && cp ${root}/tsc ${root}/vite node_modules/.bin/`,
	);
	await writeProgram(
		join(root, 'tsc'),
		`echo "tsc $*" >> ${log}; mkdir -p dist/cli; echo > dist/cli/main.js`,
	);
	await writeProgram(join(root, 'vite'), 'mkdir -p dist/web');
	await writeFile(
		join(root, 'scripts', 'bundle.mjs'),
		"import fs from 'node:fs'; fs.mkdirSync('dist/bin', { recursive: true }); fs.writeFileSync('dist/bin/steward.js', '');",
	);
	await mkdir(join(root, 'src'));
	for (const file of [
		'package-lock.json',
		'tsconfig.json',
		'tsconfig.build.json',
		'scripts/zod-in-parts.mjs',
		'src/one.ts',
	]) {
		await writeFile(join(root, file), '{}');
	}
	await writeServer(join(bin, 'nats-server'), '2.15.1');
	await symlink(process.execPath, join(bin, 'node'));
	return {
		bin,
		setup: () => run(join(root, 'scripts', 'setup'), [], { PATH: `${bin}:/usr/bin:/bin` }),
		async calls() {
			const text = await readFile(log, 'utf8');
			await writeFile(log, '');
			return text.split('\n').flatMap((line) => /^npm ci|^npm install --no-save|^tsc/.exec(line)?.[0] ?? []);
		},
	};
}

test('a fresh clone gets packages and a build; after that only what changed is done again', async () => {
	await using dir = await tempDir();
	const { setup, calls } = await makeClone(dir.path);
	const first = await setup();
	expect(first.stderr).toContain('npm link');
	expect(first.code).toBe(0);
	expect(await calls()).toEqual(['npm ci', 'tsc']);
	expect((await stat(join(dir.path, 'dist/bin/steward.js'))).mode & 0o111).toBe(0o111);
	expect((await stat(join(dir.path, 'node_modules/.bin/steward'))).isFile()).toBe(true);

	expect(await setup()).toEqual({ code: 0, stderr: '' });
	expect(await calls()).toEqual([]);

	await writeFile(join(dir.path, 'src/one.ts'), 'changed');
	await setup();
	expect(await calls()).toEqual(['tsc']);
	await writeFile(join(dir.path, 'package-lock.json'), '{"changed":true}');
	await setup();
	expect(await calls()).toEqual(['npm ci', 'tsc']);
	await rm(join(dir.path, 'dist/bin/steward.js'));
	await setup();
	expect(await calls()).toEqual(['tsc']);
});

test('where npm ci refuses the lock file, the same versions are installed by npm install', async () => {
	await using dir = await tempDir();
	const { setup, calls } = await makeClone(dir.path);
	await writeFile(join(dir.path, 'npm-ci-refuses'), '');
	expect((await setup()).code).toBe(0);
	expect(await calls()).toEqual(['npm ci', 'npm install --no-save', 'tsc']);
});

test('three set-ups at once do the work once', async () => {
	await using dir = await tempDir();
	const { setup, calls } = await makeClone(dir.path);
	const runs = await Promise.all([setup(), setup(), setup()]);
	expect(runs.map(({ code }) => code)).toEqual([0, 0, 0]);
	expect(await calls()).toEqual(['npm ci', 'tsc']);
});

test('a Node.js that is too old is refused by its version', async () => {
	await using dir = await tempDir();
	const { bin, setup } = await makeClone(dir.path);
	await rm(join(bin, 'node'));
	await writeProgram(join(bin, 'node'), 'echo v20.18.1');
	const { code, stderr } = await setup();
	expect(code).toBe(1);
	expect(stderr).toContain('this is Node.js v20.18.1, 20.19 or newer is needed');
});
