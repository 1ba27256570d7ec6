import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { expect, test } from 'vitest';
import { isStewardError } from '../../src/base/errors.ts';
import { packageRoot } from '../../src/base/package.ts';
import { isSameProcess, type ProcessIdentity, processIdentity } from '../../src/base/process.ts';
import { findNatsServer } from '../../src/broker/find.ts';
import { eventually } from '../support/eventually.ts';
import { stressLifecycle } from '../support/lifecycle.ts';
import { tempDir } from '../support/temp.ts';
import { makeBroker } from './make-broker.ts';

function identityOf(pid: number | undefined): ProcessIdentity {
	const identity = pid === undefined ? undefined : processIdentity(pid);
	if (identity === undefined) throw new Error(`process ${pid} does not run`);
	return identity;
}

async function failure(promise: Promise<unknown>) {
	const error = await promise.then(
		() => undefined,
		(error: unknown) => error,
	);
	if (!isStewardError(error)) throw new Error(`expected a StewardError, got ${error}`);
	return error;
}

test('starts, serves JetStream with strict durability, and leaves no server when it stops', async () => {
	await using dir = await tempDir();
	await using made = makeBroker(dir.path);
	const { broker } = made;
	await broker.start();
	await broker.start();
	const server = identityOf(broker.pid);
	const nc = await connect({ servers: broker.url });
	const account = await (await jetstreamManager(nc)).getAccountInfo();
	expect(account.streams).toBe(0);
	await nc.close();

	const ports = join(dir.path, 'broker', 'ports', `nats-server_${server.pid}.ports`);
	const monitor: string = JSON.parse(await readFile(ports, 'utf8')).monitoring[0];
	const jsz = JSON.parse(await (await fetch(`${monitor}/jsz`)).text());
	expect(jsz.config).toMatchObject({
		sync_always: true,
		store_dir: join(dir.path, 'broker', 'store', 'jetstream'),
		max_storage: broker.storageBudgetBytes,
	});
	expect(monitor).toContain('127.0.0.1');

	await broker.stop();
	expect(isSameProcess(server)).toBe(false);
	await broker.stop();
});

test('a server that is killed comes back on the same port with its data', async () => {
	await using dir = await tempDir();
	const seen: string[] = [];
	await using made = makeBroker(dir.path, { onDown: () => seen.push('down'), onUp: () => seen.push('up') });
	const { broker } = made;
	await broker.start();
	const { url, pid } = broker;
	{
		const nc = await connect({ servers: url });
		await (await jetstreamManager(nc)).streams.add({ name: 'KEPT', subjects: ['kept'] });
		await jetstream(nc).publish('kept', 'acknowledged');
		await nc.close();
	}
	process.kill(identityOf(pid).pid, 'SIGKILL');
	await eventually(() => seen.length === 3, { message: `down and up again, saw ${seen}` });
	expect(seen).toEqual(['up', 'down', 'up']);
	expect(broker.url).toBe(url);
	expect(broker.pid).not.toBe(pid);
	const nc = await connect({ servers: url });
	expect((await (await jetstreamManager(nc)).streams.info('KEPT')).state.messages).toBe(1);
	await nc.close();
});

test('a second broker on the same folder is refused, and the process that has it is named', async () => {
	await using dir = await tempDir();
	await using first = makeBroker(dir.path);
	await using second = makeBroker(dir.path);
	await first.broker.start();
	const error = await failure(second.broker.start());
	expect(error.code).toBe('already-running');
	expect(error.message).toContain(`process ${process.pid}`);
	expect(error.details).toMatchObject({ pid: process.pid });
	await first.broker.stop();
	await second.broker.start();
});

test('a port in use is refused by its number, with the flag that changes it', async () => {
	await using dir = await tempDir();
	const other = createServer().listen(0, '127.0.0.1');
	await once(other, 'listening');
	const address = other.address();
	if (address === null || typeof address === 'string') throw new Error('no port');
	await using made = makeBroker(dir.path, { port: address.port });
	const error = await failure(made.broker.start());
	expect(error.code).toBe('already-running');
	expect(error.message).toContain(`port ${address.port}`);
	expect(error.message).toContain('--port');
	other.close();
	await once(other, 'close');
	await made.broker.start();
	expect(made.broker.url).toBe(`nats://127.0.0.1:${address.port}`);
});

test('a server that cannot start is an error with its last words', async () => {
	await using dir = await tempDir();
	const program = join(dir.path, 'nats-server');
	await writeFile(program, '#!/bin/sh\necho "cannot open the store" >&2\nexit 3\n');
	await chmod(program, 0o755);
	await using made = makeBroker(dir.path, { serverPath: program });
	const error = await failure(made.broker.start());
	expect(error.code).toBe('no-broker');
	expect(error.message).toMatch(/exit code 3[\s\S]*cannot open the store/);
});

