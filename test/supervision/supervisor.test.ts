import { describe, expect, test, vi } from 'vitest';
import { isStewardError } from '../../src/base/errors.ts';
import { Lifecycle } from '../../src/base/lifecycle.ts';
import { type Child, Supervisor, type SupervisorOptions } from '../../src/supervision/supervisor.ts';
import { manualClock } from '../support/clock.ts';
import { stressLifecycle } from '../support/lifecycle.ts';
import { recordingLog } from '../support/log.ts';

type TestChild = Child & {
	fail(error?: Error): void;
	/** What its next starts and stops do instead of ending well. */
	onStart: () => Promise<void>;
	onStop: () => Promise<void>;
};

function child(name: string, seen: string[]): TestChild {
	const listeners: ((error: Error) => void)[] = [];
	const self: TestChild = {
		name,
		onStart: async () => undefined,
		onStop: async () => undefined,
		start: () => lifecycle.start(),
		stop: () => lifecycle.stop(),
		onFailure: (listener) => listeners.push(listener),
		fail: (error = new Error(`${name} broke`)) => {
			for (const listener of listeners) listener(error);
		},
	};
	const lifecycle = new Lifecycle(
		async () => {
			seen.push(`+${name}`);
			await self.onStart();
		},
		async () => {
			seen.push(`-${name}`);
			await self.onStop();
		},
	);
	return self;
}

function tree(options: Partial<SupervisorOptions> = {}) {
	const seen: string[] = [];
	const [a, b, c] = [child('a', seen), child('b', seen), child('c', seen)];
	const clock = manualClock();
	const log = recordingLog();
	const supervisor = new Supervisor({
		name: 'root',
		strategy: 'one-for-one',
		intensity: { restarts: 2, periodMs: 10_000 },
		children: [a, b, c],
		stopWithinMs: 5000,
		clock,
		log,
		...options,
	});
	const failures: Error[] = [];
	supervisor.onFailure((error) => failures.push(error));
	const take = () => seen.splice(0).join(' ');
	return { a, b, c, clock, log, supervisor, failures, take };
}

const forever = () => new Promise<void>(() => undefined);

describe('start and stop', () => {
	test('in order, and in reverse', async () => {
		const { supervisor, take } = tree();
		await supervisor.stop();
		expect(take()).toBe('');
		await supervisor.start();
		await supervisor.start();
		expect(take()).toBe('+a +b +c');
		await supervisor.stop();
		await supervisor.stop();
		expect(take()).toBe('-c -b -a');
	});

	test('each child is up before the next is started, and gone before the one before it is stopped', async () => {
		const { supervisor, clock, a, c, take } = tree();
		a.onStart = () => clock.sleep(100);
		c.onStop = () => clock.sleep(100);
		const starting = supervisor.start();
		await clock.advance(99);
		expect(take()).toBe('+a');
		await clock.advance(1);
		await starting;
		take();
		const stopping = supervisor.stop();
		await clock.advance(99);
		expect(take()).toBe('-c');
		await clock.advance(1);
		await stopping;
		expect(take()).toBe('-b -a');
	});

	test('a child that cannot start ends those that had, and start says why', async () => {
		const { supervisor, b, take, failures } = tree();
		b.onStart = () => Promise.reject(new Error('the port is taken'));
		await expect(supervisor.start()).rejects.toThrow('the port is taken');
		expect(take()).toBe('+a +b -b -a');
		expect(failures).toEqual([]);
		b.onStart = async () => undefined;
		await supervisor.start();
		expect(take()).toBe('+a +b +c');
	});

	test('a child that hangs in stop is left behind after its time, and named', async () => {
		const { supervisor, b, clock, log, take } = tree();
		await supervisor.start();
		b.onStop = forever;
		const stopping = supervisor.stop();
		await clock.advance(4999);
		expect(take()).toBe('+a +b +c -c -b');
		await clock.advance(1);
		await stopping;
		expect(take()).toBe('-a');
		expect(log.lines).toEqual([
			{ level: 'error', message: 'a child did not stop in time', fields: { child: 'b' } },
		]);
		expect(clock.pending).toBe(0);
	});

	test('a child that fails to stop is named, and the others are stopped', async () => {
		const { supervisor, b, log, take } = tree();
		await supervisor.start();
		b.onStop = () => Promise.reject(new Error('it sticks'));
		await supervisor.stop();
		expect(take()).toBe('+a +b +c -c -b -a');
		expect(log.lines).toMatchObject([{ level: 'error', fields: { child: 'b', err: 'it sticks' } }]);
	});
});

