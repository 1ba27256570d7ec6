import { writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { newAuthority, newServerCertificate } from '../../src/security/certificates.ts';
import { addToken } from '../../src/security/tokens.ts';
import { startHttp } from '../support/http.ts';
import { tempDir } from '../support/temp.ts';

type Asked = {
	readonly method?: string;
	readonly headers?: Readonly<Record<string, string>>;
	readonly body?: string;
};

function ask(url: string, ca: string, { method = 'GET', headers = {}, body }: Asked = {}) {
	return new Promise<{ status: number; headers: Headers; text: string }>((resolve, reject) => {
		const type = method === 'GET' ? {} : { 'content-type': 'application/json' };
		const asked = request(url, { ca, method, headers: { ...type, ...headers } }, (answer) => {
			let text = '';
			answer.setEncoding('utf8').on('data', (piece) => {
				text += piece;
			});
			answer.once('end', () => {
				const told = Object.entries(answer.headers).map(([name, value]): [string, string] => [
					name,
					String(value),
				]);
				resolve({ status: answer.statusCode ?? 0, headers: new Headers(told), text });
			});
		});
		asked.once('error', reject);
		asked.end(body);
	});
}

test('beyond loopback it speaks TLS, asks for a token, and its cookie goes no other way', async () => {
	await using folder = await tempDir();
	const now = Date.now();
	const authority = newAuthority('a test', now);
	const server = newServerCertificate(authority, ['127.0.0.1'], now);
	const [cert, key] = [join(folder.path, 'cert.pem'), join(folder.path, 'key.pem')];
	await writeFile(cert, server.certificate);
	await writeFile(key, server.key, { mode: 0o600 });
	// No address, so a resolver decides where it leads: that counts as beyond, though it leads to 127.0.0.1.
	await using http = await startHttp(() => undefined, { http: { host: '127.1', tls: { cert, key } } });
	const { url } = http;
	expect(url).toMatch(/^https:/);
	const get = (path: string, headers = {}) => ask(`${url}${path}`, authority.certificate, { headers });
	expect(JSON.parse((await get('/api/v1/session')).text)).toMatchObject({ auth: 'token', role: null });
	expect((await get('/api/v1/health')).status).toBe(401);
	const { token } = await addToken(http.tokensFile, { name: 'ada', role: 'viewer', expiresAt: null, now });
	const signedIn = await ask(`${url}/api/v1/session`, authority.certificate, {
		...{ method: 'POST', body: JSON.stringify({ token }), headers: { origin: url } },
	});
	expect(signedIn.status).toBe(200);
	const cookie = signedIn.headers.get('set-cookie') ?? '';
	for (const word of ['Secure', 'HttpOnly', 'SameSite=Strict']) expect(cookie).toContain(word);
	const health = await get('/api/v1/health', { cookie: cookie.split(';')[0] });
	expect(health.status).toBe(200);
	expect(health.headers.get('strict-transport-security')).toContain('max-age=');
	await expect(fetch(url.replace('https', 'http'))).rejects.toThrow();
});

test('an address of another machine, and a certificate that is none, are said with the field to change', async () => {
	await using folder = await tempDir('steward-pem-');
	const file = join(folder.path, 'some.pem');
	await writeFile(file, 'no certificate');
	const authority = newAuthority('a test', Date.now());
	const server = newServerCertificate(authority, ['192.0.2.1'], Date.now());
	const [cert, key] = [join(folder.path, 'cert.pem'), join(folder.path, 'key.pem')];
	await writeFile(cert, server.certificate);
	await writeFile(key, server.key, { mode: 0o600 });
	const missing = join(folder.path, 'missing.pem');
	const start = (http: Readonly<Record<string, unknown>>) => startHttp(() => undefined, { http });
	await expect(start({ tls: { cert: missing, key: file } })).rejects.toMatchObject({
		code: 'storage',
		message: expect.stringContaining('http.tls.cert'),
	});
	await expect(start({ tls: { cert: file, key: file } })).rejects.toMatchObject({
		code: 'invalid',
		message: expect.stringContaining('http.tls'),
	});
	// Kept for documentation (RFC 5737): no machine has it.
	const elsewhere = { host: '192.0.2.1', tls: { cert, key } };
	await expect(start(elsewhere)).rejects.toMatchObject({
		code: 'invalid',
		message: expect.stringContaining('http.host'),
	});
});
