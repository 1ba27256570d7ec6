/**
 * Owns `steward init --secure`: a fleet with accounts, keys and TLS, made in one folder.
 * Promises that nothing but that folder is touched, that a second run changes nothing, and that no secret is printed.
 * Who dies in the middle has made nothing; run it again.
 */

import { hostname } from 'node:os';
import { join } from 'node:path';
import { isEveryAddress } from '../../base/address.ts';
import { StewardError } from '../../base/errors.ts';
import { serversOf } from '../../security/enrolment.ts';
import { fileNames, readKeyFolder } from '../../security/key-folder.ts';
import { makeFleet } from '../../security/new-fleet.ts';
import type { Cli, JsonFlag } from '../cli.ts';
import { exitCodes } from '../exit-codes.ts';
import { withoutUnset } from '../settings.ts';
import { type KeysFlags, keysPathOf } from './keys-folder.ts';
import { parseShards } from './streams.ts';

export type SecureFlags = KeysFlags &
	JsonFlag & {
		readonly host?: string;
		readonly port?: string;
		readonly serverName?: string;
		readonly shards?: string;
	};

const defaultPort = 4222;

export async function initSecure(cli: Cli, flags: SecureFlags): Promise<number> {
	const path = await keysPathOf(cli, flags);
	const host = flags.host ?? '0.0.0.0';
	const ofHost = isEveryAddress(host) ? hostname() : host;
	const made = await makeFleet(
		path,
		{
			host,
			port: portOf('--port', flags.port ?? defaultPort),
			names: flags.serverName === undefined ? [ofHost] : flags.serverName.split(','),
			...withoutUnset({
				shards: flags.shards && parseShards(flags.shards),
			}),
		},
		cli.clock.now(),
	);
	const { fleet } = await readKeyFolder(path);
	const servers = serversOf(fleet);
	if (flags.json) {
		cli.stdout.line(JSON.stringify({ keys: path, made, servers, config: join(path, fileNames.config) }));
		return exitCodes.done;
	}
	const { stdout, stderr, program } = cli;
	stdout.line(`${made ? 'made' : 'nothing changed: there are'} the keys of a fleet in ${path}`);
	stdout.line(`its broker will be at ${servers.join(', ')}`);
	const dim = (text: string) => stderr.line(stderr.paint('dim', text));
	dim(`keep a copy of the folder: who has ${fileNames.operator} has the fleet, and who loses it begins anew`);
	const keys = flags.keys === undefined ? '' : ` --keys ${flags.keys}`;
	dim(`next: ${program} enrol NAME --role operator${keys} (you), then ${program} up${keys}`);
	dim(`then: ${program} enrol ship1${keys} (a ship)`);
	return exitCodes.done;
}

function portOf(flag: string, text: string | number): number {
	if (typeof text === 'number') return text;
	const port = Number(text);
	if (Number.isInteger(port) && port >= 1 && port <= 65_535) return port;
	throw new StewardError('usage', `${flag}: expected a port from 1 to 65535, got "${text}"`);
}
