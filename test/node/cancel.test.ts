import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { foldClaim } from '../../src/domain/ledger.ts';
import { streams, subjects } from '../../src/domain/subject.ts';
import { Claims } from '../../src/jetstream/claims.ts';
import { getLast } from '../../src/jetstream/direct-get.ts';
import { LedgerStore } from '../../src/jetstream/ledger-store.ts';
import { effectsIn, untilGone } from '../support/effects.ts';
import { eventually } from '../support/eventually.ts';
import { openFleet, startCentral, startNode } from '../support/fleet.ts';
import { shortenLeases } from '../support/leases.ts';
import { startNats } from '../support/nats.ts';
import { startNodeProcess } from '../support/node-process.ts';
import { startProxy } from '../support/proxy.ts';
import { openRaw } from '../support/raw.ts';
import { tempDir } from '../support/temp.ts';
import { command, settled } from './asking.ts';

async function place() {
	const nats = await startNats();
	const dir = await tempDir();
	const nodeDir = join(dir.path, 'ship1');
	await mkdir(nodeDir);
	return {
		...{ url: nats.url, effects: effectsIn(dir.path), nodeDir },
		[Symbol.asyncDispose]: async () => {
			await dir[Symbol.asyncDispose]();
			await nats[Symbol.asyncDispose]();
		},
	};
}

test.concurrent('a command of a ship that is away is cancelled for certain, and does not run when the ship comes', async () => {
	await using here = await place();
	await using _central = await startCentral(here.url);
	await using fleet = await openFleet(here.url);
	await fleet.send(command('a', here.effects.shell('a')));
	await fleet.send(command('b', here.effects.shell('b')));
	const [told] = await fleet.cancel(['ship1.a'], { reason: 'not needed' });
	expect(told?.answer).toBe('beforeStart');
	await eventually(async () => (await fleet.list({ states: ['cancelled'] })).length === 1);
	await eventually(async () => (await fleet.queue('ship1')).map(({ id }) => id).join() === 'b');
	await using _ship = await startNode(here.url, 'ship1');
	await settled(fleet, ['b']);
	expect(await here.effects.words()).toEqual(['b']);
	const [view] = await settled(fleet, ['a']);
	expect(view).toMatchObject({
		...{ state: 'cancelled', startedAt: null, attempts: [] },
		closed: { reason: 'not needed', actor: 'operator' },
	});
	expect(view?.history.map(({ state, by, note }) => [state, by, note])).toEqual([
		['queued', '_operator', ''],
		['cancelled', 'operator', 'not needed'],
	]);
	// Asked again, the answer is the same.
	expect((await fleet.cancel(['ship1.a']))[0]?.answer).toBe('beforeStart');
});

test.concurrent('no centre is needed: the claim holds, and the next centre settles and removes it', async () => {
	await using here = await place();
	await using fleet = await (async () => {
		await using _first = await startCentral(here.url);
		return openFleet(here.url);
	})();
	await using raw = await openRaw(here.url);
	await fleet.send(command('a', here.effects.shell('a')));
	expect((await fleet.cancel(['ship1.a']))[0]).toMatchObject({ answer: 'beforeStart' });
	const stored = () => getLast(raw.connection, streams.commands(0), subjects.commandById(0, 'ship1', 'a'));
	expect(await stored()).toBeDefined();
	await using _next = await startCentral(here.url);
	await eventually(async () => (await fleet.list({ states: ['cancelled'] })).length === 1);
	await eventually(async () => (await stored()) === undefined);
});

test.concurrent('a command that runs is ended with its whole process group, and its output is kept', async () => {
	await using here = await place();
	await using _central = await startCentral(here.url);
	await using fleet = await openFleet(here.url);
	await using _ship = await startNode(here.url, 'ship1');
	await fleet.send(
		command('a', ['bash', '-c', `echo begun; echo $$ >> ${here.effects.path}; sleep 1000 & wait`]),
	);
	const pid = Number((await here.effects.reach(1))[0]);
	const [told] = await fleet.cancel(['ship1.a'], { reason: 'enough' });
	expect(told).toMatchObject({
		answer: 'whileRunning',
		command: {
			...{ state: 'cancelled', closed: { reason: 'enough', actor: 'operator' } },
			...{ attempts: [{ outcome: 'cancelled', signal: 'SIGTERM' }], result: { stdout: { head: 'begun\n' } } },
		},
	});
	await untilGone(pid, 1);
	expect(told?.command.history.at(-1)).toMatchObject({ state: 'cancelled', by: 'operator', note: 'enough' });
	// A node tells what it was asked as it tells any command.
	await eventually(async () => {
		const asked = (await fleet.list({ node: 'ship1' })).find(({ method }) => method === 'cancel');
		expect(asked).toMatchObject({ lane: 'control', state: 'succeeded' });
		return true;
	});
});

