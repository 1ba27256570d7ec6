import { expect, test } from 'vitest';
import { MethodCatalogue } from '../../src/central/method-catalogue.ts';
import type { NodeRecord, NodeState } from '../../src/domain/node-state.ts';

const state: NodeState = {
	...{
		v: 1,
		node: 'n',
		version: '1',
		machine: 'm',
		boot: 'b',
		epoch: 'e',
		labels: {},
		startedAt: 0,
		saidAt: 0,
	},
	platform: { os: 'linux', arch: 'x64', runtime: 'node', hostname: 'h' },
	...{
		clockOffsetMs: 0,
		methods: [],
		lanes: [],
		running: [],
		stopped: [],
		schedules: [],
		trust: null,
		access: null,
	},
	...{ unreported: [], outbox: 0, stopping: false },
};

function fleet() {
	const serving = new Map<string, NodeRecord>();
	const listeners = new Set<(node: string) => void>();
	const catalogue = new MethodCatalogue({
		serving,
		onNode(listener) {
			listeners.add(listener);
			return () => listeners.delete(listener);
		},
	});
	return {
		catalogue,
		say(node: string, methods: NodeState['methods'] | undefined, isTold = true) {
			if (methods) serving.set(node, { v: 1, state: { ...state, methods }, lastSeenAt: 0, conflict: null });
			else serving.delete(node);
			if (isTold) for (const listener of listeners) listener(node);
		},
	};
}

const ping = { name: 'ping', kind: 'command', data: {} } as const;
const deploy = (version: number) => ({ name: 'deploy', kind: 'command', data: { const: version } }) as const;

test('a method is there once for each schema, with how many nodes offer it, most first', () => {
	const { catalogue, say } = fleet();
	say('a', [ping, deploy(1)]);
	say('b', [ping, deploy(2)]);
	say('c', [ping, deploy(2)]);
	expect(catalogue.list().map(({ name, data, nodes }) => [name, data, nodes])).toEqual([
		['ping', {}, 3],
		['deploy', { const: 2 }, 2],
		['deploy', { const: 1 }, 1],
	]);
});

test('a node that says something else, or goes, is counted anew, also where nobody told of it', () => {
	const { catalogue, say } = fleet();
	say('a', [ping, deploy(1)]);
	say('b', [ping]);
	catalogue.list();
	say('a', [ping]);
	expect(catalogue.list()).toMatchObject([{ name: 'ping', nodes: 2 }]);
	say('b', undefined, false);
	expect(catalogue.list()).toMatchObject([{ name: 'ping', nodes: 1 }]);
	say('c', [deploy(3)], false);
	expect(catalogue.list()).toHaveLength(2);
	say('a', undefined);
	say('c', undefined);
	expect(catalogue.list()).toEqual([]);
});
