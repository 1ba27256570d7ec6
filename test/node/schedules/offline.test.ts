import { expect, test } from 'vitest';
import { enqueue } from '../../../src/client/enqueue.ts';
import { parseSchedule } from '../../../src/domain/schedule.ts';
import { tickEnvelope } from '../../../src/domain/ticks.ts';
import { eventually } from '../../support/eventually.ts';
import { startNode } from '../../support/fleet.ts';
import { startNodeProcess } from '../../support/node-process.ts';
import { idOf, place } from './offline.ts';

const waitMs = 60_000;

test.concurrent('a schedule fires while the link is cut; what came of it is told on reconnect, under its ids and with the version that fired; a change and a removal meanwhile count before anything else', async () => {
	await using here = await place();
	const { effects, proxy, fleet } = here;
	await using _ship = await startNode(proxy.url, 'ship1');
	await here.keep('v1');
	await here.keep('gone', { name: 'other' });
	await effects.reach(4);
	const view = await eventually(async () => (await here.states()).find(({ fired }) => fired > 1));
	expect(view).toMatchObject({ version: expect.any(Number), missed: 0, next: expect.anything() });
	proxy.cut();
	await eventually(async () => (await fleet.node('ship1'))?.presence === 'absent');
	await effects.reach((await effects.words()).length + 6);
	// The change is the last of many words, and the link is slow: there is time enough for what was changed to begin.
	for (let n = 0; n < 15; n++) await fleet.resume('ship1');
	await here.keep('v2');
	await fleet.schedules.remove('other');
	await eventually(async () => {
		const asked = (await fleet.queue('ship1')).map(({ method }) => method);
		return asked.includes('schedule') && asked.includes('unschedule');
	});
	proxy.heal();
	proxy.latency(60);
	await eventually(async () => (await fleet.node('ship1'))?.presence === 'present');
	const upAt = new Date().toISOString();
	await here.has('s', 2);
	await here.has('other', null);
	const isSince = (word: string) => (word.split(' ')[1] ?? '') > upAt;
	await eventually(async () => (await effects.words()).filter(isSince).length > 2);
	await fleet.schedules.remove('s');
	await here.has('s', null);
	const words = await effects.words();
	expect(new Set(words).size).toBe(words.length);
	// Once the link was back, nothing of what had been changed began any more.
	expect(words.filter((word) => isSince(word) && !word.startsWith('v2'))).toEqual([]);
	const [ofFirst, ofSecond] = ['v1', 'v2'].map((v) => words.filter((word) => word.startsWith(v)));
	for (const [version, some] of [[1, ofFirst ?? []] as const, [2, ofSecond ?? []] as const]) {
		for (const told of await here.told(some)) {
			expect(told).toMatchObject({ state: 'succeeded', attempt: 1, schedule: { name: 's', version } });
		}
	}
	const others = words.filter((word) => word.startsWith('gone'));
	for (const told of await here.told(others, 'other')) expect(told.state).toBe('succeeded');
	const [told] = await here.told(words.slice(0, 1));
	expect(told?.history.map(({ state, by }) => `${state} ${by}`)).toEqual([
		...['queued ship1', 'running ship1', 'succeeded ship1'],
	]);
	expect((await fleet.why(told?.handle ?? '')).sentence).toContain('succeeded');
});

test.concurrent('a ship that is killed and starts again without a link goes on, and says what the kill interrupted', async () => {
	await using here = await place();
	const { effects, proxy, fleet, nodeDir } = here;
	await using first = await startNodeProcess(proxy.url, 'ship1', nodeDir);
	await here.keep('a', { overlap: 'allow', missed: 'skip' });
	await effects.reach(2);
	proxy.cut();
	await effects.reach(4);
	await first.kill();
	const before = (await effects.words()).length;
	await using _second = await startNodeProcess(proxy.url, 'ship1', nodeDir);
	await effects.reach(before + 3);
	proxy.heal();
	await fleet.schedules.remove('s');
	await here.has('s', null);
	const words = await effects.words();
	expect(new Set(words).size).toBe(words.length);
	for (const told of await here.told(words)) {
		expect(['succeeded', 'interrupted']).toContain(told.state);
		expect(told.attempts).toHaveLength(1);
	}
});

test.concurrent('a tick that the centre queued as well runs once, whoever comes first, and leaves the stream', async () => {
	await using here = await place();
	const { effects, proxy, fleet, parts } = here;
	await using _ship = await startNode(proxy.url, 'ship1');
	await here.keep('a', { overlap: 'allow' });
	await effects.reach(1);
	// Placement and message were changed while the ship is away, and the centre queues what the ship has fired.
	proxy.cut();
	const [word = ''] = (await effects.reach(3)).slice(-1);
	const message = { method: 'shellCommand', data: effects.shell('b {{tick}}') };
	const schedule = parseSchedule({ name: 's', every: '1s', toNode: 'ship1', message });
	const queue = (tick: number) =>
		enqueue(parts, tickEnvelope(schedule, { node: 'ship1', tick, version: 2 }), true);
	expect(await queue(Date.parse(word.split(' ')[1] ?? ''))).toMatchObject({ duplicate: false });
	proxy.heal();
	const [told] = await here.told([word]);
	expect(told).toMatchObject({ state: 'succeeded', attempt: 1, schedule: { version: 1 } });
	await eventually(async () => !(await parts.commands.findForCertain('ship1', idOf(word))), {
		message: 'the queued one is gone',
	});
	// And the other way round: what the centre had run is not fired again.
	const ahead = Math.ceil(Date.now() / 1000) * 1000 + 3000;
	await queue(ahead);
	const early = `b ${new Date(ahead).toISOString()}`;
	await eventually(async () => (await effects.words()).includes(early));
	await eventually(async () => {
		const last = (await effects.words()).at(-1)?.split(' ')[1] ?? '';
		return Date.parse(last) > ahead;
	});
	await fleet.schedules.remove('s');
	await here.has('s', null);
	const moments = (await effects.words()).map((text) => text.split(' ')[1]);
	expect(new Set(moments).size).toBe(moments.length);
});

test.concurrent('a paused lane holds ticks back; one that runs can be cancelled', async () => {
	await using here = await place();
	const { effects, fleet } = here;
	await using _ship = await startNode(here.nats.url, 'ship1');
	await fleet.pause('ship1', { lanes: ['normal'], waitMs });
	await here.keep('a', { overlap: 'skip' }, effects.gate('a'));
	await eventually(async () => (await here.states())[0]?.fired === 1);
	expect(await effects.words()).toEqual([]);
	await fleet.resume('ship1', { waitMs });
	const [word = ''] = await effects.reach(1);
	const handle = `ship1.${idOf(word)}`;
	await eventually(async () => (await fleet.get(handle))?.state === 'running');
	const [cancelled] = await fleet.cancel([handle], { reason: 'enough' });
	expect(cancelled?.answer).toBe('whileRunning');
	expect(cancelled?.command).toMatchObject({
		state: 'cancelled',
		closed: { reason: 'enough', actor: 'tester' },
	});
	// What its next tick has begun would hold the ship's end back.
	await effects.open('a');
	await fleet.schedules.remove('s');
	await here.has('s', null);
});
