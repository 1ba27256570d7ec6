import { expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { type BenchOptions, type BenchPart, measureFleet } from '../../src/client/bench.ts';
import { viewSchemas } from '../../src/domain/view-schema.ts';
import { cliInside } from '../support/cli-inside.ts';
import { disposables } from '../support/disposables.ts';
import { eventually } from '../support/eventually.ts';
import { openFleet, startCentral, startNode } from '../support/fleet.ts';
import { startNats } from '../support/nats.ts';
import { startSecureNats } from '../support/secure-nats.ts';
import { tempDir } from '../support/temp.ts';

/** Broker, centre, ship1 with a lane of eight, and the command line; `things` ends all of it. */
async function fleetWithShip(things: ReturnType<typeof disposables>) {
	const nats = things.use(await startNats());
	const dir = things.use(await tempDir());
	things.use(await startCentral(nats.url));
	const ship = things.use(await startNode(nats.url, 'ship1', { node: { lanes: { normal: 8 } } }));
	const fleet = things.use(await openFleet(nats.url));
	await eventually(async () => (await fleet.node('ship1'))?.lanes.some(({ status }) => status === 'ready'));
	const steward = cliInside(dir.path);
	const bench = (...words: string[]) => steward('bench', '--servers', nats.url, ...words);
	return { url: nats.url, ship, fleet, bench };
}

const few = ['--pings', '40', '--samples', '5'];
const whole = { complete: true, samples: 5, sent: 5 + 5 + 40 + 40, cancelled: 40, left: 0 };

test('pings are measured, and of what was sent to nobody nothing waits any more', async () => {
	await using things = disposables();
	const { fleet, bench } = await fleetWithShip(things);
	const { code, stdout } = await bench('--node', 'ship1', ...few, '--json');
	const view = viewSchemas.bench.parse(JSON.parse(stdout));
	expect(code).toBe(0);
	expect(view).toMatchObject({ node: 'ship1', lane: 'normal', capacity: 8, ...whole });
	expect(view).toMatchObject({ through: { count: 40 }, enqueue: { count: 40, callers: 64 } });
	// Nothing is back before it is on disk, and nothing on disk before the broker can answer.
	const { brokerMs, acknowledgedMs, resultMs, through } = view;
	const medians = [brokerMs, acknowledgedMs, resultMs].map((spread) => spread?.p50 ?? Number.NaN);
	expect(medians).toEqual(medians.toSorted((a, b) => a - b));
	expect(through?.mostAtOnce).toBeGreaterThan(4);
	const ended = await eventually(async () => {
		const all = await fleet.list({ method: 'ping', limit: 1000 });
		return all.length === 90 && all.every(({ endedAt }) => endedAt !== null) && all;
	});
	const away = ended.filter(({ node }) => node === view.enqueue?.to);
	expect(away.length).toBe(40);
	expect(away.every(({ state, closed }) => state === 'cancelled' && closed?.reason === 'steward bench')).toBe(
		true,
	);
	expect(ended.filter(({ node, state }) => node === 'ship1' && state === 'succeeded').length).toBe(50);
	expect((await fleet.nodes()).map(({ node }) => node)).toEqual(['ship1']);

	const shown = await bench('--node', 'ship1', ...few);
	expect(shown.stdout).toMatch(
		/its result can be read +[\d.]+ ms +[\d.]+ ms\n.*\/s {2}40 pings through ship1/s,
	);
	expect(shown.stderr).toContain('90 pings in all, 40 of them called off before they started');
});

test('what does not answer, holds back or has something to do is not measured', async () => {
	await using things = disposables();
	const { ship, fleet, bench } = await fleetWithShip(things);
	const told = async (...words: string[]) => {
		const { code, stdout, stderr } = await bench(...words, ...few);
		expect(stdout).toBe('');
		return [code, stderr];
	};
	expect(await told('--node', 'ship9')).toEqual([
		4,
		expect.stringContaining('nobody ever heard of a node ship9'),
	]);
	expect(await told('--node', 'ship1', '--lane', 'bulk')).toEqual([
		6,
		expect.stringContaining('no lane bulk'),
	]);
	// Its lane is not there: it waits for good.
	const [waiting] = await fleet.send({ toNode: 'ship1', kind: 'command', method: 'ping', lane: 'bulk' });
	await eventually(async () => (await fleet.queue('ship1')).length === 1);
	expect(await told('--node', 'ship1')).toEqual([
		6,
		expect.stringContaining('1 command waits or runs on ship1'),
	]);
	const beside = await bench('--node', 'ship1', ...few, '--anyway', '--json');
	expect([beside.code, JSON.parse(beside.stdout)]).toEqual([0, expect.objectContaining(whole)]);
	await fleet.cancel([waiting?.handle ?? '']);
	await fleet.pause('ship1', { waitMs: 60_000 });
	const holds = expect.stringContaining('ship1 holds back what is on lane normal');
	await eventually(async () => (await fleet.queue('ship1')).length === 0);
	// The node's word on its lanes comes after its word on the command.
	const lanes = async () => (await fleet.node('ship1'))?.lanes ?? [];
	await eventually(async () => (await lanes()).some(({ status }) => status === 'paused'));
	expect(await told('--node', 'ship1')).toEqual([6, holds]);
	await ship.stop();
	await eventually(async () => (await fleet.node('ship1'))?.presence === 'absent');
	expect(await told('--node', 'ship1')).toEqual([6, expect.stringContaining('ship1 is absent')]);
	expect(await fleet.list({ states: ['queued', 'running'] })).toEqual([]);
});

test('whoever interrupts it, in whatever part, leaves nothing that waits, and gets what was measured', async () => {
	await using things = disposables();
	const { fleet } = await fleetWithShip(things);
	const interruptedIn = async (wanted: BenchPart) => {
		const stop = new AbortController();
		const options: BenchOptions = {
			...{ node: 'ship1', lane: 'normal', capacity: 8, away: `away-${wanted}` },
			// More callers than this are under way when it is stopped; what comes before is short.
			...{ pings: wanted === 'enqueue' ? 150 : 5000, samples: wanted === 'latency' ? 500 : 2 },
			...{ longestMs: 60_000 },
			...{ signal: stop.signal, clock: systemClock },
			onProgress: (part, done, of) => {
				// While others are still under way.
				if (part === wanted && done >= 2 && done < of) stop.abort();
			},
		};
		const { view, failure } = await measureFleet(fleet, options);
		expect(failure).toBeUndefined();
		expect(view).toMatchObject({ complete: false, left: 0 });
		const all = await eventually(async () => {
			const views = await fleet.list({ method: 'ping', limit: 10_000 });
			return views.every(({ endedAt }) => endedAt !== null) && views;
		});
		return { view, away: all.filter(({ node }) => node === `away-${wanted}`) };
	};
	const early = await interruptedIn('latency');
	expect(early.view).toMatchObject({ through: null, enqueue: null, cancelled: expect.any(Number) });
	expect(early.view.samples).toBeLessThan(500);
	const between = await interruptedIn('through');
	expect(between.view).toMatchObject({ enqueue: null, samples: 2 });
	const late = await interruptedIn('enqueue');
	expect(late.view.cancelled).toBe(late.away.length);
	expect(late.away.length).toBeGreaterThanOrEqual(2);
	expect(late.away.length).toBeLessThan(150);
});

test('an operator of a fleet with accounts needs no other right', async () => {
	await using secure = await startSecureNats();
	await using dir = await tempDir();
	await using _centre = await startCentral(secure.url, {}, await secure.credentials('centre', 'centre'));
	await using _ship = await startNode(secure.url, 'ship1', {
		credentials: await secure.credentials('node', 'ship1'),
	});
	const steward = cliInside(dir.path);
	const bench = async (file: string) =>
		steward('bench', '--servers', secure.url, '--credentials', file, '--node', 'ship1', ...few, '--json');
	const alice = await secure.credentialsFile('operator', 'alice');
	const measured = await eventually(async () => {
		const { code, stdout } = await bench(alice);
		return code === 0 && viewSchemas.bench.parse(JSON.parse(stdout));
	});
	expect(measured).toMatchObject(whole);
	const eve = await bench(await secure.credentialsFile('viewer', 'eve'));
	expect([eve.code, JSON.parse(eve.stdout)]).toEqual([10, expect.objectContaining({ sent: 0, left: 0 })]);
});

test.each([
	[[], "required option '--node <name>'"],
	[['--node', '_x'], 'no node'],
	[['--node', 'ship1', '--pings', '0'], '--pings: expected a whole number from 1 to 10000'],
	[['--node', 'ship1', '--pings', '1e3'], '--pings'],
	[['--node', 'ship1', '--samples', '1001'], '--samples: expected a whole number from 1 to 1000'],
	[['--node', 'ship1', '--longest', '0s'], '--longest: expected a duration'],
	[['--node', 'ship1', '--lane', 'control'], '--lane: expected one of urgent, normal, bulk'],
])('%j is an error of usage, before anybody is asked', async (words, text) => {
	await using dir = await tempDir();
	const { code, stdout, stderr } = await cliInside(dir.path)(
		'bench',
		'--servers',
		'nats://127.0.0.1:9',
		...words,
	);
	expect([code, stdout]).toEqual([2, '']);
	expect(stderr).toContain(text);
});
