import { describe, expect, test } from 'vitest';
import { kinds, lanes } from '../../src/domain/names.ts';
import {
	buckets,
	consumerName,
	nodeOfSubject,
	parseCommandSubject,
	parseEventSubject,
	parseIntakeSubject,
	parseKeyedSubject,
	parseOutputSubject,
	shardOf,
	streams,
	subjects,
} from '../../src/domain/subject.ts';

const id = '01J9ZK7M3V5Q8N2B4C6D8E0F1G';

describe('what is built is read back', () => {
	test.each(lanes)('a command on lane %s', (lane) => {
		const address = { node: 'ship1', lane, method: 'shellCommand', id };
		for (const shard of [0, 1, 15]) {
			expect(parseCommandSubject(subjects.command(shard, address))).toEqual({ shard, ...address });
		}
	});

	test('a command that waits for its time, which no lane filters', () => {
		const address = { node: 'ship1', method: 'shellCommand', id };
		const subject = subjects.laterCommand(15, address);
		expect(parseCommandSubject(subject)).toEqual({ shard: 15, lane: 'later', ...address });
		const fits = (filter: string) =>
			new RegExp(`^${filter.replaceAll('.', '\\.').replaceAll('*', '[^.]+').replace('>', '.+')}$`).test(
				subject,
			);
		for (const lane of lanes) expect(fits(subjects.commandsOfLane(15, 'ship1', lane))).toBe(false);
		expect(fits(subjects.commandById(15, 'ship1', id))).toBe(true);
	});

	test('an event', () => {
		for (const sender of ['ship2', '_operator', '_raw']) {
			const address = { node: 'central', sender, method: 'textLogging' };
			expect(parseEventSubject(subjects.event('central', sender, 'textLogging'))).toEqual(address);
		}
	});

	test('a claim and a report', () => {
		const handle = { node: 'ship-1_a', id };
		expect(parseKeyedSubject(subjects.claim(handle.node, id))).toEqual(handle);
		expect(parseKeyedSubject(subjects.report(handle.node, id))).toEqual(handle);
		expect(parseOutputSubject(subjects.output(handle.node, id))).toEqual(handle);
		expect(parseOutputSubject(subjects.report(handle.node, id))).toBeUndefined();
		expect(parseKeyedSubject(subjects.output(handle.node, id))).toBeUndefined();
	});

	test.each(kinds)('intake of kind %s, for a node and for labels', (kind) => {
		for (const node of ['ship1', '_where']) {
			const address = { node, sender: '_raw', kind, method: 'shellCommand' };
			expect(parseIntakeSubject(subjects.intake(node, '_raw', kind, 'shellCommand'))).toEqual(address);
		}
	});

	test('the node of a state and of a beat', () => {
		expect(nodeOfSubject(subjects.state('ship1'))).toBe('ship1');
		expect(nodeOfSubject(subjects.beat('ship1'))).toBe('ship1');
	});
});

describe('a subject that is not of its kind is nobody’s', () => {
	const command = 'steward.command.0.ship1.normal.shellCommand.c1';
	test.each([
		'',
		'.',
		'steward',
		'......',
		'steward.command',
		'steward.command.0.ship1.normal.shellCommand',
		`${command}.more`,
		`${command}.`,
		'steward.command.0.ship1.normal.shellCommand.',
		'steward.command.0..normal.shellCommand.c1',
		'steward.command..ship1.normal.shellCommand.c1',
		'steward.command.x.ship1.normal.shellCommand.c1',
		'steward.command.-1.ship1.normal.shellCommand.c1',
		'steward.command.1e3.ship1.normal.shellCommand.c1',
		'steward.command.0.ship1.fast.shellCommand.c1',
		'steward.command.0.ship1.__proto__.shellCommand.c1',
		'other.command.0.ship1.normal.shellCommand.c1',
		'steward.event.0.ship1.normal.shellCommand.c1',
		// Servers store subjects with such tokens; as a filter they would mean many commands.
		'steward.command.0.*.normal.shellCommand.c1',
		'steward.command.0.ship1.normal.*.c1',
		'steward.command.0.ship1.normal.shellCommand.*',
		'steward.command.0.ship1.normal.shellCommand.>',
		'steward.command.0._where.normal.shellCommand.c1',
		`steward.command.0.ship1.normal.shellCommand.${'x'.repeat(65)}`,
	])('no command: %s', (subject) => {
		expect(parseCommandSubject(subject)).toBeUndefined();
	});

	test.each([
		'steward.claim.ship1',
		'steward.claim.ship1.',
		'steward.claim..c1',
		'steward.claim.ship1.c1.more',
		'other.claim.ship1.c1',
		'steward.state.ship1.c1',
		'steward.event.ship1.c1',
		'steward.claim.*.c1',
		'steward.claim.ship1.*',
		'steward.report.ship1.>',
		'steward.report.123.c1',
		'steward.report._operator.c1',
		'steward.report.ship1.c 1',
		`steward.report.${'x'.repeat(64)}.c1`,
	])('no claim and no report: %s', (subject) => {
		expect(parseKeyedSubject(subject)).toBeUndefined();
		expect(parseOutputSubject(subject.replace(/claim|report/, 'output'))).toBeUndefined();
	});

	test.each([
		'steward.event.ship1.ship2',
		'steward.event.ship1..textLogging',
		'steward.event.ship1.ship2.textLogging.more',
		'steward.intake.ship1.ship2.textLogging',
		'steward.event.*.ship2.textLogging',
		'steward.event.ship1.*.textLogging',
		'steward.event.ship1.ship2.>',
	])('no event: %s', (subject) => {
		expect(parseEventSubject(subject)).toBeUndefined();
	});

	test.each([
		'steward.intake.ship1.ship2.command',
		'steward.intake.ship1.ship2.command.m.more',
		'steward.intake.ship1..command.m',
		'steward.event.ship1.ship2.command.m',
		'steward.intake.*.ship2.command.m',
		'steward.intake.ship1.*.command.m',
		'steward.intake.ship1.ship2.command.>',
	])('no intake: %s', (subject) => {
		expect(parseIntakeSubject(subject)).toBeUndefined();
	});
});

