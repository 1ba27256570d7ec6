/**
 * Owns the binding of a unix socket that is a lock as well: whoever listens at the path is the one.
 * Promises that of any number of starters exactly one binds, that the socket of a process which died is taken over,
 * and that one which lives is never touched.
 * A crash leaves a socket that refuses connections, or a claim of a dead process: both are taken over at the next start.
 *
 * A socket is bound and listening under a name of its own before link() gives it the real one; link() fails if the
 * name is taken, so nobody ever sees a socket that is not yet alive, and only one of many gets the name. The one step
 * left is the removal of a dead socket: a slow rival must not remove the live one that has come in its place. So only
 * the holder of a claim on exactly that dead socket (inode and time of creation) may remove it. Claims are files made by
 * link(), numbered: the next number may be made only when the process of the last one is dead.
 */

import { chmod, lstat, mkdir, readdir, readFile, rm, unlink, writeFile } from 'node:fs/promises';
import { connect, type Server } from 'node:net';
import { basename, dirname, join } from 'node:path';
import type { Clock } from '../../base/clock.ts';
import { StewardError, systemCodeOf } from '../../base/errors.ts';
import { linkExclusively } from '../../base/files.ts';
import { randomToken } from '../../base/ids.ts';
import { isSameProcess, parseProcessIdentity, processIdentity } from '../../base/process.ts';

/** How often to look again while another starter removes a dead socket, and how long in between. */
const looks = 100;
const lookEveryMs = 20;

/**
 * Makes `server` listen at `path`, mode 0600; close the server after `release`, and also when this rejects.
 * @throws StewardError `already-running` when a process listens there, `storage` when something else is there.
 */
export async function bindAlone(
	server: Server,
	path: string,
	clock: Clock,
): Promise<{ release(): Promise<void> }> {
	const folder = dirname(path);
	await mkdir(folder, { recursive: true, mode: 0o700 });
	// As long as `node.sock`, so that it fits wherever the path itself does.
	const draft = join(folder, `.${randomToken().slice(0, 8)}`);
	await listen(server, draft);
	try {
		await chmod(draft, 0o600);
		for (let look = 1; !(await linkExclusively(draft, path)); look += 1) {
			const dead = await deadSocketAt(path);
			if (dead === undefined || (await removeDead(path, dead))) continue;
			if (look > looks) throw alreadyRunning(path, 'another process is just starting there');
			await clock.sleep(lookEveryMs);
		}
		const own = await identityAt(path);
		return { release: () => removeIf(path, own) };
	} finally {
		await unlink(draft);
	}
}

function listen(server: Server, path: string): Promise<void> {
	return new Promise((resolve, reject) => {
		server.once('error', reject);
		server.listen(path, () => {
			server.off('error', reject);
			resolve();
		});
	});
}

/** The identity of the dead socket at `path`; undefined if nothing is there any more; throws if somebody answers. */
async function deadSocketAt(path: string): Promise<string | undefined> {
	const stats = await statsAt(path);
	if (stats === undefined) return undefined;
	if (!stats.isSocket()) {
		throw new StewardError(
			'storage',
			`${path} is not a socket; move it away, the node binds its socket there`,
			{
				details: { path },
			},
		);
	}
	const before = `${stats.dev}-${stats.ino}-${stats.mtimeNs}`;
	const code = await probe(path);
	if (code === 'ENOENT') return undefined;
	if (code === 'ECONNREFUSED') return before;
	throw alreadyRunning(path, code === undefined ? 'it answers' : `it cannot be asked: ${code}`);
}

function alreadyRunning(path: string, evidence: string): StewardError {
	return new StewardError(
		'already-running',
		`a node already runs on this store, at the socket ${path} (${evidence}); stop it first, or give this one another data folder`,
		{ details: { path } },
	);
}

/** Undefined when somebody listens; otherwise the system's code. */
function probe(path: string): Promise<string | undefined> {
	return new Promise((resolve) => {
		const socket = connect(path);
		socket.once('connect', () => {
			socket.destroy();
			resolve(undefined);
		});
		socket.once('error', (error) => resolve(systemCodeOf(error) ?? 'unknown'));
	});
}

/** Answers false when another process has the claim: it removes the socket. */
async function removeDead(path: string, dead: string): Promise<boolean> {
	const prefix = `${basename(path)}.claim-${dead}-`;
	if (!(await takeClaim(dirname(path), prefix))) return false;
	await removeIf(path, dead);
	// Only now, when that dead socket is gone for good: claims on it mean nothing any more.
	for (const name of await claimsIn(dirname(path), prefix))
		await rm(join(dirname(path), name), { force: true });
	return true;
}

async function takeClaim(folder: string, prefix: string): Promise<boolean> {
	const last = (await claimsIn(folder, prefix)).at(-1);
	if (last !== undefined && (await isHeld(join(folder, last)))) return false;
	const number = last === undefined ? 0 : Number(last.slice(prefix.length)) + 1;
	const draft = join(folder, `.${randomToken()}`);
	await writeFile(draft, JSON.stringify(processIdentity(process.pid)), { mode: 0o600 });
	try {
		return await linkExclusively(draft, join(folder, `${prefix}${String(number).padStart(6, '0')}`));
	} finally {
		await rm(draft, { force: true });
	}
}

/** A claim gets its name when it is wholly written: one that cannot be read was cut by a power loss, and its holder is dead. */
async function isHeld(claim: string): Promise<boolean> {
	try {
		const holder = parseProcessIdentity(await readFile(claim, 'utf8'));
		return holder !== undefined && isSameProcess(holder);
	} catch (error) {
		if (systemCodeOf(error) === 'ENOENT') return true;
		throw error;
	}
}

async function claimsIn(folder: string, prefix: string): Promise<string[]> {
	return (await readdir(folder)).filter((name) => name.startsWith(prefix)).sort();
}

async function removeIf(path: string, identity: string | undefined): Promise<void> {
	if (identity !== undefined && (await identityAt(path)) === identity) await rm(path, { force: true });
}

/** Device, inode and time of creation; links and modes do not change them, and no later socket has the same. */
async function identityAt(path: string): Promise<string | undefined> {
	const stats = await statsAt(path);
	return stats && `${stats.dev}-${stats.ino}-${stats.mtimeNs}`;
}

async function statsAt(path: string) {
	try {
		return await lstat(path, { bigint: true });
	} catch (error) {
		if (systemCodeOf(error) === 'ENOENT') return undefined;
		throw error;
	}
}
