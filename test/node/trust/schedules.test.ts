import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { makeBackup } from '../../../src/client/backup.ts';
import { restoreBackup } from '../../../src/client/backup-restore.ts';
import type { Fleet } from '../../../src/client/fleet.ts';
import type { ScheduleForm } from '../../../src/domain/schedule.ts';
import type { TrustedKey } from '../../../src/domain/trust.ts';
import { type Connection, closeConnection, openConnection } from '../../../src/jetstream/connection.ts';
import { readCredentials } from '../../../src/security/credentials.ts';
import { newUserKey, signingKey } from '../../../src/security/keys.ts';
import { cliInside } from '../../support/cli-inside.ts';
import { type Disposables, disposables } from '../../support/disposables.ts';
import { eventually } from '../../support/eventually.ts';
import { openFleet, startCentral } from '../../support/fleet.ts';
import { type SecureNats, startSecureNats } from '../../support/secure-nats.ts';
import { tempDir } from '../../support/temp.ts';

// Whoever is inside the account HUB writes what it likes into the bucket of schedules. No ship is there: what fires for one waits on
// its stream, under the name of the schedule as its ship.

const root = signingKey(newUserKey().seed);
const keys: TrustedKey[] = [];

let parts: Disposables;
let secure: SecureNats;
let alice: Fleet;
let bob: Fleet;
let insider: Connection;

beforeAll(async () => {
	parts = disposables();
	secure = parts.use(await startSecureNats());
	parts.use(await startCentral(secure.url, {}, await secure.credentials('centre', 'centre')));
	const operator = async (name: string) => {
		const file = await secure.credentialsFile('operator', name);
		keys.push({ key: (await readCredentials(file)).key.publicKey, name, role: 'operator' });
		const fleet = await openFleet(secure.url, file);
		parts.use({ [Symbol.asyncDispose]: () => fleet.close() });
		return fleet;
	};
	[alice, bob] = [await operator('alice'), await operator('bob')];
	insider = await openConnection({
		...{ servers: [secure.url], name: 'insider' },
		credentials: await secure.credentials('centre', 'mallory'),
	});
	parts.use({ [Symbol.asyncDispose]: () => closeConnection(insider, systemClock) });
});
afterAll(() => parts[Symbol.asyncDispose]());

const secondly = (name: string, more: Partial<ScheduleForm> = {}): ScheduleForm => ({
	...{ name, every: '1s', toNode: name, overlap: 'allow' },
	message: { method: 'ping', data: 'honest' },
	...more,
});

const stored = async (name: string) => {
	const last = { last_by_subj: `$KV.steward-schedules.${name}` };
	return (await insider.jsm.streams.getMessage('KV_steward-schedules', last))?.string() ?? '';
};
const put = (name: string, text: string) => insider.js.publish(`$KV.steward-schedules.${name}`, text);
const problemOf = async (name: string) => (await alice.schedules.get(name))?.problem;
const told = (name: string, words: string) =>
	eventually(async () => (await problemOf(name))?.includes(words), { message: `${name}: ${words}` });
const count = async (node: string) => (await alice.queue(node)).length;
const fires = async (name: string) => {
	const before = await count(name);
	await eventually(async () => (await count(name)) > before, { message: `${name} fires` });
};
/** None of them for as long as another needs to fire twice. */
const areSilent = async (...names: string[]) => {
	const counts = () => Promise.all(names.map(count));
	const before = await counts();
	for (const _ of [1, 2]) await fires('clock');
	expect(await counts()).toEqual(before);
};
const unsigned = (name: string, of: string, text: string) => {
	const { signed: _, ...record } = JSON.parse(text.replaceAll(of, name));
	return JSON.stringify(record);
};
const publish = (listed: readonly TrustedKey[]) =>
	alice.trust.publish('trust', { roots: [root.publicKey], keys: [...listed] }, { roots: [root] });

test('without a trust list whatever is stored fires', async () => {
	await alice.schedules.add(secondly('clock'));
	await alice.schedules.add(secondly('own', { placement: 'node', every: '1h' }));
	await alice.schedules.add(secondly('altered'));
	await bob.schedules.add(secondly('bobs'));
	await alice.schedules.add(secondly('old'));
	await put('forged', unsigned('forged', 'clock', await stored('clock')));
	for (const name of ['forged', 'bobs', 'old', 'altered']) await fires(name);
	// Where nobody says who may sign, a change does not vouch for what was there.
	await alice.schedules.pause('forged');
	await alice.schedules.resume('forged');
});

