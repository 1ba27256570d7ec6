/**
 * Names that would lead out of a folder, or stand for another file, by every way in that a name can come: what is written anywhere is what was
 * meant. The control is the file system itself, which follows such a name wherever it leads.
 */

import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { headers } from '@nats-io/transport-node';
import { expect, test } from 'vitest';
import { parseMessage } from '../../src/domain/message.ts';
import {
	idPattern,
	isNodeName,
	isSender,
	methodNamePattern,
	scheduleNamePattern,
} from '../../src/domain/names.ts';
import { parseCommandSubject } from '../../src/domain/subject.ts';
import { eventually } from '../support/eventually.ts';
import { openFleet, startCentral, startNode } from '../support/fleet.ts';
import { startNats } from '../support/nats.ts';
import { openRaw } from '../support/raw.ts';
import { tempDir } from '../support/temp.ts';

const names = [
	...['..', '.', '../escaped', '../../escaped', '/escaped', 'a/../../escaped', 'a/b', 'a\\b', '~', '~root'],
	...[
		'escaped\u0000.log',
		'a\nb',
		'a\rb',
		'a b',
		'',
		'-rf/',
		'.hidden',
		'con.log',
		'\u2028',
		'ship1.log',
		'x'.repeat(256),
	],
	...['%2e%2e%2fescaped', '\uff0e\uff0e\uff0fescaped', '..\u2215escaped'],
];

test.each(names)("%j is nobody's name", (name) => {
	expect([isNodeName(name), isSender(name), idPattern.test(name)]).toEqual([false, false, false]);
	expect([methodNamePattern.test(name), scheduleNamePattern.test(name)]).toEqual([false, false]);
	const form = { toNode: 'ship1', kind: 'command', method: 'ping', data: null };
	for (const field of ['toNode', 'id', 'method'] as const) {
		const parse = () => parseMessage({ ...form, [field]: name });
		expect(parse).toThrow(expect.objectContaining({ code: 'invalid' }));
	}
	for (const token of [3, 5, 6]) {
		const tokens = ['steward', 'command', '0', 'ship1', 'normal', 'ping', 'id1'];
		expect(parseCommandSubject(tokens.join('.'))).toBeDefined();
		expect(parseCommandSubject(tokens.with(token, name).join('.'))).toBeUndefined();
	}
});

test('names that come past every check of a sender write nothing outside of the folder', async () => {
	await using nats = await startNats();
	await using _central = await startCentral(nats.url);
	await using fleet = await openFleet(nats.url);
	await using raw = await openRaw(nats.url);
	await using dir = await tempDir();
	const dataDir = join(dir.path, 'deep', 'er', 'ship1');
	await mkdir(dataDir, { recursive: true });
	// Control: a file of such a name is written where the name leads.
	await writeFile(join(dataDir, '../../control'), 'x');
	expect(await readdir(join(dir.path, 'deep'))).toContain('control');
	await using _ship = await startNode(nats.url, 'ship1', { dataDir });
	await eventually(async () => (await fleet.node('ship1'))?.presence === 'present');
	// What the server takes as a token of a subject.
	const tokens = ['/escaped', 'a/b', 'a\\b', '~', '-rf/', '%2e%2e%2fescaped', '\uff0e\uff0e\uff0fescaped'];
	const { nc } = raw.connection;
	for (const token of tokens) {
		const envelope = {
			v: 1,
			id: token,
			node: 'ship1',
			lane: 'normal',
			method: 'shellCommand',
			data: ['true'],
		};
		const body = JSON.stringify({ ...envelope, sender: token, deliverWithinMs: null });
		await nc.request(`steward.command.0.ship1.normal.shellCommand.${token}`, body);
		await nc.request(`steward.event.ship1.${token}.textLogging`, JSON.stringify(['x']), {
			timeout: 60_000,
			headers: keyed(token),
		});
		await nc.request(`steward.intake.ship1.${token}.event.textLogging`, JSON.stringify({ data: 'x' }));
	}
	// Behind all of them, one that is as it should be.
	await fleet.send({ toNode: 'ship1', kind: 'event', method: 'textLogging', data: 'last' });
	await fleet.send({ toNode: 'ship1', kind: 'command', id: 'last', method: 'shellCommand', data: ['true'] });
	await fleet.wait(['ship1.last'], { timeoutMs: 60_000 });
	const logs = join(dataDir, 'logs');
	await eventually(async () => (await readdir(logs)).includes('_operator.log'));
	// What names no sender came from any client of the broker.
	for (const name of await readdir(logs)) expect(['_operator.log', '_raw.log']).toContain(name);
	const around = await readdir(dir.path, { recursive: true });
	expect(around.filter((path) => /escaped|~|%2e|rf/.test(path))).toEqual([]);
	expect((await readdir(join(dir.path, 'deep'))).toSorted()).toEqual(['control', 'er']);
});

function keyed(id: string) {
	const fields = headers();
	for (const [name, value] of [
		['Steward-Id', 'e1'],
		['Steward-Epoch', id],
		['Steward-Number', '1'],
	] as const)
		fields.set(name, value);
	return fields;
}
