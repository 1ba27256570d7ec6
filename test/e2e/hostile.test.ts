/**
 * Honest work beside garbage on every subject: all of it ends right and in time, nothing ends that should not, and neither
 * memory nor logs grow beyond their measure. The buckets and other nodes' ids are left alone: only accounts guard them.
 */

import { readFileSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { DeadLetters } from '../../src/jetstream/dead-letters.ts';
import { hostileFaults } from '../chaos/faults/hostile.ts';
import { randomFrom } from '../chaos/random.ts';
import { startCentralProcess } from '../support/central-process.ts';
import { disposables } from '../support/disposables.ts';
import { type Effects, effectsIn } from '../support/effects.ts';
import { eventually } from '../support/eventually.ts';
import { openFleet } from '../support/fleet.ts';
import { isLong } from '../support/long.ts';
import { startNats } from '../support/nats.ts';
import { type NodeProcess, startNodeProcess } from '../support/node-process.ts';
import { openRaw } from '../support/raw.ts';
import { tempDir } from '../support/temp.ts';

const seed = Number(process.env.STEWARD_HOSTILE_SEED ?? 1);
/** Each is 200 to 800 messages. */
const rounds = Number(process.env.STEWARD_HOSTILE_ROUNDS ?? (isLong ? 8 : 4));
const ships = ['ship0', 'ship1'];
const commandsEach = 30;

type Named = { readonly name: string; readonly dataDir: string };

/** What a process has of the machine's memory, MiB. */
function residentMiB(pid: number): number {
	const [, kib] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
	return Number(kib) / 1024;
}

test(`garbage on every subject harms no honest work (seed ${seed})`, async () => {
	await using nats = await startNats();
	await using dir = await tempDir('steward-hostile-');
	await using central = await startCentralProcess(nats.url, { presenceTtlMs: 3000 });
	await central.whenReady;
	await using nodes = disposables();
	const started: (Named & { readonly node: NodeProcess; readonly effects: Effects })[] = [];
	for (const name of ships) {
		const dataDir = join(dir.path, name);
		await mkdir(dataDir);
		const node = nodes.use(await startNodeProcess(nats.url, name, dataDir, { node: { beatEveryMs: 1000 } }));
		started.push({ name, dataDir, node, effects: effectsIn(dataDir) });
	}
	await using raw = await openRaw(nats.url);
	const fleet = await openFleet(nats.url);
	await using _fleet = { [Symbol.asyncDispose]: () => fleet.close() };
	await eventually(async () => (await fleet.nodes()).length === ships.length);
	const before = [central.pid, ...started.map(({ node }) => node.pid)].map(residentMiB);

	const random = randomFrom(seed);
	const publishing = (async () => {
		const told: string[] = [];
		for (let round = 0; round < rounds; round++) {
			told.push(await hostileFaults().hostile.run({ raw, ships: started }, random.fork(`garbage ${round}`)));
		}
		return told;
	})();
	const handles: string[] = [];
	for (let n = 0; n < commandsEach; n++) {
		for (const { name, effects } of started) {
			const lane = n % 3 === 0 ? 'urgent' : 'normal';
			const form = { toNode: name, method: 'shellCommand', id: `c${n}`, lane } as const;
			const [command] = await fleet.send({ ...form, kind: 'command', data: effects.shell(`c${n}`) });
			if (command) handles.push(`${name}.${command.id}`);
			await fleet.send({ toNode: name, kind: 'event', method: 'textLogging', data: [`honest ${n}`] });
		}
	}
	for (const told of await publishing) expect(told).toMatch(/^garbage, \d{5,} bytes/);
	const views = await fleet.wait(handles, { timeoutMs: 60_000 });
	expect(views.map(({ state }) => state)).toEqual(handles.map(() => 'succeeded'));
	for (const { dataDir, effects } of started) {
		const wanted = Array.from({ length: commandsEach }, (_, n) => n);
		expect((await effects.words()).sort()).toEqual(wanted.map((n) => `c${n}`).sort());
		await eventually(async () => {
			const lines = (await readFile(join(dataDir, 'logs', '_operator.log'), 'utf8')).split('\n');
			return wanted.every((n) => lines.filter((line) => line === `honest ${n}`).length === 1);
		});
	}
	// Whoever asks is answered.
	expect((await fleet.nodes()).map(({ node }) => node)).toEqual(expect.arrayContaining(ships));
	expect((await fleet.list({ limit: 100_000 })).length).toBeGreaterThanOrEqual(handles.length);
	// What the centre reads does not stand still.
	for (const stream of ['STEWARD_CLAIMS', 'STEWARD_REPORTS', 'STEWARD_INTAKE']) {
		const name = stream === 'STEWARD_INTAKE' ? '_intake' : '_projector';
		await eventually(
			async () => {
				const info = await raw.jsm.consumers.info(stream, name);
				return info.num_pending + info.num_ack_pending === 0;
			},
			{ message: `${name} of ${stream} is through` },
		);
	}
	const after = [central.pid, ...started.map(({ node }) => node.pid)].map(residentMiB);
	after.forEach((mib, index) => {
		expect(mib - (before[index] ?? 0), 'MiB more').toBeLessThan(250);
	});
	const logs = [central.output(), ...started.map(({ node }) => node.output())];
	for (const log of logs) {
		expect(Math.max(...log.split('\n').map((line) => line.length))).toBeLessThan(5000);
		expect(log.split('\n').length).toBeLessThan(3 * 800 * rounds);
	}
	// What was refused is told. Garbage among the letters is no letter.
	const refused: string[] = [];
	await new DeadLetters(raw.connection).scan({}, ({ fault }) => refused.push(fault.code));
	expect(refused.length).toBeGreaterThan(50 * rounds);
	expect(new Set(refused)).toEqual(
		new Set([...refused, 'invalid', 'undecodable', 'unknownMethod', 'badData']),
	);
});
