/**
 * Owns the certificates of a fleet: its own authority, and what that signs for a server.
 * Promises certificates that OpenSSL and Go accept (X.509 v3, ECDSA P-256), for exactly the names and addresses given.
 * Keeps nothing: who calls writes them down.
 *
 * Written here, because the fleet makes two kinds of certificate and reads none: the packages for it bring some thirty others.
 */

import {
	createHash,
	createPrivateKey,
	createPublicKey,
	generateKeyPairSync,
	type KeyObject,
	randomBytes,
	sign,
	X509Certificate,
} from 'node:crypto';
import { isIP } from 'node:net';
import { StewardError } from '../base/errors.ts';
import { bits, boolean, explicit, implicit, integer, octets, oid, sequence, set, time, utf8 } from './der.ts';

/** A certificate and the key that it is for, as PEM. */
export type CertificatePair = { readonly certificate: string; readonly key: string };

const dayMs = 86_400_000;
const authorityLivesMs = 10 * 365 * dayMs;
/** As long as public authorities may: an operator who renews at all then renews at least once a year. */
const serverLivesMs = 397 * dayMs;
/** The clock of a ship that has just woken up may be behind. */
const earlierMs = dayMs;

const ecdsaWithSha256 = sequence(oid('1.2.840.10045.4.3.2'));
const dnsPattern =
	/^(\*\.)?([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/;

/** A new authority, which signs itself. `name` is told wherever it is refused. */
export function newAuthority(name: string, nowMs: number): CertificatePair {
	const { privateKey, publicKey } = newKey();
	const extensions = [
		extension('2.5.29.19', sequence(boolean(true), integer(0n)), 'critical'),
		// keyCertSign, cRLSign.
		extension('2.5.29.15', bits(Buffer.from([0x06]), 1), 'critical'),
		extension('2.5.29.14', octets(keyIdOf(publicKey))),
	];
	const certificate = certify({
		subject: distinguishedName(name),
		issuer: distinguishedName(name),
		...{ publicKey, extensions, signer: privateKey },
		...{ fromMs: nowMs - earlierMs, untilMs: nowMs + authorityLivesMs },
	});
	return { certificate, key: pemOf(privateKey) };
}

/**
 * A new key and certificate for a server that is reached by `names`: host names (also `*.example.org`) and addresses.
 * @throws StewardError `invalid` for what is neither, or where the authority's certificate and key do not belong together.
 */
export function newServerCertificate(
	authority: CertificatePair,
	names: readonly string[],
	nowMs: number,
): CertificatePair {
	const issuer = new X509Certificate(authority.certificate);
	const signer = createPrivateKey(authority.key);
	if (!issuer.checkPrivateKey(signer)) {
		throw new StewardError('invalid', 'the key of the authority is not the one of its certificate');
	}
	const { privateKey, publicKey } = newKey();
	const extensions = [
		extension('2.5.29.19', sequence(), 'critical'),
		// digitalSignature.
		extension('2.5.29.15', bits(Buffer.from([0x80]), 7), 'critical'),
		// serverAuth; clientAuth, because a server is the client of its routes and of the hub that it is a leaf of.
		extension('2.5.29.37', sequence(oid('1.3.6.1.5.5.7.3.1'), oid('1.3.6.1.5.5.7.3.2'))),
		extension('2.5.29.17', sequence(...names.map(alternativeName))),
		extension('2.5.29.14', octets(keyIdOf(publicKey))),
		extension('2.5.29.35', sequence(implicit(0, keyIdOf(issuer.publicKey)))),
	];
	const certificate = certify({
		subject: distinguishedName(names[0] ?? 'server'),
		issuer: distinguishedName(commonNameOf(issuer)),
		...{ publicKey, extensions, signer },
		fromMs: nowMs - earlierMs,
		untilMs: Math.min(nowMs + serverLivesMs, Date.parse(issuer.validTo)),
	});
	return { certificate, key: pemOf(privateKey) };
}

/** Whether a certificate can name this: a host name, or an address. */
export function isServerName(name: string): boolean {
	return isIP(name) !== 0 || (name.length <= 253 && dnsPattern.test(name));
}

function newKey(): { publicKey: KeyObject; privateKey: KeyObject } {
	return generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
}

function certify(options: {
	subject: Buffer;
	issuer: Buffer;
	publicKey: KeyObject;
	extensions: readonly Buffer[];
	signer: KeyObject;
	fromMs: number;
	untilMs: number;
}): string {
	// 127 bits: positive, and never zero at its front.
	const serial = randomBytes(16);
	serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40;
	const body = sequence(
		explicit(0, integer(2n)),
		integer(BigInt(`0x${serial.toString('hex')}`)),
		ecdsaWithSha256,
		options.issuer,
		sequence(time(options.fromMs), time(options.untilMs)),
		options.subject,
		options.publicKey.export({ type: 'spki', format: 'der' }),
		explicit(3, sequence(...options.extensions)),
	);
	const der = sequence(body, ecdsaWithSha256, bits(sign('sha256', body, options.signer)));
	const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
	return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}

function extension(id: string, content: Buffer, critical?: 'critical'): Buffer {
	return critical ? sequence(oid(id), boolean(true), octets(content)) : sequence(oid(id), octets(content));
}

function distinguishedName(commonName: string): Buffer {
	return sequence(set(sequence(oid('2.5.4.3'), utf8(commonName))));
}

function commonNameOf({ subject }: X509Certificate): string {
	return /^CN=(.*)$/m.exec(subject)?.[1] ?? '';
}

function alternativeName(name: string): Buffer {
	if (!isServerName(name)) {
		throw new StewardError(
			'invalid',
			`a certificate cannot name "${name}": expected a host name such as hub.example.org, or an address`,
		);
	}
	const family = isIP(name);
	if (family === 0) return implicit(2, Buffer.from(name, 'ascii'));
	return implicit(7, family === 4 ? Buffer.from(name.split('.').map(Number)) : ipv6(name));
}

/** The URL parser knows every way to write one. */
function ipv6(address: string): Buffer {
	const [before = '', after] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::');
	const groups = (text: string) => (text === '' ? [] : text.split(':'));
	const [front, back] = [groups(before), groups(after ?? '')];
	const middle = Array<string>(8 - front.length - back.length).fill('0');
	const all = [...front, ...middle, ...back];
	return Buffer.from(all.map((group) => group.padStart(4, '0')).join(''), 'hex');
}

/** The usual name of a key: SHA-1 of what the certificate holds of it (RFC 5280, 4.2.1.2). It protects nothing. */
function keyIdOf(key: KeyObject): Buffer {
	const { x = '', y = '' } = createPublicKey({ key: key.export({ type: 'spki', format: 'pem' }) }).export({
		format: 'jwk',
	});
	const point = [Buffer.from([4]), Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')];
	return createHash('sha1').update(Buffer.concat(point)).digest();
}

function pemOf(key: KeyObject): string {
	return key.export({ type: 'pkcs8', format: 'pem' }).toString();
}
