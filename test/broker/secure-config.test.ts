import { expect, test } from 'vitest';
import { serverConfig as brokersConfig } from '../../src/broker/server-config.ts';
import { accountJwts, newFleetKeys, operatorJwt } from '../../src/security/accounts.ts';
import { serverConfig } from '../../src/security/server-config.ts';
import { openRaw } from '../support/raw.ts';
import { startSecureNats } from '../support/secure-nats.ts';

async function configOf(also: Partial<Parameters<typeof serverConfig>[0]> = {}): Promise<string> {
	const keys = newFleetKeys();
	return serverConfig({
		...{ operatorJwt: await operatorJwt(keys), accounts: await accountJwts(keys) },
		...{ host: '127.0.0.1', port: 4222, storeDir: './store', resolverDir: './accounts', ...also },
	});
}

test('the server listens to clients alone', async () => {
	expect(await configOf()).toMatch(/sync_interval: always/);
	await using secure = await startSecureNats();
	const varz = (await (await fetch(`${secure.nats.monitorUrl}/varz`)).json()) as Record<
		string,
		{ port?: number }
	>;
	const listeners = ['leaf', 'websocket', 'mqtt', 'gateway', 'cluster'].map((name) => varz[name]?.port ?? 0);
	expect(listeners).toEqual([0, 0, 0, 0, 0]);
	await using raw = await openRaw(secure.url, undefined, await secure.credentials('centre', 'centre'));
	expect((await raw.jsm.getAccountInfo()).streams).toBe(0);
});

test('the embedded broker can set its lines in it', async () => {
	const settings = { host: '127.0.0.1', port: 0, storeDir: '/data/store', maxFileBytes: 5_000_000 };
	const text = brokersConfig(await configOf(), settings);
	expect(text).toContain('port: -1\n');
	expect(text).toContain('max_file: 5000000\n');
});

test('beyond loopback it is not made without TLS', async () => {
	for (const host of ['127.0.0.2', '::1', 'localhost'])
		expect(await configOf({ host })).toContain(`host: "${host}"`);
	await expect(configOf({ host: '0.0.0.0' })).rejects.toMatchObject({ code: 'invalid' });
	const tls = { cert: 'server.pem', key: 'server.key' };
	expect(await configOf({ host: '0.0.0.0', tls })).toMatch(/handshake_first: true/);
});