test.concurrent('too late: what had ended stays as it ended, with its result', async () => {
	await using here = await place();
	await using _central = await startCentral(here.url);
	await using fleet = await openFleet(here.url);
	await using _ship = await startNode(here.url, 'ship1');
	await fleet.send(command('a', ['bash', '-c', 'echo done; exit 3']));
	await settled(fleet, ['a']);
	expect((await fleet.cancel(['ship1.a']))[0]).toMatchObject({
		answer: 'tooLate',
		command: { state: 'failed', result: { exitCode: 3, stdout: { head: 'done\n' } } },
	});
	await expect(fleet.cancel(['ship1.never'])).rejects.toMatchObject({ code: 'not-found' });
});

test.concurrent.each([1, 2])(
	'a command that waits for its next attempt does not start again (capacity %i)',
	async (capacity) => {
		await using here = await place();
		await using _central = await startCentral(here.url);
		await using fleet = await openFleet(here.url);
		await using ship = await startNode(here.url, 'ship1', { node: { lanes: { normal: capacity } } });
		const again = { attempts: 3, backoff: { kind: 'fixed', initial: '1h', cap: '1h' } } as const;
		await fleet.send(command('a', here.effects.shell('a', 'exit 1'), again));
		await eventually(async () => (await fleet.get('ship1.a'))?.state === 'retrying');
		expect((await fleet.cancel(['ship1.a']))[0]).toMatchObject({
			answer: 'whileRunning',
			command: { state: 'cancelled', attempts: [{ outcome: 'failed', exitCode: 1 }], nextAttemptAt: null },
		});
		await fleet.send(command('b', here.effects.shell('b')));
		await settled(fleet, ['b']);
		expect(await here.effects.words()).toEqual(['a', 'b']);
		await ship.stop();
	},
);

test.concurrent('a node that died while it ran is not started again once it was asked to cancel, and says that the outcome is unknown', async () => {
	await using here = await place();
	await using _central = await startCentral(here.url);
	await using fleet = await openFleet(here.url);
	const rerun = { onInterrupt: 'rerun', attempts: 5 } as const;
	{
		await using ship = await startNodeProcess(here.url, 'ship1', here.nodeDir);
		await fleet.send(command('a', here.effects.shell('a', 'sleep 1000'), rerun));
		await here.effects.reach(1);
		await ship.kill();
	}
	const [told] = await fleet.cancel(['ship1.a'], { reason: 'it harms', timeoutMs: 100 });
	expect(told).toMatchObject({ answer: 'asked', command: { state: 'running' } });
	await using _again = await startNodeProcess(here.url, 'ship1', here.nodeDir);
	const [view] = await settled(fleet, ['a']);
	expect(view).toMatchObject({
		state: 'interrupted',
		attempt: 1,
		fault: { message: expect.stringMatching(/it harms/) },
	});
	expect(await here.effects.words()).toEqual(['a']);
});

test.concurrent('a wish to cancel outlives the node that took it, and one with an emptied disk runs nothing', async () => {
	await using here = await place();
	await using _central = await startCentral(here.url);
	await using fleet = await openFleet(here.url);
	// What an emptied disk held cannot be handed back: it comes again after its lease.
	await shortenLeases(here.url, 'ship1');
	{
		await using ship = await startNodeProcess(here.url, 'ship1', here.nodeDir);
		await fleet.send(command('a', here.effects.shell('a', 'sleep 1000')));
		await here.effects.reach(1);
		await ship.kill();
		await rm(here.nodeDir, { recursive: true });
	}
	await fleet.cancel(['ship1.a'], { timeoutMs: 100 });
	await mkdir(here.nodeDir);
	await using _again = await startNodeProcess(here.url, 'ship1', here.nodeDir);
	const [view] = await settled(fleet, ['a']);
	expect(view?.state).toBe('interrupted');
	expect(await here.effects.words()).toEqual(['a']);
});

test.concurrent('cancels race with starts in both orders: what is called unstarted never ran, what ran is told', async () => {
	await using here = await place();
	await using _central = await startCentral(here.url);
	await using fleet = await openFleet(here.url);
	await using _ship = await startNode(here.url, 'ship1', { node: { lanes: { normal: 4 } } });
	const ids = Array.from({ length: 60 }, (_, n) => `c${n}`);
	const sent = Promise.all(ids.map((id) => fleet.send(command(id, here.effects.shell(id)))));
	const answers = new Map<string, string>();
	await Promise.all(
		ids.map(async (id, n) => {
			// Some at once, some after others have run.
			if (n % 2 === 1) await here.effects.reach(Math.min(n / 4, 10));
			await eventually(() => fleet.get(`ship1.${id}`));
			const [told] = await fleet.cancel([`ship1.${id}`]);
			answers.set(id, told?.answer ?? '');
		}),
	);
	await sent;
	const views = await settled(fleet, ids);
	const ran = new Set(await here.effects.words());
	for (const { id, state } of views) {
		const answer = answers.get(id);
		if (answer === 'beforeStart') expect([id, state, ran.has(id)]).toEqual([id, 'cancelled', false]);
		else if (answer === 'tooLate') expect([id, state, ran.has(id)]).toEqual([id, 'succeeded', true]);
		else expect([id, answer, state]).toEqual([id, 'whileRunning', 'cancelled']);
	}
	expect((await here.effects.words()).length).toBe(ran.size);
	expect(new Set(answers.values()).size).toBeGreaterThan(1);
});