test('with one fires what an operator signed, and nothing that the broker made of it or put back', async () => {
	await publish(keys.filter(({ name }) => name !== 'bob'));
	await told('forged', 'nobody has signed it');
	await told('bobs', 'the trust list does not name now');
	await put('planted', unsigned('planted', 'own', await stored('own')));
	await told('planted', 'nobody has signed it');
	await put('altered', (await stored('altered')).replace('"honest"', '"evil"'));
	await told('altered', 'not what alice signed');
	const first = await stored('old');
	await alice.schedules.pause('old');
	await eventually(async () => (await alice.schedules.get('old'))?.paused);
	await put('old', first);
	await told('old', 'seen version 2');
	expect(await alice.schedules.get('old')).toMatchObject({ paused: false, next: null, toNodes: ['old'] });
	await areSilent('forged', 'bobs', 'altered', 'old');
	expect([await count('own'), await count('planted')]).toEqual([1, 0]);
	// That it was removed somebody has to vouch for as well.
	const removed = (await stored('clock')).replace('"removed":false', '"removed":true');
	await put('gone', removed.replaceAll('clock', 'gone'));
	await told('gone', 'that it was removed');
});

test('whoever runs, pauses or signs one has to have read it; who types it, and another operator who signs it, vouch for it', async () => {
	const file = await secure.credentialsFile('operator', 'carol');
	const { publicKey } = (await readCredentials(file)).key;
	await publish([
		...keys.filter(({ name }) => name === 'alice'),
		{ key: publicKey, name: 'carol', role: 'operator' },
	]);
	await using carol = await openFleet(secure.url, file);
	const { schedules } = carol;
	await expect(schedules.runNow('forged')).rejects.toMatchObject({ code: 'refused' });
	await expect(schedules.pause('forged')).rejects.toThrow(/nobody has signed it: read it/);
	const names = ['altered', 'bobs', 'forged', 'gone', 'planted'];
	expect((await schedules.unsigned()).map(({ name }) => name)).toEqual(names);
	const other = schedules.sign('altered', { form: secondly('altered') });
	await expect(other).rejects.toMatchObject({ code: 'refused' });
	expect(await schedules.add(secondly('altered'), { replace: true })).toMatchObject({ outcome: 'changed' });
	const signed = await schedules.sign('bobs', { form: await schedules.form('bobs') });
	expect(signed).toMatchObject({ outcome: 'signed', version: 2 });
	expect((await schedules.sign('bobs')).outcome).toBe('unchanged');
	for (const name of ['altered', 'bobs']) await fires(name);
	// The same form again does as well.
	await put('bobs', unsigned('bobs', 'bobs', await stored('bobs')));
	await told('bobs', 'nobody has signed it');
	expect((await schedules.add(secondly('bobs'), { replace: true })).outcome).toBe('signed');
	await eventually(async () => (await problemOf('bobs')) === null);
	await using dir = await tempDir();
	const words = ['schedules', 'sign', '--servers', secure.url, '--credentials', file];
	const unread = await cliInside(dir.path)(...words);
	expect(unread).toMatchObject({ code: 2, stderr: expect.stringContaining('3 schedules would be signed') });
	expect(unread.stdout.split('\n').filter((line) => line.includes('"method":"ping"'))).toHaveLength(3);
	const all = await cliInside(dir.path)(...words, '--yes', '--json');
	expect(JSON.parse(all.stdout).map((one: { outcome: string }) => one.outcome)).toEqual(
		Array(3).fill('signed'),
	);
	// Who did it says the name of the credentials, wherever they are used from.
	expect((await schedules.history('forged'))[0]).toMatchObject({ change: 'signed', by: 'carol' });
	expect((await alice.schedules.history('clock'))[0]?.by).toBe('alice');
	expect(await cliInside(dir.path)(...words)).toMatchObject({
		code: 0,
		stderr: expect.stringContaining('nothing to sign'),
	});
	await schedules.remove('planted');
	await eventually(async () =>
		(await schedules.list()).every(({ name }) => !['gone', 'planted'].includes(name)),
	);
	await using late = await openFleet(secure.url, await secure.credentialsFile('operator', 'bob'));
	await expect(late.schedules.add(secondly('more'))).rejects.toMatchObject({ code: 'denied' });
});

test('what was signed is signed after a restore', async () => {
	await using dir = await tempDir();
	const path = join(dir.path, 'backup');
	await makeBackup({ connection: insider, dir: path, version: 'test', clock: systemClock });
	await restoreBackup({ connection: insider, dir: path, replace: true });
	await fires('clock');
	for (const name of ['clock', 'own', 'bobs']) expect(await problemOf(name)).toBeNull();
});
