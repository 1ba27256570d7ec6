import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { streamsDir } from '../../../src/base/package.ts';
import { streams } from '../../../src/domain/subject.ts';
import { closeConnection, Link, openConnection } from '../../../src/jetstream/connection.ts';
import { applyTopology } from '../../../src/jetstream/topology.ts';
import { Output } from '../../../src/node/output/output.ts';
import { Redaction } from '../../../src/node/output/redactor.ts';
import { effectsIn } from '../../support/effects.ts';
import { eventually } from '../../support/eventually.ts';
import { openFleet, startCentral, startNode } from '../../support/fleet.ts';
import { shortenLeases } from '../../support/leases.ts';
import { stressLifecycle } from '../../support/lifecycle.ts';
import { recordingLog } from '../../support/log.ts';
import { readLogs, sha256 } from '../../support/logs.ts';
import { startNats } from '../../support/nats.ts';
import { startNodeProcess } from '../../support/node-process.ts';
import { startProxy } from '../../support/proxy.ts';
import { spooledUntil } from '../../support/spool.ts';
import { tempDir } from '../../support/temp.ts';
import { command, ends, settled } from '../asking.ts';
import { moduleHeader } from '../module-source.ts';

const mib = 1024 * 1024;

async function place() {
	const nats = await startNats();
	const proxy = await startProxy(nats.port);
	const central = await startCentral(nats.url);
	const fleet = await openFleet(nats.url);
	const dir = await tempDir();
	return {
		...{ nats, proxy, central, fleet, dir, effects: effectsIn(dir.path) },
		[Symbol.asyncDispose]: async () => {
			await fleet.close();
			await central.stop();
			await proxy[Symbol.asyncDispose]();
			await nats[Symbol.asyncDispose]();
			await dir[Symbol.asyncDispose]();
		},
	};
}

function spooled(dataDir: string): Promise<string[]> {
	return readdir(join(dataDir, 'output'));
}

test.concurrent('output goes to the spool while the link is cut, and is complete and in order afterwards', async () => {
	await using parts = await place();
	const { proxy, fleet, dir, effects } = parts;
	await using ship = await startNode(proxy.url, 'ship1');
	const file = join(dir.path, 'bytes');
	const script = [
		'echo begin',
		effects.gate('cut'),
		`head -c 20000000 /dev/urandom | tee ${file}`,
		'for i in $(seq 200); do echo $i >&2; done',
		`echo done >> ${effects.path}`,
		effects.gate('healed'),
		'echo end',
	];
	await fleet.send(command('a', ['bash', '-c', script.join('; ')]));
	await eventually(async () => (await readLogs(fleet, 'ship1.a')).stdout.text === 'begin\n');
	proxy.cut();
	await effects.open('cut');
	// All of it is said while nobody takes it.
	await effects.reach(1);
	expect((await readLogs(fleet, 'ship1.a')).stdout.bytes).toBe(6);
	expect((await spooled(ship.dataDir)).length).toBeGreaterThan(1);
	proxy.heal();
	await effects.open('healed');
	const { stdout, stderr, gaps, end } = await readLogs(fleet, 'ship1.a', { follow: true });
	expect(gaps).toEqual([]);
	const bytes = Buffer.concat([Buffer.from('begin\n'), await readFile(file), Buffer.from('end\n')]);
	expect([stdout.bytes, stdout.sha256]).toEqual([bytes.length, sha256(bytes)]);
	expect(stderr.text).toBe(`${Array.from({ length: 200 }, (_, n) => n + 1).join('\n')}\n`);
	expect(end).toMatchObject({ state: 'succeeded', complete: true });
	expect((await fleet.get('ship1.a'))?.result?.stdout?.sha256).toBe(sha256(bytes));
	await eventually(async () => (await spooled(ship.dataDir)).length === 0);
});

