import { describe, expect, test } from 'vitest';
import { StewardError } from '../../src/base/errors.ts';
import { silentLog } from '../../src/base/log.ts';
import type { Cli } from '../../src/cli/cli.ts';
import { type Running, runServices } from '../../src/cli/commands/run-services.ts';
import { manualClock } from '../support/clock.ts';
import { keptScreen } from '../support/screen.ts';

type Signal = 'SIGINT' | 'SIGTERM';

/** What happened, in order, and the means to make it happen. */
function stage() {
	const events: string[] = [];
	const listeners = new Set<(signal: Signal) => void>();
	const failures = new Map<string, (error: Error) => void>();
	const cli: Cli = {
		...{ env: {}, cwd: '/', version: '0', program: 'steward', stdout: keptScreen(), stderr: keptScreen() },
		readStdin: async () => '',
		clock: manualClock(),
		timeZone: 'UTC',
		onSignal(listener) {
			listeners.add(listener);
			return () => listeners.delete(listener);
		},
		endAtOnce: () => void events.push('ended at once'),
	};
	const service =
		(name: string, start: () => Promise<void> = async () => undefined): (() => Running) =>
		() => ({
			service: {
				name,
				async start() {
					events.push(`start ${name}`);
					await start();
				},
				async stop() {
					events.push(`stop ${name}`);
				},
			},
			onFailure: (listener) => void failures.set(name, listener),
		});
	return {
		events,
		cli,
		service,
		signal: (name: Signal) => {
			for (const listener of [...listeners]) listener(name);
		},
		fail: (name: string, error: Error) => failures.get(name)?.(error),
		listening: () => listeners.size,
	};
}

describe('services', () => {
	test('start in order, say that they are ready, and stop in reverse on a signal', async () => {
		const { cli, events, service, signal, listening } = stage();
		const code = await runServices(cli, silentLog, [service('a'), service('b')], () => {
			events.push('ready');
			signal('SIGTERM');
		});
		expect(code).toBe(0);
		expect(events).toEqual(['start a', 'start b', 'ready', 'stop b', 'stop a']);
		expect(listening()).toBe(0);
	});

	test('one that gives up takes the others down, and its error is told', async () => {
		const { cli, events, service, fail } = stage();
		const gaveUp = new StewardError('gave-up', 'too often');
		const run = runServices(cli, silentLog, [service('a'), service('b')], () => fail('a', gaveUp));
		await expect(run).rejects.toBe(gaveUp);
		expect(events).toEqual(['start a', 'start b', 'stop b', 'stop a']);
	});

	test('one that does not start takes down those that did', async () => {
		const { cli, events, service } = stage();
		const broken = service('b', () => Promise.reject(new StewardError('already-running', 'in use')));
		const run = runServices(cli, silentLog, [service('a'), broken, service('c')], () => events.push('ready'));
		await expect(run).rejects.toThrow('in use');
		expect(events).toEqual(['start a', 'start b', 'stop b', 'stop a']);
	});

	test('a signal while one starts is not lost, and what follows is not started', async () => {
		const { cli, events, service, signal } = stage();
		const slow = service('a', async () => signal('SIGINT'));
		const code = await runServices(cli, silentLog, [slow, service('b')], () => events.push('ready'));
		expect(code).toBe(0);
		expect(events).toEqual(['start a', 'stop a']);
	});

	test('a second signal ends the process at once', async () => {
		const { cli, events, service, signal } = stage();
		await runServices(cli, silentLog, [service('a')], () => {
			signal('SIGINT');
			signal('SIGINT');
		});
		expect(events).toContain('ended at once');
	});
});
