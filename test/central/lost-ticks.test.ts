import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { idOf, place } from '../node/schedules/offline.ts';
import { eventually } from '../support/eventually.ts';
import { startNodeProcess } from '../support/node-process.ts';

/** One tick runs without end: the next is far away, and what is heard of it is soon too long ago. */
async function running(here: Awaited<ReturnType<typeof place>>): Promise<string> {
	const message = {
		...{ method: 'shellCommand', data: here.effects.shell('a {{tick}}', 'sleep 1000') },
		...{ runFor: '5s', patience: '1s' },
	};
	await here.keep('a', { message });
	const [word = ''] = await here.effects.reach(1);
	const handle = `ship1.${idOf(word)}`;
	await eventually(async () => (await here.fleet.list({ states: ['running'] })).length === 1);
	return handle;
}

/** What was reported is swept first: until then it counts as not read. */
const centre = { sweepEveryMs: 1000 };

test.concurrent('a tick that its ship started and never spoke of again is lost after its patience', async () => {
	await using here = await place(centre);
	await using ship = await startNodeProcess(here.proxy.url, 'ship1', here.nodeDir);
	const handle = await running(here);
	here.proxy.cut();
	await ship.kill();
	const [lost] = await here.fleet.wait([handle], { timeoutMs: 60_000 });
	expect(lost).toMatchObject({ state: 'lost', attempt: 1, closed: { actor: 'central' } });
});

test.concurrent('a tick of a store that is gone is lost as well, though its ship is there', async () => {
	await using here = await place(centre);
	await using ship = await startNodeProcess(here.proxy.url, 'ship1', here.nodeDir);
	const handle = await running(here);
	here.proxy.cut();
	await ship.kill();
	await rm(join(here.nodeDir, 'store'), { recursive: true });
	here.proxy.heal();
	await using _again = await startNodeProcess(here.proxy.url, 'ship1', here.nodeDir);
	const [lost] = await here.fleet.wait([handle], { timeoutMs: 60_000 });
	expect(lost).toMatchObject({ state: 'lost', attempt: 1 });
	await eventually(async () => (await here.fleet.node('ship1'))?.presence === 'present');
});