test.concurrent('chunks whose answers were lost are sent again, and read once', async () => {
	await using parts = await place();
	const { proxy, fleet, dir, effects } = parts;
	await using ship = await startNode(proxy.url, 'ship1');
	const file = join(dir.path, 'bytes');
	const script = `echo begin; ${effects.gate('drop')}; head -c 3000000 /dev/urandom | tee ${file}; ${effects.gate('healed')}; echo end`;
	await fleet.send(command('a', ['bash', '-c', script]));
	await eventually(async () => (await readLogs(fleet, 'ship1.a')).stdout.text === 'begin\n');
	proxy.dropServerToClient();
	const lostBefore = proxy.bytesLost;
	await effects.open('drop');
	// Stored, and nobody at the node knows.
	await eventually(async () => (await readLogs(fleet, 'ship1.a')).stdout.bytes > 6);
	await eventually(() => proxy.bytesLost > lostBefore);
	proxy.heal();
	await effects.open('healed');
	const { stdout, gaps, end } = await readLogs(fleet, 'ship1.a', { follow: true, patienceMs: 20_000 });
	const bytes = Buffer.concat([Buffer.from('begin\n'), await readFile(file), Buffer.from('end\n')]);
	expect([gaps, stdout.bytes, stdout.sha256]).toEqual([[], bytes.length, sha256(bytes)]);
	expect(end?.complete).toBe(true);
	await eventually(async () => (await spooled(ship.dataDir)).length === 0, { message: 'all was confirmed' });
});

test.concurrent('a broker that is killed while output is under way loses none of it, and stores no gap', async () => {
	await using parts = await place();
	const { nats, fleet, dir, effects } = parts;
	await using _ship = await startNode(nats.url, 'ship1');
	const file = join(dir.path, 'bytes');
	const steps = `for i in 1 2 3 4 5 6; do head -c 3000000 /dev/urandom | tee -a ${file}; echo $i >> ${effects.path}; sleep 0.2; done`;
	await fleet.send(command('a', ['bash', '-c', steps]));
	for (const step of [1, 3]) {
		await effects.reach(step);
		await nats.restart();
	}
	const [view] = await settled(fleet, ['a']);
	expect(view?.state).toBe('succeeded');
	const { stdout, gaps } = await readLogs(fleet, 'ship1.a', { follow: true, patienceMs: 20_000 });
	expect([gaps, stdout.bytes, stdout.sha256]).toEqual([[], 18_000_000, sha256(await readFile(file))]);
});

test.concurrent('beyond its budget output is cut, marked with how much, and the run is as it would be', async () => {
	await using parts = await place();
	const { proxy, fleet, dir, effects } = parts;
	const node = { output: { spoolMaxBytes: 0 } };
	await using ship = await startNode(proxy.url, 'ship1', { node });
	const file = join(dir.path, 'bytes');
	const script = `echo begin; ${effects.gate('cut')}; head -c 30000000 /dev/urandom | tee ${file}; echo done >> ${effects.path}; ${effects.gate('healed')}; printf end; exit 3`;
	await fleet.send(command('a', ['bash', '-c', script]));
	await eventually(async () => (await readLogs(fleet, 'ship1.a')).stdout.bytes === 6);
	proxy.cut();
	await effects.open('cut');
	await effects.reach(1);
	const files = await Promise.all(
		(await spooled(ship.dataDir)).map((name) => readFile(join(ship.dataDir, 'output', name))),
	);
	expect(files.reduce((sum, { length }) => sum + length, 0)).toBeLessThan(2.2 * mib);
	proxy.heal();
	await effects.open('healed');
	const { stdout, gaps, end } = await readLogs(fleet, 'ship1.a', { follow: true });
	const all = Buffer.concat([Buffer.from('begin\n'), await readFile(file), Buffer.from('end')]);
	const missing = gaps.reduce((sum, gap) => sum + (gap.bytes ?? Number.NaN), 0);
	expect(gaps.every(({ reason, stream }) => reason === 'cut' && stream === 'stdout')).toBe(true);
	// The window, and what the pipe and the sender took before.
	expect(missing).toBeGreaterThan(30_000_000 - 4 * mib);
	expect(stdout.bytes + missing).toBe(all.length);
	const kept = Buffer.from(stdout.text, 'latin1');
	expect(all.subarray(0, mib).equals(kept.subarray(0, mib))).toBe(true);
	expect(end).toMatchObject({ state: 'failed', complete: true });
	const view = await fleet.get('ship1.a');
	expect(view?.result).toMatchObject({ exitCode: 3, stdout: { bytes: all.length, sha256: sha256(all) } });
});