describe('a child that fails', () => {
	test('is started again alone, one for one', async () => {
		const { supervisor, a, b, clock, take } = tree();
		await supervisor.start();
		take();
		b.fail();
		await clock.advance(0);
		expect(take()).toBe('-b +b');
		a.fail();
		await clock.advance(0);
		expect(take()).toBe('-a +a');
		await supervisor.stop();
	});

	test('takes all later ones with it, rest for one', async () => {
		const { supervisor, b, c, clock, take } = tree({ strategy: 'rest-for-one' });
		await supervisor.start();
		take();
		b.fail();
		await clock.advance(0);
		expect(take()).toBe('-c -b +b +c');
		c.fail();
		await clock.advance(0);
		expect(take()).toBe('-c +c');
		await supervisor.stop();
	});

	test('is restarted after the one that failed before it, never at the same time', async () => {
		const { supervisor, a, b, clock, take } = tree();
		await supervisor.start();
		take();
		a.onStart = () => clock.sleep(1000);
		a.fail();
		b.fail();
		await clock.advance(999);
		expect(take()).toBe('-a +a');
		await clock.advance(1);
		expect(take()).toBe('-b +b');
		await supervisor.stop();
	});

	test('is of no interest before the start and after the stop', async () => {
		const { supervisor, a, clock, take, failures } = tree();
		a.fail();
		await supervisor.start();
		await supervisor.stop();
		take();
		for (let times = 0; times < 10; times++) a.fail();
		await clock.advance(60_000);
		expect(take()).toBe('');
		expect(failures).toEqual([]);
	});

	test('is not started again once the stop was asked for', async () => {
		const { supervisor, a, clock, take } = tree();
		await supervisor.start();
		take();
		a.onStop = () => clock.sleep(1000);
		a.fail();
		await clock.advance(500);
		const stopping = supervisor.stop();
		await clock.advance(2000);
		await stopping;
		expect(take()).not.toContain('+');
	});
});

describe('intensity', () => {
	test('as many restarts as are allowed within the period go unnoticed', async () => {
		const { supervisor, a, clock, take, failures } = tree();
		await supervisor.start();
		take();
		for (let round = 0; round < 20; round++) {
			a.fail();
			await clock.advance(5000);
		}
		expect(take().split(' ')).toHaveLength(40);
		expect(failures).toEqual([]);
		await supervisor.stop();
	});

	test('one more escalates once, with the last failure as its cause, and nothing is started any more', async () => {
		const { supervisor, a, b, clock, log, take, failures } = tree();
		await supervisor.start();
		take();
		const last = new Error('the third time');
		a.fail();
		b.fail();
		a.fail(last);
		a.fail();
		b.fail();
		await clock.advance(60_000);
		b.fail();
		await clock.advance(0);
		expect(failures).toHaveLength(1);
		expect(isStewardError(failures[0], 'gave-up')).toBe(true);
		expect(failures[0]).toMatchObject({
			cause: last,
			message: 'root gave up: a failed more than 2 times in 10 s (last: the third time)',
		});
		expect(log.lines.filter(({ level }) => level === 'error')).toHaveLength(1);
		expect(take()).toBe('-a +a -b +b');
		await supervisor.stop();
		expect(take()).toBe('-c -b -a');
	});

	test('a child that cannot start again counts each time, and escalates', async () => {
		const { supervisor, a, clock, take, failures } = tree();
		await supervisor.start();
		take();
		a.onStart = () => Promise.reject(new Error('the port is taken'));
		a.fail();
		await clock.advance(0);
		expect(failures).toHaveLength(1);
		expect(failures[0]?.message).toContain('the port is taken');
		await supervisor.stop();
	});

	test('after a stop and a start the count begins anew, and it can escalate again', async () => {
		const { supervisor, a, clock, failures } = tree();
		for (const expected of [1, 2]) {
			await supervisor.start();
			for (let times = 0; times < 5; times++) a.fail();
			await clock.advance(0);
			expect(failures).toHaveLength(expected);
			await supervisor.stop();
		}
	});

	test('a supervisor above it restarts the whole of it', async () => {
		const inner = tree();
		const clock = inner.clock;
		const outer = tree({ children: [inner.supervisor], clock });
		await outer.supervisor.start();
		inner.take();
		for (let times = 0; times < 3; times++) inner.a.fail();
		await clock.advance(0);
		expect(inner.take()).toBe('-a +a -a +a -c -b -a +a +b +c');
		expect(outer.failures).toEqual([]);
		await outer.supervisor.stop();
	});
});

