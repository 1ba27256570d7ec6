import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { IndexedCommand, IndexListener } from '../../../src/central/index-listeners.ts';
import type { CommandState } from '../../../src/domain/state.ts';
import { CommandCounts } from '../../../src/http/metrics/command-counts.ts';

/** An index that says what it is told to. */
function indexOf(known: Map<string, IndexedCommand> = new Map()) {
	const listeners = new Set<IndexListener>();
	return {
		known,
		isComplete: true,
		listen(listener: IndexListener) {
			for (const [handle, command] of known) listener.command(handle, undefined, command);
			listeners.add(listener);
			return () => listeners.delete(listener);
		},
		set(handle: string, command: IndexedCommand | undefined) {
			const before = known.get(handle);
			if (command) known.set(handle, command);
			else known.delete(handle);
			for (const listener of listeners) listener.command(handle, before, command);
		},
		reset() {
			for (const handle of [...known.keys()]) this.set(handle, undefined);
			for (const listener of listeners) listener.reset('ledger');
		},
	};
}

const entry = (
	state: CommandState,
	more: Partial<Exclude<IndexedCommand, { facts: unknown }>> = {},
): IndexedCommand => ({
	...{ state, method: 'shellCommand', lane: 'normal', queuedAt: 1000, seq: 1, revision: 1, starts: 0 },
	...{ startedAt: null, endedAt: null, deadlineAt: null, settledAt: null, lostAt: null, schedule: null },
	...more,
});

function countsOf(index: ReturnType<typeof indexOf>, now: () => number = () => 0) {
	const news: unknown[] = [];
	const counts = new CommandCounts({
		index,
		serverNow: now,
		delivered: (ms) => news.push(['delivered', ms]),
		attempts: (count) => news.push(['attempts', count]),
		ended: (...what) => news.push(['ended', ...what]),
	});
	return { counts, news };
}

const states = ['queued', 'running', 'retrying', 'succeeded', 'failed', 'lost'] as const;

test('its counts equal a recount, whatever comes', () => {
	const change = fc.record({
		handle: fc.constantFrom('a.1', 'a.2', 'b.1', 'b.2', 'c.1'),
		state: fc.option(fc.constantFrom(...states), { nil: undefined }),
		method: fc.constantFrom('m1', 'm2', 'm3'),
	});
	fc.assert(
		fc.property(fc.array(change), fc.integer({ min: 0, max: 4 }), (changes, most) => {
			const index = indexOf();
			const { counts } = countsOf(index);
			for (const { handle, state, method } of changes) index.set(handle, state && entry(state, { method }));
			const told = counts.byMethod(most);
			const wanted = new Map<string, number>();
			for (const command of index.known.values()) {
				const method = told.has(command.method) ? command.method : 'other';
				const key = `${method} ${'state' in command ? command.state : ''}`;
				wanted.set(key, (wanted.get(key) ?? 0) + 1);
			}
			const found = [...told].flatMap(([method, of]) =>
				[...of].map(([state, n]) => [`${method} ${state}`, n] as const),
			);
			expect(new Map(found)).toEqual(wanted);
			expect([...told.keys()].filter((method) => method !== 'other').length).toBeLessThanOrEqual(most);
		}),
	);
});

test('a command is delivered, started and ended once, however it is told', () => {
	const index = indexOf();
	const { news } = countsOf(index);
	index.set('a.1', entry('running', { startedAt: 1500, starts: 1 }));
	index.set('a.1', entry('retrying', { startedAt: 1500, starts: 1 }));
	index.set('a.1', entry('running', { startedAt: 1500, starts: 3 }));
	index.set('a.1', entry('succeeded', { startedAt: 1500, starts: 3, endedAt: 4500, settledAt: 4600 }));
	index.set(
		'a.1',
		entry('succeeded', { startedAt: 1500, starts: 3, endedAt: 4500, settledAt: 4600, revision: 9 }),
	);
	index.set('a.2', entry('expired', { endedAt: 5000, settledAt: 5000 }));
	expect(news).toEqual([
		['delivered', 500],
		['attempts', 1],
		['attempts', 2],
		['ended', 'shellCommand', 'succeeded', 3000],
		['ended', 'shellCommand', 'expired', undefined],
	]);
});

test('what is read again is no news: at the start, while the index is read, and after its stream was made anew', () => {
	const done = entry('succeeded', { startedAt: 1500, starts: 1, endedAt: 2000, settledAt: 2000 });
	const index = indexOf(new Map([['a.1', done]]));
	let now = 3000;
	const { counts, news } = countsOf(index, () => now);
	index.isComplete = false;
	index.set('a.2', done);
	index.isComplete = true;
	now = 5000;
	index.reset();
	index.set('a.1', done);
	expect(news).toEqual([]);
	index.set('a.3', entry('failed', { startedAt: 5100, starts: 1, endedAt: 5200, settledAt: 5200 }));
	expect(news).toEqual([
		['delivered', 4100],
		['attempts', 1],
		['ended', 'shellCommand', 'failed', 100],
	]);
	counts.stop();
	index.set('a.4', done);
	expect(news.length).toBe(3);
});