test.concurrent('a node that is killed in the middle leaves its spool: the next start sends it, and says that it was cut off', async () => {
	await using parts = await place();
	const { nats, proxy, fleet, dir, effects } = parts;
	await shortenLeases(nats.url, 'ship1');
	const nodeDir = join(dir.path, 'ship1');
	const first = await startNodeProcess(proxy.url, 'ship1', nodeDir);
	const file = join(dir.path, 'bytes');
	const script = `head -c 300000 /dev/urandom | tee ${file}; ${effects.gate('cut')}; head -c 6000000 /dev/urandom | tee -a ${file}; echo err >&2; echo $$ >> ${effects.path}; sleep 1000`;
	await fleet.send(command('a', ['bash', '-c', script]));
	await eventually(async () => (await readLogs(fleet, 'ship1.a')).stdout.bytes === 300_000);
	proxy.blackHole();
	await effects.open('cut');
	await effects.reach(1);
	// What the pipes hold is read, and written, a moment later.
	await eventually(async () => {
		expect(await spooledUntil(join(nodeDir, 'output'), 'a')).toEqual({ stdout: 6_300_000, stderr: 4 });
		return true;
	});
	await first.kill();
	expect((await spooled(nodeDir)).length).toBeGreaterThan(1);
	proxy.heal();
	await using _second = await startNodeProcess(proxy.url, 'ship1', nodeDir);
	const { stdout, stderr, gaps, end } = await readLogs(fleet, 'ship1.a', {
		follow: true,
		patienceMs: 20_000,
	});
	expect([stdout.bytes, stdout.sha256]).toEqual([6_300_000, sha256(await readFile(file))]);
	expect(stderr.text).toBe('err\n');
	expect(gaps).toEqual([{ kind: 'gap', attempt: 1, stream: null, bytes: null, reason: 'cutOff' }]);
	expect(end).toMatchObject({ state: 'interrupted', complete: true });
	await eventually(async () => (await spooled(nodeDir)).length === 0);
});

test.concurrent('secrets leave the node nowhere: not in output across chunks, results, values, or faults', async () => {
	await using parts = await place();
	const { nats, fleet, dir } = parts;
	const modulePath = join(dir.path, 'module.mjs');
	const source = `
		export default [
			method('value', () => ({ token: 'tok-12345', list: ['a', 'key=tok-999'], 'tok-1': 7 })),
			method('throws', async (context) => { await context.output('before tok-5'); throw new Error('refused: tok-77'); }),
			method('event', () => { throw new Error('event tok-78'); }, 'event'),
		];
	`;
	await writeFile(modulePath, (await moduleHeader()) + source);
	const node = { redact: ['tok-[0-9]+', 'password: .*$'], modules: [modulePath] };
	await using _ship = await startNode(nats.url, 'ship1', { node });
	// The gaps between the writes put the secret into two reads of the pipe.
	const script =
		"printf 'first tok-12'; sleep 0.3; printf '34 rest\\n'; printf 'password: hun'; sleep 0.3; printf 'ter2\\nlast tok-9' >&1; printf 'tok-8' >&2";
	await fleet.send(command('a', ['bash', '-c', script]));
	await fleet.send(command('value', null, { method: 'value' }));
	await fleet.send(command('throws', null, { method: 'throws' }));
	const [a, value, throws] = await settled(fleet, ['a', 'value', 'throws']);
	const expected = 'first [redacted] rest\n[redacted]\nlast [redacted]';
	expect(a?.result?.stdout).toMatchObject({
		...{ head: expected, bytes: expected.length, sha256: sha256(Buffer.from(expected)) },
	});
	expect(a?.result?.stderr?.head).toBe('[redacted]');
	expect((await readLogs(fleet, 'ship1.a', { follow: true })).stdout.text).toBe(expected);
	expect(value?.result?.value).toEqual({
		token: '[redacted]',
		list: ['a', 'key=[redacted]'],
		'[redacted]': 7,
	});
	expect(throws?.fault?.message).toBe('refused: [redacted]');
	expect(throws?.result?.stdout?.head).toBe('before [redacted]');
	await fleet.send({ toNode: 'ship1', kind: 'event', method: 'event', data: null });
	const connection = await openConnection({ servers: [nats.url], name: 'test', timeoutMs: 30_000 });
	try {
		const texts: string[] = [];
		for (const stream of [streams.reports, streams.output, streams.events, streams.dead]) {
			const { state } = await connection.jsm.streams.info(stream);
			for (let seq = state.first_seq; seq <= state.last_seq; seq++) {
				const message = await connection.jsm.streams.getMessage(stream, { seq }).catch(() => undefined);
				texts.push(message?.string() ?? '');
			}
		}
		expect(texts.filter((text) => /tok-\d|hunter2/.test(text))).toEqual([]);
	} finally {
		await closeConnection(connection, systemClock);
	}
});

