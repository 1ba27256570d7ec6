import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { makeBackup } from '../../src/client/backup.ts';
import { restoreBackup } from '../../src/client/backup-restore.ts';
import type { Fleet } from '../../src/client/fleet.ts';
import { isFinal } from '../../src/domain/state.ts';
import { disposables } from '../support/disposables.ts';
import { type Effects, effectsIn } from '../support/effects.ts';
import { eventually } from '../support/eventually.ts';
import { openFleet, startCentral, startNode } from '../support/fleet.ts';
import type { Nats } from '../support/nats.ts';
import { startNats } from '../support/nats.ts';
import { openRaw } from '../support/raw.ts';
import { tempDir } from '../support/temp.ts';

const forShip = (toNode: string, id: string, effects: Effects) =>
	({ toNode, method: 'shellCommand', kind: 'command', id, data: effects.shell(id) }) as const;

/** Sends until it is stopped, a few ahead of what has run: half of it through the intake, without an id. */
function sendOn(nats: Nats, fleet: Fleet, effects: Effects, ranBefore: number) {
	let isOver = false;
	const sent: string[] = [];
	const loop = (async () => {
		await using raw = await openRaw(nats.url);
		for (let i = 0; !isOver; i++) {
			const word = `live${i}`;
			sent.push(word);
			if (i > 8) await effects.reach(ranBefore + i - 8);
			if (i % 2 === 0) await fleet.send(forShip('ship1', word, effects));
			else {
				// Acknowledged: the server maps the public name to the intake's stream.
				const data = JSON.stringify({ data: effects.shell(word) });
				await raw.nc.request('ship1.command.shellCommand', data);
			}
		}
	})();
	return async () => {
		isOver = true;
		await loop;
		return sent;
	};
}

test('a fleet at work is backed up, and its backup restored under a centre that runs: nothing runs twice, nothing settled is lost', async () => {
	await using dir = await tempDir();
	const path = join(dir.path, 'backup');
	const effects = effectsIn(dir.path);
	const dataDir = join(dir.path, 'ship1');
	await mkdir(dataDir);
	const before = Array.from({ length: 10 }, (_, i) => `before${i}`);
	const waiting = Array.from({ length: 3 }, (_, i) => `waiting${i}`);
	let live: string[];
	{
		await using first = disposables();
		const nats = first.use(await startNats());
		first.use(await startCentral(nats.url));
		first.use(await startNode(nats.url, 'ship1', { dataDir }));
		const fleet = await openFleet(nats.url);
		try {
			for (const id of before) await fleet.send(forShip('ship1', id, effects));
			await fleet.wait(before.map((id) => `ship1.${id}`));
			for (const id of waiting) await fleet.send(forShip('ship2', id, effects));
			const stop = sendOn(nats, fleet, effects, before.length);
			await effects.reach(before.length + 10);
			await using raw = await openRaw(nats.url);
			await makeBackup({ connection: raw.connection, dir: path, version: 'test', clock: systemClock });
			await effects.reach((await effects.words()).length + 4);
			live = await stop();
			// All that was sent ran once, also what the backup knows nothing of.
			await effects.reach(before.length + live.length);
		} finally {
			await fleet.close();
		}
	}
	await using second = disposables();
	const nats = second.use(await startNats());
	second.use(await startCentral(nats.url));
	await using raw = await openRaw(nats.url);
	await restoreBackup({ connection: raw.connection, dir: path, replace: false });
	second.use(await startNode(nats.url, 'ship1', { dataDir }));
	second.use(await startNode(nats.url, 'ship2'));
	const fleet = await openFleet(nats.url);
	try {
		const views = await fleet.wait(before.map((id) => `ship1.${id}`));
		expect(new Set(views.map(({ state }) => state))).toEqual(new Set(['succeeded']));
		await fleet.wait(waiting.map((id) => `ship2.${id}`));
		// Whatever the backup held comes to an end, and the fleet goes on.
		await fleet.send(forShip('ship1', 'after', effects));
		await fleet.wait(['ship1.after']);
		await raw.nc.request('ship1.command.shellCommand', JSON.stringify({ data: effects.shell('rawAfter') }));
		await eventually(async () => (await effects.words()).includes('rawAfter'), {
			message: 'a new raw message runs',
		});
		const unfinished = await eventually(
			async () => {
				const all = await fleet.list({ limit: 10_000 });
				const open = all.filter(({ state }) => !isFinal(state as never));
				// Claimed when the backup was made, and reported afterwards: only patience ends it.
				return open.every(({ state }) => state === 'running') && [open];
			},
			{ message: 'everything ends' },
		);
		expect(unfinished.flat().filter(({ id }) => before.includes(id))).toEqual([]);
		const words = await effects.words();
		expect(words.toSorted()).toEqual([...before, ...live, ...waiting, 'after', 'rawAfter'].toSorted());
	} finally {
		await fleet.close();
	}
});

test('whatever moves on between the copies of two streams is found once: the order of the copies is the order of its way', async () => {
	await using dir = await tempDir();
	const path = join(dir.path, 'backup');
	const effects = effectsIn(dir.path);
	const dataDir = join(dir.path, 'ship1');
	await mkdir(dataDir);
	const words = Array.from({ length: 12 }, (_, i) => `step${i}`);
	const handles = words.map((word) => `ship1.${word}`);
	{
		await using first = disposables();
		const nats = first.use(await startNats());
		first.use(await startCentral(nats.url));
		first.use(await startNode(nats.url, 'ship1', { dataDir }));
		const fleet = await openFleet(nats.url);
		await using raw = await openRaw(nats.url);
		try {
			for (const id of words) {
				await fleet.send({ ...forShip('ship1', id, effects), data: effects.shell(id, effects.gate(id)) });
			}
			await effects.reach(1);
			const left = async () => (await raw.jsm.streams.info('STEWARD_COMMANDS_0')).state.messages;
			const seen = new Set<string>();
			await makeBackup({
				...{ connection: raw.connection, dir: path, version: 'test', clock: systemClock },
				// While each stream is copied one command ends and is removed, and the next one is claimed.
				onProgress: async ({ stream }) => {
					const word = words[seen.size];
					if (seen.has(stream) || !word) return;
					seen.add(stream);
					await effects.open(word);
					await eventually(async () => (await left()) === words.length - seen.size, {
						message: `${word} is settled`,
					});
				},
			});
			expect(await left()).toBe(0);
		} finally {
			await fleet.close();
		}
	}
	await using second = disposables();
	const nats = second.use(await startNats());
	await using raw = await openRaw(nats.url);
	await restoreBackup({ connection: raw.connection, dir: path, replace: false });
	second.use(await startCentral(nats.url));
	second.use(await startNode(nats.url, 'ship1', { dataDir }));
	const fleet = await openFleet(nats.url);
	try {
		const views = await fleet.wait(handles, { timeoutMs: 60_000 });
		expect(views.map(({ state, attempt }) => `${state} ${attempt}`)).toEqual(words.map(() => 'succeeded 1'));
		expect(await effects.words()).toEqual(words);
	} finally {
		await fleet.close();
	}
});
