import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { fitOf } from '../../scripts/bench/fit.mjs';
import { aboutOf, kept, type Measured, modelFrom } from '../../scripts/bench/measured.mjs';
import { mostNodes, needsOf, returnOf, usesOf } from '../../scripts/bench/model.mjs';
import { assumed, sizingOf } from '../../scripts/bench/sizing.mjs';
import { fleetFigure, fleetSizes, shardCounts } from '../../scripts/bench/works.mjs';

/** What a bench would report where these laws hold exactly, on one machine. */
const laws: Record<string, (nodes: number, shards: number) => number> = {
	enqueue: () => 40,
	delivery: (nodes, shards) => 1000 + (0.1 * nodes) / shards,
	'delivery and ledger': (nodes, shards) => 2000 + (0.1 * nodes) / shards,
	centre: (nodes) => 1000 + 0.02 * nodes,
	'broker idle': (nodes) => 5 + 0.01 * nodes,
	'centre idle': (nodes) => 4 + 0.02 * nodes,
	'broker memory': (nodes) => 30 + nodes * 4 * 0.05 + nodes * 20 * 0.001,
	'centre memory': (nodes) => 100 + nodes * 0.01,
	'centre memory, waiting': (nodes) => 100 + nodes * 0.01 + nodes * 20 * 0.0005,
	'bytes waiting': () => 850,
	'bytes settled': () => 2150,
};
const fleets = shardCounts.flatMap((shards) => fleetSizes.map((nodes) => ({ nodes, shards })));
const ofFleets = Object.fromEntries(
	Object.entries(laws).flatMap(([name, law]) =>
		fleets.map(({ nodes, shards }) => [fleetFigure(name, nodes, shards), law(nodes, shards)]),
	),
);
const ofReturn = {
	'bytes of a command': 6000,
	'a connected node: broker memory': 300,
	'a connected node: broker': 100,
	'a connected node: centre': 50,
	'a connected node: bytes': 30,
};
const ofMemory = { 'server per consumer': [50], 'server per ledger entry': 200, centre: [100 + 100 + 500] };

function reportOf(works: Record<string, Record<string, unknown[]>>, size = 'whole') {
	const machine = {
		...{ processor: '2 x one', memory: '24 GiB', 'nats-server': '2.15.1', node: 'v20', steward: '0.1.0' },
		...{ 'load at the start': '1.5 2.0 3.0', 'flush of 4 KiB there': '0.2 ms' },
	};
	return { startedAt: '2026-11-23T08:00:00.000Z', machine, options: { size }, tiers: { strict: works } };
}

const round = (figures: object) => [{ figures }];
const works = {
	A: { plain: round({ '64 callers': 5000 }) },
	F: { steward: round(ofFleets) },
	G: { steward: round(ofReturn) },
	H: { steward: round(ofMemory) },
};
const measured = kept([reportOf(works)]);
const model = modelFrom(measured);

describe('a fit', () => {
	it('finds the coefficients of an exact sum, and is off nowhere', () => {
		const rows = [1, 2, 5, 9].map((n) => ({ at: `${n}`, x: [1, n], y: 7 + 3 * n }));
		const { coefficients, points } = fitOf(['always', 'each'], rows);
		expect(coefficients.always).toBeCloseTo(7);
		expect(coefficients.each).toBeCloseTo(3);
		for (const { off } of points) expect(off).toBeCloseTo(0);
	});

	it('weighs points by their own size, so that the largest does not decide alone', () => {
		const rows = [
			{ at: 'small', x: [1], y: 1 },
			{ at: 'large', x: [1000], y: 2000 },
		];
		// By absolute errors the coefficient would be 2, and the small point off by all of itself.
		expect(fitOf(['each'], rows).coefficients.each).toBeCloseTo(1.2);
		expect(fitOf(['each'], rows).points.map(({ off }) => off)).toEqual([
			expect.closeTo(0.2),
			expect.closeTo(-0.4),
		]);
	});

	it('leaves out what would cost less than nothing', () => {
		const rows = [1, 2, 3].map((n) => ({ at: `${n}`, x: [1, n], y: 10 - n }));
		const { coefficients } = fitOf(['always', 'each'], rows);
		expect(coefficients.each).toBe(0);
		expect(coefficients.always).toBeGreaterThan(7);
	});

	it('refuses points that cannot tell its terms apart, or are too few', () => {
		const rows = [1, 2, 3].map((n) => ({ at: `${n}`, x: [n, 2 * n], y: n }));
		expect(() => fitOf(['one', 'twice'], rows)).toThrow(TypeError);
		expect(() => fitOf(['one', 'other'], rows.slice(0, 1))).toThrow(TypeError);
	});
});

