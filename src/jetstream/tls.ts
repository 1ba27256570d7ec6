/**
 * Owns the TLS of a connection: whether it is meant, and the options that the client takes for it.
 * Promises that where TLS is meant nothing is said without it, whatever the server offers, and that the server's certificate is
 * checked against the name or address that was asked for.
 * Keeps nothing: the client reads the files, at each connect.
 */

import { access, constants } from 'node:fs/promises';
import { isIP } from 'node:net';
import type { TlsOptions } from '@nats-io/transport-node';
import { isLoopback, unbracketed } from '../base/address.ts';
import { StewardError } from '../base/errors.ts';
import type { TlsSettings } from '../domain/config.ts';

/** `false`: none. Undefined: where an address or the credentials ask for it. */
export type TlsChoice = Partial<TlsSettings> | false | undefined;

type Asked = {
	readonly servers: readonly string[];
	readonly tls?: TlsChoice;
	readonly credentials?: unknown;
};

/** What the client does not name, and hands to Node's `tls.connect`. */
type NodeTls = { readonly servername?: string; readonly host?: string };

/** @throws StewardError `invalid` */
export function tlsOptions({ servers, tls, credentials }: Asked): { tls?: TlsOptions & NodeTls } {
	const isBeyond = servers.some((server) => !isLoopback(hostOf(server)));
	const isMeant = tls ?? (servers.some((server) => /^(tls|wss):/.test(server)) || (credentials && isBeyond));
	if (!isMeant) return {};
	const { ca, cert, key, serverName, handshakeFirst = true } = tls || {};
	return {
		tls: {
			...(ca !== undefined && { caFile: ca }),
			...(cert !== undefined && { certFile: cert }),
			...(key !== undefined && { keyFile: key }),
			...(serverName !== undefined && { servername: serverName }),
			...(handshakeFirst ? { handshakeFirst } : checkedHost(servers, serverName)),
		},
	};
}

/** @throws StewardError `invalid` for a file that cannot be read */
export async function checkTlsFiles({ tls }: Pick<Asked, 'tls'>): Promise<void> {
	for (const name of ['ca', 'cert', 'key'] as const) {
		const path = tls ? tls[name] : undefined;
		try {
			if (path !== undefined) await access(path, constants.R_OK);
		} catch (error) {
			throw new StewardError('invalid', `tls.${name}: ${path} cannot be read`, { cause: error });
		}
	}
}

/**
 * The client does not tell Node the address of a server that greets before TLS; a certificate would be checked against the name
 * `localhost` where the address has no name.
 */
function checkedHost(servers: readonly string[], serverName: string | undefined): NodeTls {
	const [first = ''] = servers;
	if (serverName !== undefined || servers.every((server) => isIP(hostOf(server)) === 0)) return {};
	if (servers.length === 1) return { host: hostOf(first) };
	throw new StewardError(
		'invalid',
		'tls.handshakeFirst: with several servers give names in the place of addresses, or tls.serverName',
	);
}

function hostOf(server: string): string {
	const { hostname } = new URL(server.includes('://') ? server : `nats://${server}`);
	return unbracketed(hostname);
}
