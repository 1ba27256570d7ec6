import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Fleet } from '../../src/client/fleet.ts';
import { runBuilt, startCli } from '../support/cli.ts';
import { type Disposables, disposables } from '../support/disposables.ts';
import { type Effects, effectsIn } from '../support/effects.ts';
import { eventually } from '../support/eventually.ts';
import { openFleet, startCentral, startNode } from '../support/fleet.ts';
import { type Hub, hubDomain, type Leaf, startHub } from '../support/leaf.ts';
import { type LogLine, recordingLog } from '../support/log.ts';
import { openRaw } from '../support/raw.ts';
import { tempDir } from '../support/temp.ts';

let parts: Disposables;
let hub: Hub;
let fleet: Fleet;

beforeAll(async () => {
	parts = disposables();
	hub = parts.use(await startHub());
	parts.use(await startCentral(hub.nats.url));
	fleet = await openFleet(hub.nats.url);
	parts.use({ [Symbol.asyncDispose]: () => fleet.close() });
});
afterAll(() => parts[Symbol.asyncDispose]());

type Ship = AsyncDisposable & {
	readonly name: string;
	readonly leaf: Leaf;
	/** As in `--data`. */
	readonly data: string;
	readonly effects: Effects;
	/** Until the node says that the hub is away. */
	hubAway(): Promise<unknown>;
};

/** A ship of its own: a leaf server behind a link that can be broken, and a node that knows the leaf server only. */
async function launch(name: string): Promise<Ship> {
	const own = disposables();
	const dir = own.use(await tempDir());
	const leaf = own.use(await hub.startLeaf(name));
	const dataDir = join(dir.path, 'nodes', name);
	await mkdir(dataDir, { recursive: true });
	const lines: LogLine[] = [];
	await startNode(leaf.nats.url, name, { dataDir, domain: hubDomain, log: recordingLog(lines) }).then(
		own.use,
	);
	await eventually(async () => (await fleet.node(name))?.presence === 'present');
	const saysAway = ({ message }: LogLine) => message.includes('but not the hub');
	return {
		...{ name, leaf, data: dir.path, effects: effectsIn(dir.path) },
		hubAway: () => eventually(() => lines.some(saysAway), { message: 'the node notices the loss' }),
		[Symbol.asyncDispose]: () => own[Symbol.asyncDispose](),
	};
}

function command({ name, effects }: Ship, id: string, then?: string): Parameters<Fleet['send']>[0] {
	return { toNode: name, kind: 'command', method: 'shellCommand', id, data: effects.shell(id, then) };
}

const inTime = { timeoutMs: 60_000 };

test.concurrent('what is queued while leaf and hub are apart runs once the link is back, and its result comes', async () => {
	await using ship = await launch('ship1');
	const { leaf, effects } = ship;
	leaf.link.cut();
	await fleet.send(command(ship, 'early'));
	await ship.hubAway();
	await fleet.send(command(ship, 'late', 'echo done'));
	leaf.link.heal();
	const [early, late] = await fleet.wait(['ship1.early', 'ship1.late'], inTime);
	expect([early?.state, late?.state, late?.result?.stdout?.head]).toEqual([
		'succeeded',
		'succeeded',
		'done\n',
	]);
	expect(await effects.words()).toEqual(['early', 'late']);
});

test.concurrent('a run goes on while the link is cut and the leaf server restarts; what it says arrives, and no second run starts', async () => {
	await using ship = await launch('ship2');
	const { leaf, effects } = ship;
	await fleet.send(command(ship, 'long', `${effects.gate('end')}; echo "went on"`));
	await effects.reach(1);
	leaf.link.cut();
	await ship.hubAway();
	await leaf.nats.restart();
	await effects.open('end');
	leaf.link.heal();
	const [long] = await fleet.wait(['ship2.long'], inTime);
	expect([long?.state, long?.result?.stdout?.head]).toEqual(['succeeded', 'went on\n']);
	expect(await effects.words()).toEqual(['long']);
});

test.concurrent('a pause that was sent while the hub was away is in effect before anything that waits there', async () => {
	await using ship = await launch('ship3');
	const { leaf, effects } = ship;
	leaf.link.cut();
	await ship.hubAway();
	await fleet.send(command(ship, 'held'));
	const pause = await fleet.pause('ship3', { lanes: ['normal'] });
	leaf.link.heal();
	await fleet.wait([pause.handle], inTime);
	await eventually(async () => (await fleet.node('ship3'))?.lanes.some(({ status }) => status === 'paused'));
	expect(await effects.words()).toEqual([]);
	expect((await fleet.get('ship3.held'))?.state).toBe('queued');
	await fleet.resume('ship3');
	await fleet.wait(['ship3.held'], inTime);
	expect(await effects.words()).toEqual(['held']);
});

test.concurrent('an operator on the ship reaches the hub through the leaf server, and the node on the ship without it', async () => {
	await using ship = await launch('ship4');
	const { leaf, effects, data } = ship;
	const steward = (args: string[], env = {}) =>
		runBuilt([...args.slice(0, 3), '--servers', leaf.nats.url, ...args.slice(3)], { env });
	const send = ['send', 'ship4', 'shellCommand'];
	const there = await steward([...send, '--domain', hubDomain, '--wait', '--', 'echo', 'hello']);
	expect(there, there.stderr).toMatchObject({ code: 0, stdout: 'hello\n' });
	await eventually(async () => {
		const nodes = await steward(['nodes', 'ls', '--json'], { STEWARD_DOMAIN: hubDomain });
		expect(JSON.parse(nodes.stdout)).toContainEqual(
			expect.objectContaining({ node: 'ship4', presence: 'present' }),
		);
		return true;
	});
	// Without the domain it is the ship's own JetStream that answers, and that holds nothing of steward's.
	const own = await steward([...send, '--', 'true']);
	expect(own.stderr).toContain('no steward streams');
	leaf.link.cut();
	await ship.hubAway();
	const env = {
		STEWARD_DATA: data,
		STEWARD_DOMAIN: hubDomain,
		XDG_RUNTIME_DIR: join(data, 'nodes', 'ship4'),
	};
	const word = effects.shell('by socket');
	const away = await steward([...send, '--id', 'local', '--', ...word], env);
	expect(away, away.stderr).toMatchObject({ code: 0, stdout: expect.stringContaining('accepted') });
	expect(away.stderr).toMatch(/^the hub \(domain hub\) cannot be reached .* handed to the local node ship4/);
	leaf.link.heal();
	await eventually(async () => (await fleet.get('ship4.local'))?.state === 'succeeded', inTime);
	expect(await effects.words()).toEqual(['by socket']);
});

test.concurrent('a raw message that a NATS client publishes on the ship is a command', async () => {
	await using ship = await launch('ship5');
	await using client = await openRaw(ship.leaf.nats.url);
	client.nc.publish('ship5.command.shellCommand', JSON.stringify(command(ship, 'raw')));
	expect(await ship.effects.reach(1)).toEqual(['raw']);
});

test.concurrent('steward up has its streams in its own broker, whatever domain the settings name', async () => {
	await using dir = await tempDir();
	await using up = startCli(['up', '--port', '0', '--data', dir.path], {
		env: { STEWARD_DOMAIN: hubDomain },
	});
	await up.printed('Try next');
	const [servers = ''] = /nats:\S+/.exec(up.stdout()) ?? [];
	expect(servers).not.toBe('');
	const ping = ['send', 'central', 'ping', '--servers', servers, '--wait', '--timeout', '60s'];
	await eventually(async () => (await runBuilt(ping)).code === 0, { timeoutMs: 60_000, everyMs: 500 });
});
