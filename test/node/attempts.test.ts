import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Fleet } from '../../src/client/fleet.ts';
import { type Effects, effectsIn, untilGone } from '../support/effects.ts';
import { eventually } from '../support/eventually.ts';
import { openFleet, startCentral, startNode } from '../support/fleet.ts';
import { type Nats, startNats } from '../support/nats.ts';
import { tempDir } from '../support/temp.ts';
import { command, ends, settled } from './asking.ts';

/** Broker, centre, fleet and a folder for side effects. */
async function withFleet(
	work: (parts: { nats: Nats; fleet: Fleet; effects: Effects; dir: string }) => Promise<void>,
) {
	await using nats = await startNats();
	await using _central = await startCentral(nats.url);
	await using fleet = await openFleet(nats.url);
	await using dir = await tempDir();
	await work({ nats, fleet, effects: effectsIn(dir.path), dir: dir.path });
}

const soon = { kind: 'fixed', initial: '300ms', jitter: 0 } as const;
const untilThird = '[ "$STEWARD_ATTEMPT" = 3 ] || exit 7';

test.concurrent('attempts with backoff, in strict order at capacity 1: the slot is held until the next attempt', () =>
	withFleet(async ({ nats, fleet, effects }) => {
		await using _ship = await startNode(nats.url, 'ship1');
		const started = performance.now();
		await fleet.send(command('a', effects.shell('a', untilThird), { attempts: 3, backoff: soon }));
		await fleet.send(command('b', effects.shell('b', 'exit 3'), { attempts: 2, backoff: soon }));
		await fleet.send(command('c', effects.shell('c')));
		const views = await settled(fleet, ['a', 'b', 'c']);
		expect(ends(views)).toEqual(['succeeded 3', 'failed 2', 'succeeded 1']);
		expect(views[0]?.attempts.map(({ exitCode }) => exitCode)).toEqual([7, 7, 0]);
		expect(performance.now() - started).toBeGreaterThan(900);
		expect(await effects.words()).toEqual(['a', 'a', 'a', 'b', 'b', 'c']);
	}));

test.concurrent('at capacity 2 a retry gives its slot back', () =>
	withFleet(async ({ nats, fleet, effects }) => {
		await using _ship = await startNode(nats.url, 'ship1', { node: { lanes: { normal: 2 } } });
		const late = { kind: 'fixed', initial: '5s', jitter: 0 } as const;
		const secondTime = '[ "$STEWARD_ATTEMPT" = 2 ]';
		await fleet.send(command('a', effects.shell('a', secondTime), { attempts: 2, backoff: late }));
		await fleet.send(command('b', effects.shell('b', secondTime), { attempts: 2, backoff: late }));
		await effects.reach(2);
		await fleet.send(command('c', effects.shell('c')));
		const views = await settled(fleet, ['a', 'b', 'c']);
		expect(ends(views)).toEqual(['succeeded 2', 'succeeded 2', 'succeeded 1']);
		const words = await effects.words();
		expect(words.slice(0, 2).sort()).toEqual(['a', 'b']);
		expect(words[2]).toBe('c');
		expect(words.slice(3).sort()).toEqual(['a', 'b']);
	}));

test.concurrent("a retry's due time survives a restart of the node", () =>
	withFleet(async ({ nats, fleet, effects }) => {
		await using ship = await startNode(nats.url, 'ship1');
		const backoff = { kind: 'fixed', initial: '4s', jitter: 0 } as const;
		const data = effects.shell('$(date +%s%3N)', '[ "$STEWARD_ATTEMPT" = 2 ]');
		await fleet.send(command('a', data, { attempts: 2, backoff }));
		await eventually(async () => (await fleet.get('ship1.a'))?.state === 'retrying');
		await ship.stop();
		await using _again = await startNode(nats.url, 'ship1', { dataDir: ship.dataDir });
		expect(ends(await settled(fleet, ['a']))).toEqual(['succeeded 2']);
		const [first, second] = (await effects.words()).map(Number);
		expect((second ?? 0) - (first ?? 0)).toBeGreaterThan(3900);
	}));