test.concurrent('the broker is killed right after a delivery, and the command is cancelled before its node can claim it: it never runs', async () => {
	await using nats = await startNats();
	await using _central = await startCentral(nats.url);
	await using fleet = await openFleet(nats.url);
	await using dir = await tempDir();
	const effects = effectsIn(dir.path);
	await using proxy = await startProxy(nats.port);
	await using _ship = await startNode(proxy.url, 'ship1');
	await eventually(async () => (await fleet.node('ship1'))?.lanes.every(({ status }) => status === 'ready'));
	// It was handed over, and its claim is on the way.
	const tripped = proxy.tripAt(/steward\.claim\.ship1\.a /, 'hold');
	await fleet.send(command('a', effects.shell('a')));
	await tripped;
	await nats.restart();
	await eventually(async () => (await fleet.cancel(['ship1.a']))[0]?.answer === 'beforeStart');
	proxy.cut();
	proxy.heal();
	await fleet.send(command('b', effects.shell('b')));
	const [a, b] = await settled(fleet, ['a', 'b']);
	expect([a?.state, b?.state]).toEqual(['cancelled', 'succeeded']);
	expect(await effects.words()).toEqual(['b']);
});

test.concurrent('a consumer that is made again between delivery and cancel changes no answer', async () => {
	await using here = await place();
	await using _central = await startCentral(here.url);
	await using fleet = await openFleet(here.url);
	await using raw = await openRaw(here.url);
	await using _ship = await startNode(here.url, 'ship1');
	await fleet.send(command('a', here.effects.shell('a', 'sleep 1000')));
	await fleet.send(command('b', here.effects.shell('b')));
	await here.effects.reach(1);
	await raw.jsm.consumers.delete(streams.commands(0), 'ship1-normal');
	const answers = await fleet.cancel(['ship1.b', 'ship1.a']);
	expect(answers.map(({ answer }) => answer)).toEqual(['beforeStart', 'whileRunning']);
	await fleet.send(command('c', here.effects.shell('c')));
	const views = await settled(fleet, ['a', 'b', 'c']);
	expect(views.map(({ state }) => state)).toEqual(['cancelled', 'cancelled', 'succeeded']);
	expect(await here.effects.words()).toEqual(['a', 'c']);
});

test.concurrent('two machines of one name: a cancel is honest, and nothing runs twice', async () => {
	await using here = await place();
	await using _central = await startCentral(here.url);
	await using fleet = await openFleet(here.url);
	await using _one = await startNode(here.url, 'ship1');
	await using _two = await startNode(here.url, 'ship1');
	const ids = ['a', 'b', 'c', 'd'];
	for (const id of ids) await fleet.send(command(id, here.effects.shell(id, 'sleep 1000')));
	await here.effects.reach(1);
	const told = await fleet.cancel(['ship1.d', 'ship1.c']);
	expect(told.map(({ answer }) => answer)).toEqual(['beforeStart', 'beforeStart']);
	// The wish reaches one of the two; it is asked again until the one that runs it has heard it.
	for (const id of ['a', 'b']) {
		await here.effects.reach(id === 'a' ? 1 : 2);
		await eventually(
			async () => (await fleet.cancel([`ship1.${id}`], { timeoutMs: 500 }))[0]?.answer === 'whileRunning',
		);
	}
	expect(await here.effects.words()).toEqual(['a', 'b']);
});

test.concurrent.each(['claim', 'ledger'] as const)(
	'a centre that dies between the %s and the purge: the next one ends it',
	async (step) => {
		await using here = await place();
		await using raw = await openRaw(here.url);
		const first = await startCentral(here.url);
		await using fleet = await openFleet(here.url);
		await fleet.send(command('a', here.effects.shell('a')));
		await first.stop();
		expect((await fleet.cancel(['ship1.a']))[0]?.answer).toBe('beforeStart');
		if (step === 'ledger') {
			const ledger = new LedgerStore(raw.connection);
			const claim = await new Claims(raw.connection).read({ node: 'ship1', id: 'a' });
			if (!claim) throw new Error('the claim is gone');
			await ledger.write(foldClaim({ node: 'ship1', id: 'a' }, undefined, claim), 0, undefined, Date.now());
		}
		await using _ship = await startNode(here.url, 'ship1');
		await using _next = await startCentral(here.url);
		await eventually(async () => {
			const stored = await getLast(
				raw.connection,
				streams.commands(0),
				subjects.commandById(0, 'ship1', 'a'),
			);
			return stored === undefined;
		});
		await fleet.send(command('b', here.effects.shell('b')));
		const [a] = await settled(fleet, ['a', 'b']);
		expect(a).toMatchObject({ state: 'cancelled', startedAt: null });
		expect(await here.effects.words()).toEqual(['b']);
	},
);
