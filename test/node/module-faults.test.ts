import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import type { CommandState } from '../../src/domain/state.ts';
import { consumerName, streams, subjects } from '../../src/domain/subject.ts';
import { closeConnection, openConnection } from '../../src/jetstream/connection.ts';
import { effectsIn } from '../support/effects.ts';
import { eventually } from '../support/eventually.ts';
import { openFleet, startCentral, startNode } from '../support/fleet.ts';
import { shortenLeases } from '../support/leases.ts';
import { recordingLog } from '../support/log.ts';
import { startNats } from '../support/nats.ts';
import { tempDir } from '../support/temp.ts';
import { command, ends, settled } from './asking.ts';
import { moduleHeader } from './module-source.ts';

/** Each fault once in the module's child process, and once in a worker thread: `exit-child`, `exit-worker`. */
const source = `
	const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
	const doze = (ms) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
	const faults = {
		throws: () => { throw new RangeError('far too far'); },
		rejects: async () => { await sleep(1); throw new Error('later'); },
		never: () => new Promise(() => undefined),
		// Never lets go, until its grace is over, and takes no processor from the other tests: worker-pool.test.ts and
		// isolated-process.test.ts end those that compute all the time.
		blocks: (ms) => { const end = Date.now() + ms; while (Date.now() < end) doze(20); return 'over'; },
		exits: () => process.exit(3),
		leaks: () => { const kept = []; for (;;) kept.push(new Array(1000).fill(kept.length)); },
		// A table that grows in one step: V8 ends the whole process then, whatever the limits of a thread are.
		hoards: () => { const kept = new Map(); for (let n = 0; ; n++) kept.set(n, n); },
		// As deaf as one that computes.
		waits: (ms) => { doze(ms); return 'over'; },
		works: () => 'well',
	};
	export default Object.entries(faults).flatMap(([name, run]) => ['child', 'worker'].map((isolate) => ({
		...method(name + '-' + isolate, (_, { path, ms }) => {
			appendFileSync(path, name + '\\n');
			return run(ms);
		}),
		isolate,
	})));
`;

async function modulePathIn(dir: string): Promise<string> {
	const path = join(dir, 'module.mjs');
	await writeFile(path, (await moduleHeader()) + source);
	return path;
}

type Row = { fault: string; runFor: string; state: CommandState; code: string; message: RegExp };

/** What becomes of each, wherever it runs. */
const table: readonly Row[] = [
	{ fault: 'throws', runFor: '30s', state: 'failed', code: 'threw', message: /^far too far$/ },
	{ fault: 'rejects', runFor: '30s', state: 'failed', code: 'threw', message: /^later$/ },
	{ fault: 'never', runFor: '2s', state: 'timedOut', code: 'runForPassed', message: /longer than 2000 ms/ },
	{
		fault: 'blocks',
		runFor: '2s',
		state: 'timedOut',
		code: 'runForPassed',
		message: /longer than 2000 ms/,
	},
	{ fault: 'exits', runFor: '30s', state: 'failed', code: 'processDied', message: /ended, exit code 3/ },
	{ fault: 'leaks', runFor: '60s', state: 'failed', code: 'processDied', message: /out of memory/ },
	{ fault: 'hoards', runFor: '60s', state: 'failed', code: 'processDied', message: /out of memory/ },
];

test.concurrent.each(['child', 'worker'])(
	'a method in a %s that throws, rejects, hangs, blocks, exits or leaks ends by itself, once, and takes nothing with it',
	async (isolate) => {
		await using nats = await startNats();
		await using _central = await startCentral(nats.url);
		await using fleet = await openFleet(nats.url);
		await using dir = await tempDir();
		const effects = effectsIn(dir.path);
		const node = { modules: [await modulePathIn(dir.path)], moduleMemoryMb: 64, workers: 1 };
		await using ship = await startNode(nats.url, 'ship1', { node });
		const failures: Error[] = [];
		ship.part.onFailure((error) => failures.push(error));
		const before = await eventually(async () => (await fleet.node('ship1'))?.startedAt);
		const data = { path: effects.path, ms: 60_000 };
		for (const { fault, runFor } of table) {
			await fleet.send(command(fault, data, { method: `${fault}-${isolate}`, runFor }));
		}
		await fleet.send(command('works', data, { method: `works-${isolate}` }));
		const ids = [...table.map(({ fault }) => fault), 'works'];
		const views = await settled(fleet, ids);
		expect(ends(views)).toEqual([...table.map(({ state }) => `${state} 1`), 'succeeded 1']);
		expect(views.map(({ fault }) => fault?.code)).toEqual([...table.map(({ code }) => code), undefined]);
		for (const [index, { message }] of table.entries()) expect(views[index]?.fault?.message).toMatch(message);
		// Each started once: no delivery was handed over twice.
		expect(await effects.words()).toEqual(ids);
		expect(await deliveriesOf(nats.url)).toBe(ids.length);
		expect(failures).toEqual([]);
		const after = await eventually(async () => {
			const view = await fleet.node('ship1');
			return view?.presence === 'present' && view;
		});
		expect(after.startedAt).toBe(before);
	},
	120_000,
);

