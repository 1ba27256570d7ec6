import { appendFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Fleet } from '../../src/client/fleet.ts';
import { type Disposables, disposables } from '../support/disposables.ts';
import { type Effects, effectsIn } from '../support/effects.ts';
import { eventually } from '../support/eventually.ts';
import { openFleet, type StartedNode, startCentral, startNode } from '../support/fleet.ts';
import { type LogLine, recordingLog } from '../support/log.ts';
import { type LinkProxy, startProxy } from '../support/proxy.ts';
import { type SecureNats, startSecureNats } from '../support/secure-nats.ts';
import { tempDir } from '../support/temp.ts';
import { command, ends, settled } from './asking.ts';

// Everything of a node, over the subjects that the accounts leave it: a ship reaches HUB through imports alone.

const waitMs = 60_000;
const ships = ['ship1', 'ship2', 'central'] as const;

let parts: Disposables;
let secure: SecureNats;
let fleet: Fleet;
let proxy: LinkProxy;
let effects: Effects;
const lines: LogLine[] = [];
const nodes = new Map<string, StartedNode>();

beforeAll(async () => {
	parts = disposables();
	secure = parts.use(await startSecureNats());
	const centre = await secure.credentials('centre', 'centre');
	parts.use(await startCentral(secure.url, { shards: 3 }, centre));
	fleet = await openFleet(secure.url, await secure.credentialsFile('operator', 'alice'));
	parts.use({ [Symbol.asyncDispose]: () => fleet.close() });
	proxy = parts.use(await startProxy(secure.nats.port));
	effects = effectsIn(parts.use(await tempDir()).path);
	for (const name of ships) {
		const credentials = await secure.credentials('node', name);
		const servers = name === 'ship1' ? proxy.url : secure.url;
		const log = recordingLog(lines, { node: name });
		nodes.set(name, parts.use(await startNode(servers, name, { credentials, log })));
	}
	for (const name of ships) await eventually(async () => (await fleet.node(name))?.presence === 'present');
});
afterAll(() => parts[Symbol.asyncDispose]());

function dataDirOf(node: (typeof ships)[number]): string {
	return nodes.get(node)?.dataDir ?? '';
}

function logged(node: (typeof ships)[number], sender: string): Promise<string> {
	return readFile(join(dataDirOf(node), 'logs', `${sender}.log`), 'utf8').catch(() => '');
}

test('a command runs, its output is read while it runs, and each attempt is told', async () => {
	const failsOnce = `echo begun; ${effects.gate('output')}; [ $(grep -c twice ${effects.path}) = 2 ] || exit 7`;
	const backoff = { kind: 'fixed' as const, initial: '10ms' };
	await fleet.send(command('twice', effects.shell('twice', failsOnce), { attempts: 2, backoff }));
	for await (const piece of fleet.logs('ship1.twice', { follow: true })) {
		if (piece.kind !== 'chunk') continue;
		expect(Buffer.from(piece.data).toString()).toBe('begun\n');
		break;
	}
	await effects.open('output');
	const views = await settled(fleet, ['twice'], waitMs);
	expect(ends(views)).toEqual(['succeeded 2']);
	expect(views[0]?.attempts.map(({ exitCode }) => exitCode)).toEqual([7, 0]);
	expect(await effects.words()).toEqual(['twice', 'twice']);
});

test('events go both ways, many in one batch, and a ship sends a command to another', async () => {
	const texts = Array.from({ length: 200 }, (_, index) => `line ${index}\n`);
	const events = texts.map((text) => ({
		...{ toNode: 'central', commandOrEvent: 'event', method: 'textLogging', data: [text] },
	}));
	const other = {
		...{ toNode: 'ship2', commandOrEvent: 'command', method: 'shellCommand', id: 'fromShip1' },
		data: effects.shell('asked'),
	};
	await appendFile(join(dataDirOf('ship1'), 'inmsg.txt'), JSON.stringify([...events, other]));
	await eventually(async () => (await logged('central', 'ship1')) === texts.join(''));
	const [view] = await fleet.wait(['ship2.fromShip1'], { timeoutMs: waitMs });
	expect(view).toMatchObject({ state: 'succeeded', sender: 'ship1' });
	await fleet.send({ toNode: 'ship1', kind: 'event', method: 'textLogging', data: ['down\n'] });
	await eventually(async () => (await logged('ship1', '_operator')) === 'down\n');
});

test('a lane is paused and resumed, what waits is called off, what runs is ended', async () => {
	await fleet.pause('ship1', { lanes: ['normal'], waitMs });
	await fleet.send(command('waits', effects.shell('waits')));
	await fleet.cancel(['ship1.waits']);
	await fleet.resume('ship1', { waitMs });
	await fleet.send(command('runs', effects.shell('runs', 'sleep 60')));
	await eventually(async () => (await effects.words()).includes('runs'));
	await fleet.cancel(['ship1.runs']);
	expect(ends(await settled(fleet, ['waits', 'runs'], waitMs))).toEqual(['cancelled 0', 'cancelled 1']);
	expect(await effects.words()).not.toContain('waits');
});

test('a run outlasts a lost link, and a schedule of the ship fires without one', async () => {
	const message = { method: 'shellCommand', data: effects.shell('tick') };
	await fleet.schedules.add({ name: 'own', every: '1s', toNode: 'ship1', placement: 'node', message });
	await fleet.send(command('through', effects.shell('through', effects.gate('link'))));
	await eventually(async () => (await effects.words()).includes('through'));
	await eventually(async () => (await effects.words()).includes('tick'));
	proxy.cut();
	const ticks = async () => (await effects.words()).filter((word) => word === 'tick').length;
	const before = await ticks();
	await effects.open('link');
	await eventually(async () => (await ticks()) > before + 1);
	proxy.heal();
	expect(ends(await settled(fleet, ['through'], waitMs))).toEqual(['succeeded 1']);
	await fleet.schedules.remove('own');
	const succeeded = async () =>
		(await fleet.list({ node: 'ship1', states: ['succeeded'] })).filter(({ id }) => id !== 'through').length;
	await eventually(async () => (await succeeded()) > before);
});

test('nobody asked for a subject that is not its own', () => {
	const refused = lines.filter(({ message }) => message.includes('does not allow'));
	expect(refused).toEqual([]);
	expect(secure.nats.output()).not.toMatch(/Violation/i);
});