describe('filters', () => {
	/** The server's own rule: `*` is one token, `>` is one or more at the end. */
	function matches(filter: string, subject: string): boolean {
		const tokens = subject.split('.');
		const wanted = filter.split('.');
		return (
			wanted.every((want, index) => {
				if (want === '>') return tokens.length > index;
				return want === '*' ? tokens[index] !== undefined : tokens[index] === want;
			}) &&
			(filter.endsWith('>') || wanted.length === tokens.length)
		);
	}
	const own = subjects.command(3, { node: 'ship1', lane: 'normal', method: 'shellCommand', id });
	const others = [
		subjects.command(3, { node: 'ship10', lane: 'normal', method: 'shellCommand', id }),
		subjects.command(2, { node: 'ship1', lane: 'normal', method: 'shellCommand', id }),
	];

	test.each([
		subjects.commandById(3, 'ship1', id),
		subjects.commandsOfLane(3, 'ship1', 'normal'),
		subjects.commandsOfNode(3, 'ship1'),
	])('%s selects what is the node’s, and nothing else', (filter) => {
		expect(matches(filter, own)).toBe(true);
		for (const other of others) expect(matches(filter, other)).toBe(false);
	});

	test('a shard selects all of its nodes', () => {
		expect(matches(subjects.commandsOfShard(3), own)).toBe(true);
		expect(matches(subjects.commandsOfShard(3), others[0] ?? '')).toBe(true);
		expect(matches(subjects.commandsOfShard(3), others[1] ?? '')).toBe(false);
	});

	test('by id, another id is not meant', () => {
		expect(matches(subjects.commandById(3, 'ship1', 'other'), own)).toBe(false);
	});

	test('events and beats', () => {
		expect(matches(subjects.eventsOfNode('ship1'), subjects.event('ship1', '_raw', 'ping'))).toBe(true);
		expect(matches(subjects.eventsOfNode('ship1'), subjects.event('ship2', 'ship1', 'ping'))).toBe(false);
		expect(matches(subjects.beats, subjects.beat('ship1'))).toBe(true);
	});
});

test('names of streams, buckets and consumers are names to the server', () => {
	const names = [
		...Object.values(streams).map((name) => (typeof name === 'string' ? name : name(15))),
		...Object.values(buckets),
		...lanes.map((lane) => consumerName('ship1', lane)),
	];
	expect(new Set(names).size).toBe(names.length);
	for (const name of names) expect(name).toMatch(/^[A-Za-z0-9_-]+$/);
	expect(consumerName('ship1', 'normal')).toBe('ship1-normal');
});

describe('shards', () => {
	test('are FNV-1a-32 of the name', () => {
		// Published test vectors of the hash: http://www.isthe.com/chongo/src/fnv/test_fnv.c
		expect(shardOf('', 2 ** 32)).toBe(0x811c9dc5);
		expect(shardOf('a', 2 ** 32)).toBe(0xe40c292c);
		expect(shardOf('foobar', 2 ** 32)).toBe(0xbf9cf968);
	});

	test('are within their number, and one shard takes all', () => {
		const seen = new Set<number>();
		for (let n = 0; n < 1000; n++) {
			expect(shardOf(`ship${n}`, 1)).toBe(0);
			seen.add(shardOf(`ship${n}`, 16));
		}
		expect([...seen].sort((a, b) => a - b)).toEqual(Array.from({ length: 16 }, (_, shard) => shard));
	});
});
