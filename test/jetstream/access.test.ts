import { expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { Link, openConnection } from '../../src/jetstream/connection.ts';
import { accountJwts, mintUser } from '../../src/security/accounts.ts';
import { parseCredentials } from '../../src/security/credentials.ts';
import { eventually } from '../support/eventually.ts';
import { type LogLine, recordingLog } from '../support/log.ts';
import { startNats } from '../support/nats.ts';
import { openRaw } from '../support/raw.ts';
import { startSecureNats } from '../support/secure-nats.ts';

test('who is not let in is told from a broker that is not there', async () => {
	await using secure = await startSecureNats();
	await using other = await startSecureNats();
	const code = async (servers: string, ...[credentials]: Parameters<typeof asOptions>) => {
		const opening = openConnection({
			servers: [servers],
			name: 'test',
			timeoutMs: 30_000,
			...asOptions(credentials),
		});
		return opening.then(
			({ nc }) => nc.close().then(() => 'in'),
			(error: { code?: string }) => error.code,
		);
	};
	expect(await code(secure.url, await secure.credentials('node', 'ship1'))).toBe('in');
	expect(await code(secure.url)).toBe('unauthorized');
	expect(await code(secure.url, await other.credentials('node', 'ship1'))).toBe('unauthorized');
	const expiresAt = Date.now() - 60_000;
	expect(await code(secure.url, await secure.credentials('node', 'ship1', { expiresAt }))).toBe(
		'unauthorized',
	);
	const own = await mintUser(secure.keys, { role: 'node', name: 'ship1' });
	const foreign = await mintUser(secure.keys, { role: 'node', name: 'ship2' });
	const seedOf = (creds = '') => /BEGIN USER NKEY SEED-+\s+(\S+)/.exec(creds)?.[1] ?? '';
	const mixed = own.creds?.replace(seedOf(own.creds), seedOf(foreign.creds)) ?? '';
	expect(
		await code(secure.url, { bytes: new TextEncoder().encode(mixed), name: 'ship1', role: 'node' }),
	).toBe('unauthorized');
	await secure.nats.stop();
	expect(await code(secure.url, await secure.credentials('node', 'ship1'))).toBe('no-broker');
});

function asOptions(credentials?: { bytes: Uint8Array; name: string; role: string | undefined }) {
	return credentials ? { credentials } : {};
}

test('a program whose credentials were revoked is cut off, says so once, and goes on trying', async () => {
	await using secure = await startSecureNats();
	const ship = await mintUser(secure.keys, { role: 'node', name: 'ship1' });
	const lines: LogLine[] = [];
	const link = new Link({
		...{ servers: [secure.url], name: 'ship1', clock: systemClock, log: recordingLog(lines) },
		credentials: parseCredentials(ship.creds ?? ''),
	});
	await link.start();
	await eventually(() => link.connection);
	const accounts = await accountJwts(secure.keys, {
		revoked: [{ publicKey: ship.publicKey, role: 'node' }],
	});
	const ships = accounts.find(({ name }) => name === 'SHIPS');
	await using admin = await openRaw(secure.url, undefined, await secure.credentials('system', 'admin'));
	const answer = await admin.nc.request('$SYS.REQ.CLAIMS.UPDATE', ships?.jwt);
	expect(answer.json()).toMatchObject({ data: { code: 200 } });
	await eventually(() => link.connection === undefined);
	const refusals = () => lines.filter(({ message }) => message.includes('refuses the credentials')).length;
	await eventually(() => refusals() === 1);
	const tries = () => secure.nats.output().match(/authentication error/gi)?.length ?? 0;
	const before = tries();
	await eventually(() => tries() > before + 1);
	expect(refusals()).toBe(1);
	await link.stop();
});

test('without accounts nothing changes: answers come to the usual inbox, and JetStream has its own name', async () => {
	await using nats = await startNats();
	await using raw = await openRaw(nats.url);
	expect(raw.api).toBe('$JS.API');
	expect(raw.connection.newInbox()).toMatch(/^_INBOX\.[A-Z0-9]+$/);
});
