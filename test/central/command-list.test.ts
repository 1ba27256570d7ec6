import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CommandList, cursorOf } from '../../src/central/command-list.ts';
import { CommandOrder } from '../../src/central/command-order.ts';
import type { IndexedCommand, IndexListener } from '../../src/central/index-listeners.ts';
import type { CommandState } from '../../src/domain/state.ts';

const change = fc.oneof(
	fc.record({ kind: fc.constant('put' as const), id: fc.nat(30), queuedAt: fc.nat(20), value: fc.nat(5) }),
	fc.record({ kind: fc.constant('remove' as const), id: fc.nat(30) }),
	fc.record({ kind: fc.constant('look' as const) }),
);

test('the order is that of a sort, whatever came and went in between', () => {
	fc.assert(
		fc.property(fc.array(change, { maxLength: 400 }), fc.nat(40), (changes, from) => {
			const model = new Map<string, { queuedAt: number; value: number }>();
			const order = new CommandOrder((handle) => model.get(handle));
			for (const one of changes) {
				if (one.kind === 'look') {
					[...order.newestFirst()];
					continue;
				}
				const handle = `n.${one.id}`;
				const before = model.get(handle)?.queuedAt;
				if (one.kind === 'put') model.set(handle, one);
				else model.delete(handle);
				order.move(handle, before, model.get(handle)?.queuedAt);
			}
			const expected = [...model]
				.map(([handle, { queuedAt, value }]) => ({ handle, queuedAt, value }))
				.sort((a, b) => b.queuedAt - a.queuedAt || (a.handle < b.handle ? -1 : 1));
			expect([...order.newestFirst()]).toEqual(expected);
			const after = expected[from];
			if (after) expect([...order.newestFirst(after)]).toEqual(expected.slice(from + 1));
		}),
	);
});

function summary(state: CommandState, queuedAt: number, more: object = {}): IndexedCommand {
	return {
		...{ state, queuedAt, method: 'ping', lane: 'normal', seq: 1, revision: 1, schedule: null },
		...{ endedAt: null, deadlineAt: null, settledAt: null, lostAt: null, startedAt: null, starts: 0 },
		...more,
	};
}

function listOf(commands: Readonly<Record<string, IndexedCommand>>) {
	let listener: IndexListener | undefined;
	const known = new Map<string, IndexedCommand>();
	const list = new CommandList({
		known: (handle) => known.get(handle),
		listen(one) {
			listener = one;
			return () => undefined;
		},
	});
	const tell = (handle: string, after?: IndexedCommand) => {
		const before = known.get(handle);
		if (after) known.set(handle, after);
		else known.delete(handle);
		listener?.command(handle, before, after);
	};
	for (const [handle, command] of Object.entries(commands)) tell(handle, command);
	return { list, tell };
}

const handlesOf = (found: readonly { handle: string }[]) => found.map(({ handle }) => handle);

test('each filter narrows, and a piece is found in handle and method as it is written', () => {
	const { list } = listOf({
		'ship1.A': summary('queued', 1),
		'ship1.B': summary('failed', 2, { schedule: 'nightly' }),
		'ship10.C': summary('failed', 3, { method: 'deploy' }),
		'ship2.D': summary('succeeded', 4, { lane: 'control', method: 'pause' }),
	});
	const of = (filter: object) => handlesOf(list.select(filter, 10));
	expect(of({})).toEqual(['ship2.D', 'ship10.C', 'ship1.B', 'ship1.A']);
	expect(of({ node: 'ship1' })).toEqual(['ship1.B', 'ship1.A']);
	expect(of({ states: ['failed', 'queued'] })).toEqual(['ship10.C', 'ship1.B', 'ship1.A']);
	expect(of({ schedule: 'nightly' })).toEqual(['ship1.B']);
	expect(of({ method: 'deploy' })).toEqual(['ship10.C']);
	expect(of({ since: 3 })).toEqual(['ship2.D', 'ship10.C']);
	expect(of({ isWithoutWishes: true })).toEqual(['ship10.C', 'ship1.B', 'ship1.A']);
	expect(of({ search: 'HIP1.' })).toEqual(['ship1.B', 'ship1.A']);
	expect(of({ search: 'depl' })).toEqual(['ship10.C']);
	expect(of({ search: '.*' })).toEqual([]);
});

test('page after page gives each command once, while others come and go', () => {
	const { list, tell } = listOf(
		Object.fromEntries(Array.from({ length: 10 }, (_, index) => [`n.${index}`, summary('queued', index)])),
	);
	const first = list.select({}, 4);
	expect(handlesOf(first)).toEqual(['n.9', 'n.8', 'n.7', 'n.6']);
	tell('n.new', summary('queued', 20));
	tell('n.6');
	tell('n.3');
	const [last] = first.slice(-1);
	expect(handlesOf(list.select({}, 4, last && cursorOf(last)))).toEqual(['n.5', 'n.4', 'n.2', 'n.1']);
});

test('a page of a hundred thousand costs milliseconds, also where nothing matches', () => {
	const { list, tell } = listOf({});
	for (let index = 0; index < 100_000; index++)
		tell(`ship${index % 10_000}.01M8349JJF3FP4PN7X${index}`, summary('queued', (index * 7919) % 100_000));
	list.select({}, 1);
	// Of this process: other tests may have the cores.
	const cpuMs = (work: () => unknown) => {
		const before = process.cpuUsage();
		work();
		const { user, system } = process.cpuUsage(before);
		return (user + system) / 1000;
	};
	expect(cpuMs(() => list.select({}, 200))).toBeLessThan(50);
	expect(cpuMs(() => list.select({}, 200, '50000 x.y'))).toBeLessThan(50);
	// All are passed over.
	expect(cpuMs(() => list.select({ node: 'nobody' }, 200))).toBeLessThan(200);
	expect(cpuMs(() => list.select({ search: 'zzzz' }, 200))).toBeLessThan(500);
});