describe('the model of a fleet', () => {
	const fleet = {
		...assumed,
		nodes: 1600,
		shards: 16,
		replicas: 1,
		perDay: 54,
		peak: 1,
		present: 0.5,
		waiting: 20,
	};

	it('gives back the laws by which it was measured', () => {
		const of = (name: string) => model.fits[name]?.coefficients;
		expect(of('broker, a command: delivery, µs')).toEqual({
			always: expect.closeTo(1000),
			'a node of the shard': expect.closeTo(0.1),
		});
		expect(of('broker, memory, MB')).toEqual({
			always: expect.closeTo(30),
			'a consumer': expect.closeTo(0.05),
			'a waiting command': expect.closeTo(0.001),
			'a ledger entry': expect.closeTo(0.0002),
		});
		expect(of('centre, memory, MB')).toMatchObject({ 'a ledger entry': expect.closeTo(0.0005) });
		expect(model.connected.memoryMb).toBeCloseTo(0.3 - 4 * 0.05);
	});

	it('sums up what a cluster of one server needs', () => {
		// 1,600 x 54 a day is one a second; 800 nodes are connected, 16,000 commands wait, 2,592,000 are in the ledger.
		const needs = needsOf(model, fleet);
		expect(needs['commands a second']).toBeCloseTo(1);
		expect(needs['broker, cores']).toBeCloseTo((40 + 2000 + 10 + 800 * 100) / 1e6 + 0.021, 5);
		expect(needs['centre, cores']).toBeCloseTo((1032 + 800 * 50) / 1e6 + 0.036, 5);
		expect(needs['broker, memory, GB']).toBeCloseTo((30 + 320 + 16 + 518.4 + 80) / 1000, 4);
		expect(needs['disk, GB']).toBeCloseTo((2 * (16_000 * 850 + 2_592_000 * 2150)) / 1e9, 3);
		expect(needs['network, Mbit/s']).toBeCloseTo(((6000 + 800 * 30) * 8) / 1e6, 4);
		expect(needs['consumers of one stream']).toBe(1600);
	});

	it('spreads consumers over the servers of a cluster, and has all of them store all', () => {
		const [one, three] = [needsOf(model, fleet), needsOf(model, { ...fleet, replicas: 3 })];
		expect(three['disk, GB']).toBe(one['disk, GB']);
		expect(three['broker, memory, GB']).toBeCloseTo((30 + 320 / 3 + 16 + 518.4 + 80 / 3) / 1000, 4);
		expect(three['broker, cores']).toBeGreaterThan(one['broker, cores'] ?? 0);
	});

	it('counts larger data wherever it goes', () => {
		const [small, large] = [needsOf(model, fleet), needsOf(model, { ...fleet, bytes: 1256 })];
		expect(large['network, Mbit/s']).toBeCloseTo((small['network, Mbit/s'] ?? 0) + 0.008, 5);
		expect(large['disk, GB']).toBeCloseTo((small['disk, GB'] ?? 0) + (2 * 1000 * 2_608_000) / 1e9, 4);
	});

	it('says what is scarcest, and how far each limit reaches', () => {
		const limits = { 'centre, cores': 0.7, 'consumers of one stream': 100_000 };
		expect(usesOf(needsOf(model, { ...fleet, nodes: 200_000 }), limits)[0]?.name).toBe('centre, cores');
		const most = mostNodes(model, fleet, limits);
		expect(most['consumers of one stream']).toBe(100_000);
		const nodes = most['centre, cores'] ?? 0;
		expect(needsOf(model, { ...fleet, nodes })['centre, cores']).toBeLessThanOrEqual(0.7);
		expect(needsOf(model, { ...fleet, nodes: nodes + 1 })['centre, cores']).toBeGreaterThan(0.7);
	});

	it('reckons a return by cores, flushes and the centre, whichever is scarcest', () => {
		const back = { ...fleet, nodes: 1000, shards: 1, cores: 8 };
		// 20,000 commands: 1.1 ms of eight cores each, or a flush each; 1.02 ms of the centre.
		expect(returnOf(model, back).run).toBeCloseTo(4);
		expect(returnOf(model, { ...back, cores: 1 }).run).toBeCloseTo(22);
		expect(returnOf(model, { ...back, cores: 1 }).told).toBeCloseTo(22);
		expect(returnOf(model, back).told).toBeCloseTo(20.4);
	});
});

describe('the page of sizes', () => {
	it('names what is missing, and takes each work from the first report that has it', () => {
		const { H, ...rest } = works;
		expect(() => kept([reportOf(rest)])).toThrow('no report has work H');
		const failed = { H: { steward: [{ error: 'gone' }] } };
		expect(kept([reportOf({ ...rest, ...failed }), reportOf({ H })])).toEqual(measured);
		expect(kept([measured])).toEqual(measured);
		expect(() => kept([reportOf(rest), reportOf({ H }, 'quick')])).toThrow('different sizes');
		expect(() => modelFrom(kept([reportOf({ ...works, G: { steward: round({}) } })]))).toThrow(
			'no "a connected node: broker memory" of work G',
		);
	});

	it('is committed as it is made from what is kept', async () => {
		const file = 'scripts/bench/measured.json';
		const [stored, events, page] = await Promise.all(
			[file, 'streams/events.json', 'docs/sizing.md'].map((path) => readFile(path, 'utf8')),
		);
		const all: Measured = JSON.parse(stored ?? '');
		const about = { command: `npm run sizing -- ${file}`, measured: aboutOf(all) };
		expect(sizingOf(modelFrom(all), JSON.parse(events ?? '').max_consumers, about)).toBe(page);
	});

	it('splits a fleet until no cluster is over a limit, and says what a single one would lack', () => {
		const text = sizingOf(model, 100_000, { command: 'x', measured: aboutOf(measured) });
		const row = (name: string) => text.split('\n').find((line) => line.startsWith(`| ${name} |`));
		expect(row('clusters')).toMatch(/^\| clusters \| 1 \|/);
		const last = Number(row('clusters')?.split('|').at(-2)?.replaceAll(',', ''));
		expect(last).toBeGreaterThan(10);
		expect(row('in one cluster the scarcest is')).toContain('centre, memory, GB');
		expect(text).toContain('Measured on 2 x one, 24 GiB, nats-server 2.15.1');
	});
});
