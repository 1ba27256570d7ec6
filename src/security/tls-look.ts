/**
 * Owns a look at a server's TLS: what it offers, and whether its certificate holds.
 * Promises to say what is wrong rather than to stop at it, and to end within its deadline.
 * Keeps nothing.
 */

import { connect, type TLSSocket } from 'node:tls';
import { messageOf } from '../base/errors.ts';

export type TlsLook =
	| { readonly problem: string }
	| {
			readonly protocol: string;
			readonly cipher: string;
			/** Why the certificate is not trusted, if it is not: chain, name, dates. */
			readonly untrusted: string | undefined;
			readonly from: number;
			readonly until: number;
	  };

/**
 * @param ca PEM of the authorities that count; the system's, if none.
 * @param serverName What the certificate has to be for, where that is not `host`.
 */
export function lookAtTls(
	{ host, port, ca, serverName }: { host: string; port: number; ca?: string; serverName?: string },
	timeoutMs: number,
): Promise<TlsLook> {
	return new Promise((resolve) => {
		// Looked at, whatever it shows; nothing is sent over it.
		const socket = connect({
			...{ host, port, timeout: timeoutMs, rejectUnauthorized: false },
			...(ca !== undefined && { ca }),
			...(serverName !== undefined && { servername: serverName }),
		});
		const end = (look: TlsLook) => {
			socket.destroy();
			resolve(look);
		};
		socket.once('secureConnect', () => end(readLook(socket)));
		socket.once('timeout', () => end({ problem: 'no TLS handshake within the time' }));
		socket.once('error', (error) => end({ problem: messageOf(error) }));
	});
}

function readLook(socket: TLSSocket): TlsLook {
	const { valid_from, valid_to } = socket.getPeerCertificate();
	const { authorizationError } = socket;
	return {
		protocol: socket.getProtocol() ?? 'none',
		cipher: socket.getCipher().name,
		untrusted: socket.authorized ? undefined : String(authorizationError),
		from: Date.parse(valid_from),
		until: Date.parse(valid_to),
	};
}