test.concurrent('when runFor has passed, the whole tree of the command is ended, and the lane goes on', () =>
	withFleet(async ({ nats, fleet, effects, dir }) => {
		await using _ship = await startNode(nats.url, 'ship1');
		const pids = join(dir, 'pids');
		const tree = `trap "" TERM; (trap "" TERM; sleep 1000) & echo $! $$ > ${pids}; wait; sleep 1000`;
		const data = { command: effects.shell('a', tree), grace: '200ms' };
		await fleet.send(command('a', data, { runFor: '3s' }));
		await fleet.send(command('b', effects.shell('b')));
		const views = await settled(fleet, ['a', 'b']);
		expect(ends(views)).toEqual(['timedOut 1', 'succeeded 1']);
		for (const pid of (await readFile(pids, 'utf8')).trim().split(' ')) await untilGone(Number(pid), 1);
		expect(await effects.words()).toEqual(['a', 'b']);
	}));

test.concurrent('a stop lets running commands end within the grace, aborts them after it; what never started runs next time', () =>
	withFleet(async ({ nats, fleet, effects }) => {
		const node = { shutdownGraceMs: 5000, lanes: { normal: 2 } };
		await using ship = await startNode(nats.url, 'ship1', { node });
		await fleet.send(command('ends', effects.shell('ends', effects.gate('ends'))));
		await fleet.send(command('stays', effects.shell('$$', 'sleep 1000')));
		await fleet.send(command('waits', effects.shell('waits')));
		const pid = Number((await effects.reach(2)).find((word) => word !== 'ends'));
		const stopped = ship.stop();
		await effects.open('ends');
		await stopped;
		await untilGone(pid, 1);
		expect(await effects.words()).toHaveLength(2);
		expect(ends(await settled(fleet, ['ends', 'stays']))).toEqual(['succeeded 1', 'interrupted 1']);
		await using _again = await startNode(nats.url, 'ship1', { dataDir: ship.dataDir, node });
		expect(ends(await settled(fleet, ['waits']))).toEqual(['succeeded 1']);
		expect(await effects.words()).toHaveLength(3);
	}));

test.concurrent('a run that a stop aborted runs again after the restart where policy says rerun', () =>
	withFleet(async ({ nats, fleet, effects }) => {
		const node = { shutdownGraceMs: 100 };
		await using ship = await startNode(nats.url, 'ship1', { node });
		const data = effects.shell('a', 'if [ "$STEWARD_ATTEMPT" = 1 ]; then sleep 1000; fi');
		await fleet.send(command('a', data, { onInterrupt: 'rerun', attempts: 2 }));
		await effects.reach(1);
		await ship.stop();
		await using _again = await startNode(nats.url, 'ship1', { dataDir: ship.dataDir, node });
		expect(ends(await settled(fleet, ['a']))).toEqual(['succeeded 2']);
		expect(await effects.words()).toEqual(['a', 'a']);
	}));

test.concurrent('a method that asks for a retry is run again after the time that it asked for', () =>
	withFleet(async ({ nats, fleet, effects, dir }) => {
		const modulePath = join(dir, 'module.mjs');
		const { moduleHeader } = await import('./module-source.ts');
		await writeFile(
			modulePath,
			`${await moduleHeader()}
			export default method('later', async ({ attempt }, path) => {
				await appendFile(path, Date.now() + '\\n');
				return attempt < 3 ? retry(700, 'not yet') : 'done';
			});`,
		);
		await using _ship = await startNode(nats.url, 'ship1', { node: { modules: [modulePath] } });
		await fleet.send(command('a', effects.path, { method: 'later', attempts: 3 }));
		await fleet.send(command('b', effects.path, { method: 'later', attempts: 1 }));
		const views = await settled(fleet, ['a', 'b']);
		expect(ends(views)).toEqual(['succeeded 3', 'failed 1']);
		expect(views[0]?.result?.value).toBe('done');
		expect(views[1]?.fault).toMatchObject({ code: 'retry', message: 'not yet' });
		const [first = 0, second = 0, third = 0] = (await effects.words()).map(Number);
		expect(Math.min(second - first, third - second)).toBeGreaterThanOrEqual(700);
	}));
