/**
 * Owns the commands about keys that are there: enrolled, revoke, rotate, keys push.
 * Promises that what takes rights back is written down before the broker is told, and says so where it could not be told.
 * Who dies in between has it kept: the next command tells the broker.
 */

import { StewardError } from '../../base/errors.ts';
import { counted } from '../../base/text.ts';
import { currentByName, type Enrolment } from '../../domain/enrolled.ts';
import { revoke } from '../../security/enrolment.ts';
import { changeKeyFolder, type KeyFolder, readKeyFolder } from '../../security/key-folder.ts';
import { makeServerCertificate, renewOwnUsers } from '../../security/new-fleet.ts';
import { addSigningKeys, behindRotation, finishRotation, isTold } from '../../security/rotation.ts';
import type { Cli, JsonFlag } from '../cli.ts';
import { exitCodes } from '../exit-codes.ts';
import { table } from '../render/table.ts';
import { ago } from '../render/time.ts';
import { type KeysFlags, keysPathOf, sayTrust, sayUntold, tellBroker } from './keys-folder.ts';

type Flags = KeysFlags & JsonFlag;
export type EnrolledFlags = Flags & { readonly all?: boolean };
export type RotateFlags = Flags & {
	readonly finish?: boolean;
	readonly yes?: boolean;
	readonly tls?: boolean;
};

export async function listEnrolled(cli: Cli, flags: EnrolledFlags): Promise<number> {
	const folder = await readKeyFolder(await keysPathOf(cli, flags));
	const current = [...currentByName(folder.enrolled).values()];
	const behind = new Set(behindRotation(folder, folder.enrolled));
	const listed = (flags.all ? folder.enrolled : current).map((one) => viewOf(one, behind));
	if (flags.json) {
		cli.stdout.line(JSON.stringify(listed));
		return exitCodes.done;
	}
	const nowMs = cli.clock.now();
	cli.stdout.line(
		table(
			listed,
			[
				{ title: 'NAME', cell: ({ name }) => name },
				{ title: 'ROLE', cell: ({ role }) => role },
				{ title: 'SINCE', cell: ({ at }) => ago(at, nowMs) },
				{ title: 'ENDS', cell: (one) => endOf(one, nowMs) },
				{ title: 'KEY', cell: ({ publicKey }) => publicKey, shrinks: true },
			],
			cli.stdout,
		),
	);
	if (!isTold(folder)) sayUntold(cli, 'it could not be reached when it changed');
	return exitCodes.done;
}

type EnrolledView = {
	readonly name: string;
	readonly role: string;
	readonly publicKey: string;
	readonly labels: Readonly<Record<string, string>>;
	readonly at: string;
	readonly expires: string | null;
	readonly revoked: string | null;
	/** Its credentials end when the rotation is finished. */
	readonly behind: boolean;
};

function viewOf(
	{ name, role, key, labels, at, expires, revoked }: Enrolment,
	behind: ReadonlySet<string>,
): EnrolledView {
	const time = (ms: number | undefined) => (ms === undefined ? null : new Date(ms).toISOString());
	return {
		...{ name, role, publicKey: key, labels, at: new Date(at).toISOString() },
		...{ expires: time(expires), revoked: time(revoked), behind: revoked === undefined && behind.has(name) },
	};
}

function endOf({ revoked, expires, behind }: EnrolledView, nowMs: number): string {
	if (revoked !== null) return `revoked ${ago(revoked, nowMs)}`;
	const rotation = behind ? ['with the rotation'] : [];
	if (expires === null) return rotation[0] ?? 'never';
	const isOver = Date.parse(expires) <= nowMs;
	return [`${isOver ? 'expired ' : ''}${ago(expires, nowMs)}`, ...rotation].join(', ');
}

export async function revokeNames(cli: Cli, names: readonly string[], flags: Flags): Promise<number> {
	const path = await keysPathOf(cli, flags);
	const { changed, untold } = await changeKeyFolder(path, async (folder) => {
		const enrolled = await revoke(folder, names, cli.clock.now());
		return {
			changed: enrolled.filter(({ name }) => names.includes(name)),
			untold: await tellBroker(cli, { ...folder, enrolled }, flags.servers),
		};
	});
	if (flags.json) cli.stdout.line(JSON.stringify({ revoked: names, told: untold === undefined }));
	else cli.stdout.line(`revoked ${names.join(', ')}${untold === undefined ? ': out from now on' : ''}`);
	sayUntold(cli, untold);
	sayTrust(cli, path, changed);
	return exitCodes.done;
}

