import { execFileSync, spawnSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { isServerName, newAuthority, newServerCertificate } from '../../src/security/certificates.ts';
import { tempDir } from '../support/temp.ts';

const nowMs = Date.parse('2026-11-22T10:00:00Z');
const dayMs = 86_400_000;
const hasOpenssl = spawnSync('openssl', ['version']).status === 0;

describe('a certificate of the fleet', () => {
	const authority = newAuthority('steward fleet', nowMs);
	const names = ['hub.example.org', '*.ships.example.org', '127.0.0.1', '2001:db8::17'];
	const server = newServerCertificate(authority, names, nowMs);
	const certificate = new X509Certificate(server.certificate);

	test('holds for the names and addresses that were asked for, and for no other', () => {
		expect(certificate.checkHost('hub.example.org')).toBe('hub.example.org');
		expect(certificate.checkHost('a.ships.example.org')).toBe('*.ships.example.org');
		expect(certificate.checkHost('other.example.org')).toBeUndefined();
		expect(certificate.checkIP('127.0.0.1')).toBe('127.0.0.1');
		expect(certificate.checkIP('2001:db8:0:0::17')).toBe('2001:db8:0:0::17');
		expect(certificate.checkIP('127.0.0.2')).toBeUndefined();
	});

	test('is signed by the authority, and by no other one of the same name', () => {
		const ca = new X509Certificate(authority.certificate);
		const other = new X509Certificate(newAuthority('steward fleet', nowMs).certificate);
		expect(certificate.verify(ca.publicKey) && certificate.checkIssued(ca)).toBe(true);
		expect(certificate.verify(other.publicKey)).toBe(false);
		expect([ca.ca, certificate.ca]).toEqual([true, false]);
	});

	test('counts from a day before it was made, for a year and a month', () => {
		expect(Date.parse(certificate.validFrom)).toBe(nowMs - dayMs);
		expect(Date.parse(certificate.validTo)).toBe(nowMs + 397 * dayMs);
	});

	test('ends with its authority at the latest', () => {
		const late = newServerCertificate(authority, names, nowMs + 3600 * dayMs);
		const end = new X509Certificate(authority.certificate).validTo;
		expect(new X509Certificate(late.certificate).validTo).toBe(end);
	});

	test.skipIf(!hasOpenssl)('passes the strict checks of OpenSSL', async () => {
		await using dir = await tempDir();
		const [ca, one] = [join(dir.path, 'ca.crt'), join(dir.path, 'server.crt')];
		await writeFile(ca, authority.certificate);
		await writeFile(one, server.certificate);
		const check = (...args: string[]) =>
			execFileSync('openssl', ['verify', '-x509_strict', '-attime', String(nowMs / 1000), ...args], {
				encoding: 'utf8',
				stdio: 'pipe',
			});
		const purpose = ['-purpose', 'sslserver', '-verify_hostname', 'hub.example.org'];
		expect(check('-CAfile', ca, ...purpose, one)).toBe(`${one}: OK\n`);
		expect(() => check('-CAfile', ca, '-verify_hostname', 'other.example.org', one)).toThrow(/mismatch/);
	});

	test('is refused for what is no name, and by a key that is not the authority’s', () => {
		for (const name of ['a b', 'hub_1', '-hub', 'hub.', '', '1.2.3.4.5/8']) {
			expect(isServerName(name), name).toBe(false);
			expect(() => newServerCertificate(authority, [name], nowMs)).toThrow(/cannot name/);
		}
		const mixed = { certificate: authority.certificate, key: newAuthority('x', nowMs).key };
		expect(() => newServerCertificate(mixed, names, nowMs)).toThrow(/not the one of its certificate/);
	});

	test('may be needed beyond 2049', () => {
		const far = Date.parse('2060-01-01T00:00:00Z');
		expect(Date.parse(new X509Certificate(newAuthority('far', far).certificate).validFrom)).toBe(far - dayMs);
	});
});
