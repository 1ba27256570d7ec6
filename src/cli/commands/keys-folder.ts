/**
 * Owns which folder of keys a command means, and telling the broker what has changed in it.
 * Promises that what the broker could not be told is kept, said, and told by the next command.
 * Has no state of its own.
 */

import { join, resolve } from 'node:path';
import { isStewardError } from '../../base/errors.ts';
import type { Role } from '../../domain/trust.ts';
import { bringAccounts } from '../../jetstream/accounts.ts';
import { closeConnection, openConnection } from '../../jetstream/connection.ts';
import { parseCredentials } from '../../security/credentials.ts';
import { serversOf } from '../../security/enrolment.ts';
import { fileNames, type KeyFolder } from '../../security/key-folder.ts';
import { accountsNow, noteTold, systemCredentials, untoldAccounts } from '../../security/rotation.ts';
import type { Cli } from '../cli.ts';
import { loadSettings, withoutUnset } from '../settings.ts';

export type KeysFlags = {
	readonly keys?: string;
	readonly config?: string;
	readonly data?: string;
	readonly servers?: string;
};

/** The flag, the settings, or `keys` in the data folder. */
export async function keysPathOf(cli: Cli, { keys, config, data }: KeysFlags): Promise<string> {
	const flags = withoutUnset({ keys, data });
	const settings = await loadSettings(cli, config, flags);
	return resolve(cli.cwd, settings.keys ?? join(settings.data, 'keys'));
}

/** Where the broker is for whoever has the keys: where the flag says, where its clients go, or on this machine. */
function addressesOf({ fleet }: KeyFolder, servers: string | undefined): string[] {
	return servers?.split(',') ?? [...new Set([...serversOf(fleet), `tls://127.0.0.1:${fleet.port}`])];
}

/** Undefined when the broker knows everything; else why it could not be told. The folder must be held. */
export async function tellBroker(
	cli: Cli,
	folder: KeyFolder,
	servers: string | undefined,
): Promise<string | undefined> {
	const untold = untoldAccounts(folder);
	if (untold.length === 0) return undefined;
	try {
		const accounts = await accountsNow(folder);
		const connection = await openConnection({
			servers: addressesOf(folder, servers),
			name: 'steward keys',
			credentials: parseCredentials(await systemCredentials(folder, cli.clock.now())),
			tls: { ca: join(folder.path, fileNames.authority) },
		});
		try {
			await bringAccounts(
				connection,
				accounts.filter(({ name }) => untold.includes(name)),
			);
		} finally {
			await closeConnection(connection, cli.clock);
		}
		await noteTold(folder);
		return undefined;
	} catch (error) {
		if (isStewardError(error) && error.code !== 'storage') return error.message;
		throw error;
	}
}

/** The line for people where the broker does not know yet. */
export function sayUntold(cli: Cli, why: string | undefined): void {
	if (why === undefined) return;
	cli.stderr.line(`${cli.stderr.paint('yellow', 'the broker does not know it yet:')} ${why}`);
	cli.stderr.line('it is kept, and told with the next of these commands, or by steward keys push');
}

/** The line for people where nodes that are there already have to learn whom to trust from now on. */
export function sayTrust(cli: Cli, path: string, changed: readonly { readonly role: Role }[]): void {
	if (!changed.some(({ role }) => role === 'operator' || role === 'centre')) return;
	const { stderr, program } = cli;
	const how = `nodes that are there already learn of it by: ${program} trust publish --keys ${path}`;
	stderr.line(stderr.paint('dim', how));
}
