import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { openConnection } from '../../src/jetstream/connection.ts';
import { tlsOptions } from '../../src/jetstream/tls.ts';
import { startNats } from '../support/nats.ts';

const credentials = { bytes: new Uint8Array(), name: 'ship1', role: 'node' };

test('TLS is meant where an address or a setting says so, and beyond loopback with credentials', () => {
	const isMeant = (...[asked]: Parameters<typeof tlsOptions>) => tlsOptions(asked).tls !== undefined;
	expect(isMeant({ servers: ['127.0.0.1:4222', 'nats://localhost', 'nats://[::1]:4222'], credentials })).toBe(
		false,
	);
	expect(isMeant({ servers: ['nats://hub.example'] })).toBe(false);
	expect(isMeant({ servers: ['nats://hub.example'], credentials })).toBe(true);
	expect(isMeant({ servers: ['localhost', '10.0.0.1'], credentials })).toBe(true);
	expect(isMeant({ servers: ['nats://127.0.0.1.example'], credentials })).toBe(true);
	expect(isMeant({ servers: ['tls://localhost'] })).toBe(true);
	expect(isMeant({ servers: ['localhost'], tls: {} })).toBe(true);
	expect(isMeant({ servers: ['tls://hub.example'], credentials, tls: false })).toBe(false);
});

test('the handshake comes first, and otherwise the certificate is checked against the address that was asked for', () => {
	expect(
		tlsOptions({ servers: ['tls://10.0.0.1:4222'], tls: { ca: 'ca.pem', serverName: 'hub' } }).tls,
	).toEqual({
		...{ handshakeFirst: true, caFile: 'ca.pem', servername: 'hub' },
	});
	const later = { handshakeFirst: false };
	expect(tlsOptions({ servers: ['tls://10.0.0.1:4222'], tls: later }).tls).toEqual({ host: '10.0.0.1' });
	expect(tlsOptions({ servers: ['tls://[fe80::1]:4222'], tls: later }).tls).toEqual({ host: 'fe80::1' });
	expect(tlsOptions({ servers: ['tls://a.example', 'tls://b.example'], tls: later }).tls).toEqual({});
	expect(() => tlsOptions({ servers: ['tls://10.0.0.1', 'tls://10.0.0.2'], tls: later })).toThrow(
		/give names/,
	);
});

test('a server without TLS, one that is silent, and a file that is not there are each told', async () => {
	await using nats = await startNats();
	const opening = (server: string, tls?: { ca?: string; handshakeFirst?: boolean }) =>
		openConnection({ servers: [server], name: 'test', timeoutMs: 300, ...(tls && { tls }) });
	for (const tls of [{}, { handshakeFirst: false }]) {
		await expect(opening(`tls://127.0.0.1:${nats.port}`, tls)).rejects.toMatchObject({
			...{ code: 'unauthorized', message: expect.stringContaining('does not begin with TLS') },
		});
	}
	await expect(opening(nats.url, { ca: '/nowhere/ca.pem' })).rejects.toMatchObject({
		...{ code: 'invalid', message: 'tls.ca: /nowhere/ca.pem cannot be read' },
	});
	const silent = createServer((socket) => void socket.on('error', () => undefined));
	const port = await new Promise<number>((resolve) => {
		silent.listen(0, '127.0.0.1', () => {
			const address = silent.address();
			resolve(typeof address === 'object' && address ? address.port : 0);
		});
	});
	try {
		await expect(opening(`127.0.0.1:${port}`)).rejects.toMatchObject({
			...{ code: 'no-broker', message: expect.stringContaining('write tls:// before') },
		});
	} finally {
		silent.close();
	}
});
