import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { streamsDir } from '../../src/base/package.ts';
import { lanes } from '../../src/domain/names.ts';
import { ensureLaneConsumer } from '../../src/jetstream/consumers.ts';
import { fleetRoles, publicKeyOf } from '../../src/security/accounts.ts';
import { permissions, services } from '../../src/security/permissions.ts';
import { startCentral } from '../support/fleet.ts';
import { openRaw } from '../support/raw.ts';
import { accountHash, startSecureNats } from '../support/secure-nats.ts';
import { expectedMatrix } from './expected-matrix.ts';
import { openUser } from './user.ts';

// Every subject that any template or stream names, and what manages streams: tried by everybody, for real.

const own = '{{name()}}';
const stream = 'STEWARD_COMMANDS_0';
/** Stands for how the longer form of an ack names the account with the streams. */
const hub = 'HUB-ACCOUNT';
const managed = [
	...['STREAM.CREATE.x', 'STREAM.UPDATE.x', 'STREAM.DELETE.x', 'STREAM.PURGE.x', 'STREAM.MSG.DELETE.x'],
	...[
		'STREAM.SNAPSHOT.x',
		'STREAM.RESTORE.x',
		'CONSUMER.CREATE.x',
		'CONSUMER.CREATE.x.y',
		'CONSUMER.DELETE.x.y',
	],
	...['CONSUMER.INFO.x.y', 'CONSUMER.LIST.x', 'CONSUMER.NAMES.x', 'INFO', 'DIRECT.GET.x', 'STREAM.MSG.GET.x'],
	...['CONSUMER.DURABLE.CREATE.x.y', 'CONSUMER.PAUSE.x.y', 'STREAM.PEER.REMOVE.x', 'SERVER.REMOVE'],
].flatMap((call) => [`$JS.API.${call}`, `JS.HUB.${call}`]);
const others = [
	'>',
	'_INBOX.>',
	'$SYS.>',
	'$SYS.REQ.ACCOUNT.PING.STATZ',
	'$SYS.REQ.USER.INFO',
	'$SYS.REQ.CLAIMS.UPDATE',
];

async function families(): Promise<string[]> {
	const files = await readdir(streamsDir);
	const texts = await Promise.all(files.map((file) => readFile(join(streamsDir, file), 'utf8')));
	const stored = texts.flatMap(
		(text) => (JSON.parse(text.replaceAll('<shard>', '0')) as { subjects: string[] }).subjects,
	);
	const granted = fleetRoles.flatMap((role) => [
		...permissions[role].publish,
		...permissions[role].subscribe,
	]);
	const offered = Object.values(services).flatMap((all) => all.flatMap(({ hub, local }) => [hub, local]));
	return [...new Set([...granted, ...offered, ...stored, ...managed, ...others])].sort();
}

/** One subject that the pattern means. */
function sample(pattern: string, name: string): string {
	if (others.includes(pattern)) return pattern;
	return pattern
		.replace(/(CONSUMER\.MSG\.NEXT|\$JS\.ACK\._\.\*|\$JS\.ACK)\.\*/, `$1.${stream}`)
		.replace('CONSUMER.MSG.NEXT.STEWARD_COMMANDS_0.*', `CONSUMER.MSG.NEXT.${stream}.${own}-normal`)
		.replace('$JS.ACK._.*', `$JS.ACK._.${hub}`)
		.replace('steward.api.*', 'steward.api.nodes')
		.replace(/\{\{wildcard\(\d\)\}\}|[*>]/g, '1')
		.replaceAll(own, name);
}

test('who may publish to (p), be answered at (r) and subscribe to (s) what', async () => {
	await using secure = await startSecureNats();
	await using _central = await startCentral(secure.url, {}, await secure.credentials('centre', 'leader'));
	await using raw = await openRaw(secure.url, undefined, await secure.credentials('centre', 'maker'));
	for (const node of ['me', 'other'])
		for (const lane of lanes) await ensureLaneConsumer(raw.connection, { node, lane, shard: 0, capacity: 1 });
	const hash = accountHash(publicKeyOf(secure.keys.accounts.HUB));
	const found = new Map<string, string[]>();
	for (const role of fleetRoles) {
		await using user = await openUser(secure.url, await secure.credentials(role, 'me'));
		for (const subject of await samples()) {
			const tried = subject.replace(hub, hash);
			const may = [
				(await user.mayPublish(tried)) ? 'p' : '',
				(await user.reaches(tried, '{"batch":1,"no_wait":true}')) ? 'r' : '',
				(await user.maySubscribe(tried)) ? 's' : '',
			].join('');
			found.set(subject, [...(found.get(subject) ?? []), ...(may === '' ? [] : [`${role} ${may}`])]);
		}
	}
	const table = [...found].map(([subject, roles]) => `${subject} | ${roles.join(', ') || 'nobody'}`);
	expect(table.sort()).toEqual([...expectedMatrix].sort());
});

/** All families, with the names of who tries and of another. */
async function samples(): Promise<readonly string[]> {
	const all = (await families()).flatMap((pattern) => [sample(pattern, 'other'), sample(pattern, 'me')]);
	return [...new Set(all)];
}
