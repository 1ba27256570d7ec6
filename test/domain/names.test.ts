import { describe, expect, test } from 'vitest';
import { isStewardError } from '../../src/base/errors.ts';
import {
	commandLanes,
	formatHandle,
	idPattern,
	isLane,
	isNodeName,
	lanes,
	methodNamePattern,
	operatorSender,
	parseHandle,
	rawSender,
} from '../../src/domain/names.ts';

const unsafe = ['', ' ', 'a.b', 'a b', 'a*', '*', '>', 'a/b', '..', 'ä', 'a\n', 'a\0', '$a', '"a"'];

describe('names of nodes', () => {
	test.each(['ship1', 'central', 'a', 'SHIP-1', 'x_1', '1a', '-', '1-', 'a'.repeat(63)])('%s', (name) => {
		expect(isNodeName(name)).toBe(true);
	});

	test.each([...unsafe, '_operator', '_', '123', '0', 'a'.repeat(64)])('not %j', (name) => {
		expect(isNodeName(name)).toBe(false);
	});

	test('a sender that is no node can never be a node', () => {
		expect(isNodeName(operatorSender)).toBe(false);
		expect(isNodeName(rawSender)).toBe(false);
	});
});

describe('names of methods and ids', () => {
	test.each(['shellCommand', 'a', 'a-b_c1', 'a'.repeat(64)])('method %s', (name) => {
		expect(methodNamePattern.test(name)).toBe(true);
	});

	test.each([...unsafe, '1a', '_a', '-a', 'a'.repeat(65)])('no method %j', (name) => {
		expect(methodNamePattern.test(name)).toBe(false);
	});

	test.each(['1', '_', '-', '01J9ZK7M3V5Q8N2B4C6D8E0F1G', 'a'.repeat(64)])('id %s', (id) => {
		expect(idPattern.test(id)).toBe(true);
	});

	test.each([...unsafe, 'a'.repeat(65)])('no id %j', (id) => {
		expect(idPattern.test(id)).toBe(false);
	});
});

describe('lanes', () => {
	test('are a fixed set', () => {
		for (const lane of lanes) expect(isLane(lane)).toBe(true);
		for (const text of ['', 'Normal', 'fast', 'toString']) expect(isLane(text)).toBe(false);
	});

	test('nobody sends a command on the centre’s own lane or on that of events', () => {
		expect(commandLanes).toEqual(['urgent', 'normal', 'bulk']);
	});
});

describe('handles', () => {
	test('are read back', () => {
		const handle = { node: 'ship1', id: '01J9ZK7M3V5Q8N2B4C6D8E0F1G' };
		expect(parseHandle(formatHandle(handle))).toEqual(handle);
	});

	test.each(['', 'ship1', 'ship1.', '.c1', 'ship1.a.b', '_raw.c1', '7.c1', 'ship1.c1 ', 'ship1.*'])(
		'%j is none, and the error says what one looks like',
		(text) => {
			let thrown: unknown;
			try {
				parseHandle(text);
			} catch (error) {
				thrown = error;
			}
			expect(isStewardError(thrown, 'usage')).toBe(true);
			expect(String(thrown)).toContain('expected <node>.<id>');
		},
	);
});