test.concurrent("a module's output is followed live, kept in its result, and waits for the node when it is a flood", async () => {
	await using parts = await place();
	const { nats, fleet, dir, effects } = parts;
	const modulePath = join(dir.path, 'module.mjs');
	const source = `
		import { existsSync } from 'node:fs';
		const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
		export default [
			method('says', async ({ output }, path) => {
				await output('begin\\n');
				while (!existsSync(path)) await sleep(20);
				await output(new Uint8Array([0, 255, 10]), 'stderr');
				void output('unwaited');
				return 7;
			}),
			method('flood', async ({ output }, count) => {
				for (let i = 0; i < count; i++) await output(Buffer.alloc(1024 * 1024, 97));
			}),
			method('eventSays', ({ output }) => output('nobody hears'), 'event'),
		];
	`;
	await writeFile(modulePath, (await moduleHeader()) + source);
	await using _ship = await startNode(nats.url, 'ship1', { node: { modules: [modulePath] } });
	await fleet.send(command('a', join(dir.path, 'gate-go'), { method: 'says' }));
	await eventually(async () => (await readLogs(fleet, 'ship1.a')).stdout.text === 'begin\n');
	await effects.open('go');
	const { stdout, stderr, end } = await readLogs(fleet, 'ship1.a', { follow: true });
	expect([stdout.text, stderr.text]).toEqual(['begin\nunwaited', '\u0000\u00ff\n']);
	expect(end?.complete).toBe(true);
	expect((await fleet.get('ship1.a'))?.result).toMatchObject({
		value: 7,
		stdout: { head: 'begin\nunwaited', encoding: 'utf8' },
		stderr: { head: 'AP8K', encoding: 'base64' },
	});
	await fleet.send(command('flood', 20, { method: 'flood' }));
	const flood = await readLogs(fleet, 'ship1.flood', { follow: true });
	expect([flood.stdout.bytes, flood.gaps]).toEqual([20 * mib, []]);
	const receipt = (await fleet.send({ toNode: 'ship1', kind: 'event', method: 'eventSays', data: null }))[0];
	if (receipt) await fleet.waitDelivered(receipt, { timeoutMs: 60_000 });
	const connection = await openConnection({ servers: [nats.url], name: 'test', timeoutMs: 30_000 });
	const info = await connection.jsm.streams.info(streams.output, { subjects_filter: '>' });
	expect(Object.keys(info.state.subjects ?? {}).sort()).toEqual([
		'steward.output.ship1.a',
		'steward.output.ship1.flood',
	]);
	await closeConnection(connection, systemClock);
});

test.concurrent('the spool starts and stops in any order, and a folder that cannot be written costs output, not commands', async () => {
	await using parts = await place();
	const { nats, fleet, dir } = parts;
	const connection = await openConnection({ servers: [nats.url], name: 'test', timeoutMs: 30_000 });
	await applyTopology(connection, { dir: streamsDir });
	const log = recordingLog();
	const link = new Link({ servers: [nats.url], name: 'ship1', clock: systemClock, log });
	await link.start();
	const options = { node: 'ship1', spoolMaxBytes: mib, redaction: new Redaction([]), link, log };
	const output = new Output({ ...options, dataDir: dir.path, clock: systemClock });
	await stressLifecycle(() => output);
	await output.start();
	const one = output.begin({ id: 'one', attempt: 1 });
	await one.write('hello', 'stdout');
	one.end();
	await eventually(async () => (await spooled(dir.path)).length === 0);
	await output.stop();
	await link.stop();
	await closeConnection(connection, systemClock);

	const blocked = join(dir.path, 'blocked');
	await using ship = await startNode(nats.url, 'ship1', { dataDir: blocked, log });
	await ship.stop();
	await rm(join(blocked, 'output'), { recursive: true });
	await writeFile(join(blocked, 'output'), 'a file where the folder should be');
	await using _again = await startNode(nats.url, 'ship1', { dataDir: blocked, log });
	await fleet.send(command('a', ['bash', '-c', 'for i in 1 2 3; do echo $i; sleep 0.1; done']));
	await fleet.send(command('b', ['true']));
	expect(ends(await settled(fleet, ['a', 'b']))).toEqual(['succeeded 1', 'succeeded 1']);
	const { stdout, gaps, end } = await readLogs(fleet, 'ship1.a', { follow: true });
	expect([stdout.bytes, gaps.map(({ bytes, reason }) => [bytes, reason])]).toEqual([0, [[6, 'cut']]]);
	expect(end?.complete).toBe(true);
	const said = log.lines.filter(({ message }) => message.includes('its spool cannot be written'));
	expect(said).toHaveLength(1);
});