test.concurrent.each(['child', 'worker'])(
	'a method in a %s that blocks for longer than its lease loses neither lease nor beat, and delays no other lane',
	async (isolate) => {
		await using nats = await startNats();
		await using _central = await startCentral(nats.url);
		await using fleet = await openFleet(nats.url);
		await using dir = await tempDir();
		const effects = effectsIn(dir.path);
		const log = recordingLog();
		const node = { modules: [await modulePathIn(dir.path)], lanes: { normal: 2 } };
		await using _ship = await startNode(nats.url, 'ship1', { node, log });
		// The lease is renewed every 10 s: one of 13 s is lost unless that truly happens, and a run of 16 s outlasts it.
		await shortenLeases(nats.url, 'ship1', 13_000, { normal: 2 });
		const connection = await openConnection({ servers: [nats.url], name: 'test', timeoutMs: 30_000 });
		let beats = 0;
		connection.nc.subscribe(subjects.beats, { callback: () => void beats++ });
		await connection.nc.flush();
		await fleet.send(command('a', { path: effects.path, ms: 16_000 }, { method: `waits-${isolate}` }));
		await effects.reach(1);
		await fleet.send(command('b', effects.shell('b'), { lane: 'urgent' }));
		await fleet.send(command('c', effects.shell('c')));
		expect(ends(await settled(fleet, ['b', 'c']))).toEqual(['succeeded 1', 'succeeded 1']);
		expect((await fleet.get('ship1.a'))?.state).toBe('running');
		const [a] = await settled(fleet, ['a']);
		expect(a).toMatchObject({ state: 'succeeded', attempt: 1 });
		expect(Date.parse(a?.endedAt ?? '') - Date.parse(a?.startedAt ?? '')).toBeGreaterThan(15_000);
		expect(log.lines.some(({ message }) => message.includes('adopted'))).toBe(false);
		expect(await deliveriesOf(nats.url)).toBe(2);
		expect((await effects.words()).sort()).toEqual(['b', 'c', 'waits']);
		// A beat is due each 400 ms.
		expect(beats).toBeGreaterThan(16);
		await closeConnection(connection, systemClock);
	},
	90_000,
);

test.concurrent('a module whose method asks for no isolation is refused, with what to write instead', async () => {
	await using nats = await startNats();
	await using dir = await tempDir();
	const path = join(dir.path, 'module.mjs');
	const inside = `export default { ...method('inside', () => 1), isolate: 'none' };`;
	await writeFile(path, (await moduleHeader()) + inside);
	const error: unknown = await startNode(nats.url, 'ship1', { node: { modules: [path] } }).catch(
		(reason: unknown) => reason,
	);
	expect(error).toMatchObject({ code: 'invalid' });
	const { message } = error as Error;
	for (const word of [path, 'method inside', `write isolate: 'worker' or 'child', or leave it out`]) {
		expect(message).toContain(word);
	}
	await writeFile(path, (await moduleHeader()) + inside.replace('none', 'thread'));
	await expect(startNode(nats.url, 'ship1', { node: { modules: [path] } })).rejects.toThrow(
		/isolate: expected "worker" or "child"/,
	);
});

test.concurrent('faults of one kind arrive at the centre in a few events, whose counts sum up, also when the node stops', async () => {
	await using nats = await startNats();
	await using _central = await startCentral(nats.url);
	await using fleet = await openFleet(nats.url);
	await using atCentral = await startNode(nats.url, 'central');
	await using ship = await startNode(nats.url, 'ship1');
	const ids = Array.from({ length: 150 }, (_, n) => `c${n}`);
	await Promise.all(ids.map((id) => fleet.send(command(id, null, { method: 'nosuch' }))));
	await settled(fleet, ids);
	await ship.stop();
	const errors = await eventually(
		async () => {
			const lines = await errorLines(join(atCentral.dataDir, 'logs', 'errors.jsonl'));
			return sumOf(lines) >= ids.length && lines;
		},
		{ message: 'all faults are told' },
	);
	expect(sumOf(errors)).toBe(ids.length);
	expect(errors.length).toBeLessThanOrEqual(5);
	expect(new Set(errors.map(({ code, where }) => `${code} ${where}`))).toEqual(
		new Set(['unknownMethod nosuch']),
	);
});

/** How often the normal lane's consumer has handed a message over, in all. */
async function deliveriesOf(servers: string): Promise<number> {
	const connection = await openConnection({ servers: [servers], name: 'test', timeoutMs: 30_000 });
	try {
		const info = await connection.jsm.consumers.info(streams.commands(0), consumerName('ship1', 'normal'));
		return info.delivered.consumer_seq;
	} finally {
		await closeConnection(connection, systemClock);
	}
}

type ErrorLine = { readonly code: string; readonly where: string; readonly count: number };

async function errorLines(path: string): Promise<ErrorLine[]> {
	const text = await readFile(path, 'utf8').catch(() => '');
	return text
		.split('\n')
		.filter((line) => line !== '')
		.map((line) => JSON.parse(line).error);
}

function sumOf(lines: readonly ErrorLine[]): number {
	return lines.reduce((sum, { count }) => sum + count, 0);
}
