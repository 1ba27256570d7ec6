/**
 * Owns the text of the nats-server's configuration for a fleet with accounts.
 * Promises that nobody is let in without a JWT of one of its accounts, that a PubAck means "on the disk", TLS before the first
 * byte where there is a certificate, and no listener but that for clients.
 * Pure. The accounts that it holds are for the first start: later ones come by the resolver, whose folder keeps them.
 */

import { isLoopback } from '../base/address.ts';
import { StewardError } from '../base/errors.ts';
import type { SignedAccount } from './accounts.ts';

export type ServerConfigOptions = {
	readonly operatorJwt: string;
	readonly accounts: readonly SignedAccount[];
	readonly host: string;
	/** 0 lets the server pick a free one. */
	readonly port: number;
	/** /healthz and its like, on loopback only; 8222 by default, 0 picks a free one. */
	readonly monitorPort?: number;
	readonly storeDir: string;
	/** Where the server keeps the accounts' JWTs. */
	readonly resolverDir: string;
	/** Upper bound of all file streams together, 10 GB by default. */
	readonly maxFileBytes?: number;
	readonly tls?: {
		readonly cert: string;
		readonly key: string;
		/** Clients' certificates are asked for, and checked against this. */
		readonly clientCa?: string;
	};
};

/** @throws StewardError `invalid` for a listener beyond loopback without TLS */
export function serverConfig(options: ServerConfigOptions): string {
	const { host, port, monitorPort = 8222, storeDir, resolverDir, maxFileBytes, tls } = options;
	if (!tls && !isLoopback(host)) {
		throw new StewardError(
			'invalid',
			`the broker would listen on ${host} without TLS: give it a certificate (steward init --secure makes one)`,
		);
	}
	const system = options.accounts.find(({ name }) => name === 'SYS');
	if (!system) throw new StewardError('invalid', 'the accounts lack SYS: make them with accountJwts');
	return `# nats-server for a fleet with accounts: made by steward init --secure, yours to change.
#
#     nats-server -c nats-server.conf

host: ${quoted(host)}
port: ${portOf(port)}

# /healthz, /varz, /jsz. Never open this to the network: it has no authentication.
http: ${quoted(`127.0.0.1:${portOf(monitorPort)}`)}
${tls ? `\n${tlsBlock(tls)}\n` : ''}
# A link that is cut without a goodbye is noticed after at most 15 s x (2 + 1), not after the default's six minutes.
ping_interval: "15s"
ping_max: 2

max_payload: 1MB
max_pending: 64MB
write_deadline: "10s"

# For \`nats-server --signal ldm\`: clients are asked to leave, spread over this long, before the server ends.
lame_duck_duration: "30s"
lame_duck_grace_period: "10s"

jetstream {
  store_dir: ${quoted(storeDir)}

  # A PubAck means: it is on the disk. Without this line a power failure takes what was acknowledged.
  sync_interval: always

  max_mem: 256MB
  max_file: ${maxFileBytes ?? '10GB'}
}

# Who signs accounts. Users are signed by accounts' keys, and the server need not know them.
operator: ${options.operatorJwt}
system_account: ${system.publicKey}

# Accounts' JWTs; \`steward revoke\` and \`steward rotate\` bring newer ones, and the newer one counts.
resolver {
  type: full
  dir: ${quoted(resolverDir)}
  allow_delete: false
  interval: "2m"
  limit: 1000
}
resolver_preload {
${options.accounts.map(({ name, publicKey, jwt }) => `  # ${name}\n  ${publicKey}: ${jwt}`).join('\n')}
}
`;
}

/** `handshake_first`: nothing is said before the handshake, so nobody in between can take TLS out of it. */
function tlsBlock({ cert, key, clientCa }: NonNullable<ServerConfigOptions['tls']>): string {
	const checks = clientCa === undefined ? [] : [`  ca_file: ${quoted(clientCa)}`, '  verify: true'];
	return [
		'tls {',
		`  cert_file: ${quoted(cert)}`,
		`  key_file: ${quoted(key)}`,
		...checks,
		'  handshake_first: true',
		'  min_version: "1.2"',
		'}',
	].join('\n');
}

function portOf(port: number): string {
	return port === 0 ? '-1' : String(port);
}

function quoted(text: string): string {
	return JSON.stringify(text);
}

/** What a configuration must say for accounts to be there at all: without one of these lines the server lets everybody in, or nobody. */
const lines = {
	operator: /^[ \t]*operator[ \t]*[:=]?[ \t]*\S/m,
	system_account: /^[ \t]*system_account[ \t]*[:=][ \t]*\S/m,
	resolver: /^[ \t]*resolver[ \t]*[:={]/m,
	resolver_preload: /^[ \t]*resolver_preload[ \t]*[:={]/m,
};

/** Why a server with this configuration has not the accounts of a fleet; undefined where it has. */
export function accountsProblem(text: string): string | undefined {
	const missing = Object.entries(lines).flatMap(([name, line]) => (line.test(text) ? [] : [name]));
	if (missing.length > 0)
		return `it has no line "${missing.join('", "')}", and without accounts the broker would let everybody in`;
	return /^[ \t]*no_auth_user[ \t]*[:=]/m.test(text)
		? 'it has a line "no_auth_user", with which the broker lets everybody in'
		: undefined;
}
