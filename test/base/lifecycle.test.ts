import { describe, expect, test } from 'vitest';
import { Lifecycle, Periodic, type Service } from '../../src/base/lifecycle.ts';
import { manualClock } from '../support/clock.ts';
import { stressLifecycle } from '../support/lifecycle.ts';
import { recordingLog } from '../support/log.ts';

/** Something slow to open and to close, that notices when it is opened twice or closed half open. */
function door(turn: () => Promise<void> = () => new Promise((resolve) => setImmediate(resolve))) {
	const seen: string[] = [];
	let state: 'closed' | 'moving' | 'open' = 'closed';
	const move = async (from: typeof state, to: typeof state) => {
		if (state !== from) throw new Error(`it is ${state}, not ${from}`);
		state = 'moving';
		await turn();
		state = to;
		seen.push(to);
	};
	const lifecycle = new Lifecycle(
		() => move('closed', 'open'),
		() => move('open', 'closed'),
	);
	const service: Service = {
		name: 'door',
		start: () => lifecycle.start(),
		stop: () => lifecycle.stop(),
	};
	return { lifecycle, service, seen, state: () => state };
}

describe('a lifecycle', () => {
	test('does nothing before it is started, and nothing when it is stopped before', async () => {
		const { lifecycle, seen } = door();
		await lifecycle.stop();
		expect(lifecycle.running).toBe(false);
		expect(seen).toEqual([]);
	});

	test('begins once and ends once, however often it is told to', async () => {
		const { lifecycle, seen } = door();
		await Promise.all([lifecycle.start(), lifecycle.start(), lifecycle.start()]);
		expect(lifecycle.running).toBe(true);
		await Promise.all([lifecycle.stop(), lifecycle.stop()]);
		expect(lifecycle.running).toBe(false);
		expect(seen).toEqual(['open', 'closed']);
	});

	test('can begin again', async () => {
		const { lifecycle, seen } = door();
		for (let round = 0; round < 3; round++) {
			await lifecycle.start();
			await lifecycle.stop();
		}
		expect(seen).toEqual(['open', 'closed', 'open', 'closed', 'open', 'closed']);
	});

	test('stop resolves when it has truly ended, also when it was asked while it began', async () => {
		const { lifecycle, state } = door();
		const starting = lifecycle.start();
		const stopping = lifecycle.stop();
		await stopping;
		expect(state()).toBe('closed');
		await starting;
	});

	test('where it cannot begin, it is ended, and can be tried again', async () => {
		const seen: string[] = [];
		let fail = true;
		const lifecycle = new Lifecycle(
			async () => {
				seen.push('begin');
				if (fail) throw new Error('the port is taken');
			},
			async () => void seen.push('end'),
		);
		await expect(lifecycle.start()).rejects.toThrow('the port is taken');
		expect(lifecycle.running).toBe(false);
		await lifecycle.stop();
		expect(seen).toEqual(['begin', 'end']);
		fail = false;
		await lifecycle.start();
		expect(lifecycle.running).toBe(true);
	});

	test('why it could not begin is told, also when what was half begun cannot be ended', async () => {
		const lifecycle = new Lifecycle(
			() => Promise.reject(new Error('the port is taken')),
			() => Promise.reject(new Error('nothing to close')),
		);
		await expect(lifecycle.start()).rejects.toThrow('the port is taken');
		await lifecycle.stop();
	});

	test('a failure to end is told to whoever asked, and holds up nobody else', async () => {
		let fail = true;
		const lifecycle = new Lifecycle(
			async () => undefined,
			async () => {
				if (fail) throw new Error('it sticks');
			},
		);
		await lifecycle.start();
		const [first, second] = await Promise.allSettled([lifecycle.stop(), lifecycle.start()]);
		expect(first.status).toBe('rejected');
		expect(second.status).toBe('fulfilled');
		fail = false;
		await lifecycle.stop();
	});

	test('survives everybody starting and stopping it at once', async () => {
		const { service, state } = door();
		await stressLifecycle(() => service, {
			afterStop: () => {
				expect(state()).toBe('closed');
			},
		});
	});
});

describe('a periodic service', () => {
	function periodic(runOnce: (signal: AbortSignal) => Promise<unknown>) {
		const clock = manualClock();
		const log = recordingLog();
		return { clock, log, service: new Periodic({ name: 'sweep', everyMs: 1000, runOnce, clock, log }) };
	}

	test('runs at its start, and again so long after each end', async () => {
		const at: number[] = [];
		const { clock, service } = periodic(async () => {
			at.push(clock.monotonic());
			await clock.sleep(300);
		});
		await service.start();
		await clock.advance(4000);
		expect(at).toEqual([0, 1300, 2600, 3900]);
		const stopped = service.stop();
		await clock.advance(300);
		await stopped;
		await clock.advance(10_000);
		expect(at).toHaveLength(4);
		expect(clock.pending).toBe(0);
	});

	test('never runs twice at once', async () => {
		let running = 0;
		const { clock, service } = periodic(async () => {
			running += 1;
			expect(running).toBe(1);
			await clock.sleep(5000);
			running -= 1;
		});
		await service.start();
		await service.start();
		await clock.advance(30_000);
		const stopped = service.stop();
		await clock.advance(5000);
		await stopped;
		expect(running).toBe(0);
	});

	test('goes on after a failure, and says it', async () => {
		let calls = 0;
		const { clock, log, service } = periodic(async () => {
			calls += 1;
			throw new Error('no luck');
		});
		await service.start();
		await clock.advance(2500);
		await service.stop();
		expect(calls).toBe(3);
		expect(log.lines).toEqual(
			Array.from({ length: 3 }, () => ({
				level: 'warn',
				message: 'sweep failed; it will run again',
				fields: { err: 'no luck' },
			})),
		);
	});

	test('tells a run that it is to end, waits for it, and takes its complaint for the end', async () => {
		const { clock, log, service } = periodic(async (signal) => {
			await clock.sleep(60_000, signal);
			signal.throwIfAborted();
		});
		await service.start();
		await clock.advance(10);
		await service.stop();
		expect(log.lines).toEqual([]);
		expect(clock.pending).toBe(0);
	});

	test('survives everybody starting and stopping it at once', async () => {
		const { clock, service } = periodic(async () => undefined);
		await stressLifecycle(() => service, {
			afterStop: () => {
				expect(clock.pending).toBe(0);
			},
		});
	});
});