test('a server that ends again and again is given up, with the reason', async () => {
	await using dir = await tempDir();
	const real = await findNatsServer({ env: process.env });
	const program = join(dir.path, 'nats-server');
	const broken = join(dir.path, 'broken');
	await writeFile(program, `#!/bin/sh\n[ -e "${broken}" ] && exit 4\nexec "${real.path}" "$@"\n`);
	await chmod(program, 0o755);
	const given: unknown[] = [];
	await using made = makeBroker(dir.path, {
		serverPath: program,
		random: () => 0.99,
		onGaveUp: (error) => given.push(error),
	});
	await made.broker.start();
	await writeFile(broken, '');
	process.kill(identityOf(made.broker.pid).pid, 'SIGKILL');
	await eventually(() => given.length === 1, { message: 'gave up' });
	expect(given[0]).toMatchObject({ code: 'gave-up' });
	expect(String(given[0])).toContain('exit code 4');
	expect(made.broker.pid).toBeUndefined();
});

test('survives ten callers who start and stop it at random', async () => {
	await using dir = await tempDir();
	await using made = makeBroker(dir.path);
	// A round costs about 130 ms with a real server, so twenty instead of fifty.
	await stressLifecycle(() => made.broker, { rounds: 20 });
	expect(made.broker.pid).toBeUndefined();
});

/** A steward of its own, as an operating-system process that runs the built broker. */
async function startParent(dataDir: string, deathSignal: 'setpriv' | 'none') {
	const built = join(packageRoot, 'dist', 'broker', 'broker.js');
	if (!existsSync(built)) throw new Error(`${built} is missing; run npm run build`);
	const script = `
		const { Broker } = await import(${JSON.stringify(built)});
		const { systemClock } = await import(${JSON.stringify(join(packageRoot, 'dist/base/clock.js'))});
		const { silentLog } = await import(${JSON.stringify(join(packageRoot, 'dist/base/log.js'))});
		const broker = new Broker({ dataDir: process.argv[1], port: 0, env: process.env, clock: systemClock, log: silentLog, random: Math.random });
		await broker.start();
		console.log(broker.pid);
		setInterval(() => {}, 1000);
	`;
	const path = deathSignal === 'none' ? await pathWithoutSetpriv(dataDir) : process.env.PATH;
	const server = await findNatsServer({ env: process.env });
	const parent = spawn(process.execPath, ['--input-type=module', '-e', script, dataDir], {
		env: { ...process.env, PATH: path, NATS_SERVER: server.path },
		stdio: ['ignore', 'pipe', 'inherit'],
	});
	const [line] = await once(createInterface({ input: parent.stdout }), 'line');
	return { parent, exited: once(parent, 'exit'), server: identityOf(Number(line)) };
}

/** A setpriv that knows no death signals, as busybox has it. */
async function pathWithoutSetpriv(dir: string): Promise<string> {
	const bin = join(dir, 'bin');
	await mkdir(bin, { recursive: true });
	await writeFile(join(bin, 'setpriv'), '#!/bin/sh\nexit 1\n');
	await chmod(join(bin, 'setpriv'), 0o755);
	return `${bin}:${process.env.PATH}`;
}

for (const deathSignal of ['setpriv', 'none'] as const) {
	test(`kill -9 of the parent leaves no server, and its lock is taken over (death signal: ${deathSignal})`, async () => {
		await using dir = await tempDir();
		const { parent, exited, server } = await startParent(dir.path, deathSignal);
		await using next = makeBroker(dir.path);
		const error = await failure(next.broker.start());
		expect(error.message).toContain(`process ${parent.pid}`);
		parent.kill('SIGKILL');
		await exited;
		await eventually(() => !isSameProcess(server), { message: 'the server ended with its parent' });
		await next.broker.start();
		expect(next.broker.pid).toBeDefined();
	});
}

test('a server that outlived its steward all the same is ended before the next one starts', async () => {
	await using dir = await tempDir();
	const folder = join(dir.path, 'broker');
	await mkdir(folder);
	const outlived = spawn('sleep', ['60'], { stdio: 'ignore' });
	const exited = once(outlived, 'exit');
	const identity = identityOf(outlived.pid);
	await writeFile(
		join(folder, 'server.json'),
		JSON.stringify({ ...identity, startTime: identity.startTime - 1 }),
	);
	{
		await using made = makeBroker(dir.path);
		await made.broker.start();
		expect(isSameProcess(identity)).toBe(true);
	}
	await writeFile(join(folder, 'server.json'), JSON.stringify(identity));
	await using made = makeBroker(dir.path);
	await made.broker.start();
	expect(isSameProcess(identity)).toBe(false);
	await exited;
	expect(made.lines.join('\n')).toContain('unclean end');
});