describe('a child that hangs while it is restarted', () => {
	test('in stop: it cannot be started again, so the supervisor gives up', async () => {
		const { supervisor, b, clock, failures, take } = tree();
		await supervisor.start();
		take();
		b.onStop = forever;
		b.fail();
		await clock.advance(5000);
		expect(take()).toBe('-b');
		expect(failures).toHaveLength(1);
		expect(failures[0]).toMatchObject({
			code: 'gave-up',
			message: expect.stringContaining('b did not stop'),
		});
		const stopped = vi.fn();
		void supervisor.stop().then(stopped);
		await clock.advance(10_000);
		expect(stopped).toHaveBeenCalledTimes(1);
		expect(clock.pending).toBe(0);
	});

	test('in start: the supervisor can be stopped all the same', async () => {
		const { supervisor, b, clock, log } = tree();
		await supervisor.start();
		b.onStart = forever;
		b.fail();
		await clock.advance(60_000);
		const stopped = vi.fn();
		void supervisor.stop().then(stopped);
		await clock.advance(10_000);
		expect(stopped).toHaveBeenCalledTimes(1);
		expect(log.lines).toContainEqual(expect.objectContaining({ level: 'error', fields: { child: 'b' } }));
		expect(clock.pending).toBe(0);
	});

	test('what it does after the stop starts nothing', async () => {
		const { supervisor, b, clock, take } = tree({ strategy: 'rest-for-one' });
		await supervisor.start();
		let go: () => void = () => undefined;
		b.onStart = () =>
			new Promise((resolve) => {
				go = resolve;
			});
		b.fail();
		await clock.advance(0);
		const stopping = supervisor.stop();
		await clock.advance(20_000);
		await stopping;
		take();
		go();
		await clock.advance(60_000);
		expect(take()).not.toContain('+');
	});
});

test('survives everybody starting and stopping it at once', async () => {
	const { supervisor, clock, failures, take } = tree();
	await stressLifecycle(() => supervisor, {
		afterStop: () => {
			expect(take().endsWith('-c -b -a')).toBe(true);
			expect(clock.pending).toBe(0);
		},
	});
	expect(failures).toEqual([]);
});

test('survives failures of its children in between', async () => {
	const { supervisor, a, b, c, clock, take } = tree({ intensity: { restarts: 1_000_000, periodMs: 1 } });
	const restless: Child = {
		name: 'restless',
		start: async () => {
			const started = supervisor.start();
			for (const one of [a, b, c]) one.fail();
			await started;
		},
		stop: () => supervisor.stop(),
	};
	await stressLifecycle(() => restless, { rounds: 20 });
	const up = new Set<string>();
	for (const step of take().split(' ')) {
		const name = step.slice(1);
		if (step.startsWith('+')) {
			expect(up.has(name)).toBe(false);
			up.add(name);
		} else up.delete(name);
	}
	expect([...up]).toEqual([]);
	expect(clock.pending).toBe(0);
});