export async function pushKeys(cli: Cli, flags: Flags): Promise<number> {
	const path = await keysPathOf(cli, flags);
	const untold = await changeKeyFolder(path, (folder) =>
		tellBroker(cli, { ...folder, fleet: { ...folder.fleet, told: {} } }, flags.servers),
	);
	if (untold !== undefined) throw new StewardError('no-broker', `the broker was not told: ${untold}`);
	cli.stdout.line(
		flags.json ? JSON.stringify({ told: true }) : 'the broker knows all accounts as they are now',
	);
	return exitCodes.done;
}

export async function rotate(cli: Cli, flags: RotateFlags): Promise<number> {
	const path = await keysPathOf(cli, flags);
	if (flags.tls) return rotateCertificate(cli, path, flags);
	const { behind, untold } = await changeKeyFolder(path, async (folder) => {
		const isOpen = folder.keys.signing.node.length > 1;
		if (flags.finish && !isOpen)
			throw new StewardError('refused', 'no rotation is under way: steward rotate begins one');
		if (!flags.finish && isOpen) {
			throw new StewardError('refused', 'a rotation is under way: steward rotate --finish ends it');
		}
		const behind = behindRotation(folder, folder.enrolled);
		if (flags.finish && !flags.yes && behind.length > 0) throw stillBehind(behind);
		const missing = flags.finish ? await tellBroker(cli, folder, flags.servers) : undefined;
		if (missing !== undefined) {
			throw new StewardError(
				'no-broker',
				`the broker does not know the new signing keys yet, and would let nobody in: ${missing}`,
			);
		}
		const changed = flags.finish ? await finish(cli, folder) : await begin(cli, folder);
		return {
			behind: flags.finish ? behind : behindRotation(changed, changed.enrolled),
			untold: await tellBroker(cli, changed, flags.servers),
		};
	});
	if (flags.json)
		cli.stdout.line(JSON.stringify({ finished: flags.finish === true, behind, told: untold === undefined }));
	else sayRotated(cli, behind, { path, finished: flags.finish === true });
	sayUntold(cli, untold);
	return exitCodes.done;
}

/** A ship that is away cannot be given new ones. */
function stillBehind(names: readonly string[]): StewardError {
	const some = names.slice(0, 10).join(', ');
	const others = names.length > 10 ? ` and ${counted(names.length - 10, 'other')}` : '';
	return new StewardError(
		'refused',
		`this would keep out ${some}${others}: give them new credentials first (steward enrol --renew NAME, and join there), or add --yes`,
		{ details: { behind: names } },
	);
}

/** Those who run here have new credentials at once: they use them when they start again. */
async function begin(cli: Cli, folder: KeyFolder): Promise<KeyFolder> {
	const changed = await addSigningKeys(folder);
	await renewOwnUsers(changed, cli.clock.now());
	return readKeyFolder(folder.path);
}

/** Who died in `begin` may have left those who run here their old ones, and would lock them out now. */
async function finish(cli: Cli, folder: KeyFolder): Promise<KeyFolder> {
	await renewOwnUsers(folder, cli.clock.now());
	return finishRotation(await readKeyFolder(folder.path));
}

function sayRotated(
	{ stdout, stderr, program }: Cli,
	behind: readonly string[],
	{ path, finished }: { readonly path: string; readonly finished: boolean },
): void {
	const names = behind.length === 0 ? 'nobody' : behind.join(', ');
	// Its list names the keys that vouch for ships: what is signed under others is told as not theirs.
	const how = `the centre learns by which keys it knows what ships state by: ${program} trust publish --keys ${path}`;
	stderr.line(stderr.paint('dim', how));
	if (finished) return stdout.line(`the old signing keys count no more; out with them: ${names}`);
	stdout.line('new signing keys are in use; the old ones count until steward rotate --finish');
	stdout.line(`credentials of the old ones have: ${names}`);
	stderr.line(
		stderr.paint(
			'dim',
			'next: steward enrol --renew NAME… and join again on each machine; start steward up again; then steward rotate --finish',
		),
	);
}

async function rotateCertificate(cli: Cli, path: string, { json }: RotateFlags): Promise<number> {
	await changeKeyFolder(path, ({ fleet }) => makeServerCertificate(path, fleet, cli.clock.now()));
	if (json) cli.stdout.line(JSON.stringify({ renewed: 'server.crt' }));
	else
		cli.stdout.line('the server has a new certificate: restart the broker, or nats-server --signal reload');
	return exitCodes.done;
}
