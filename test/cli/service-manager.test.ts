import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { serviceManager, unwatched } from '../../src/cli/service-manager.ts';
import { eventually } from '../support/eventually.ts';
import { isInstalled } from '../support/installed.ts';
import { tempDir } from '../support/temp.ts';

/** What systemd does: takes datagrams, and closes what comes with them, which is how the sender knows. */
const receiver = `
import os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print("bound", flush=True)
while True:
    data, fds, _, _ = socket.recv_fds(s, 4096, 4)
    for fd in fds: os.close(fd)
    print(data.decode(), flush=True)
`;

async function startReceiver() {
	const dir = await tempDir();
	const path = join(dir.path, 'notify');
	const child = spawn('python3', ['-c', receiver, path], { stdio: ['ignore', 'pipe', 'inherit'] });
	const exited = new Promise((resolve) => child.once('exit', resolve));
	let output = '';
	child.stdout.setEncoding('utf8').on('data', (text: string) => {
		output += text;
	});
	const heard = () => output.split('\n').filter((line) => line.includes('=') && !line.startsWith('BARRIER'));
	await eventually(() => output.includes('bound'));
	return {
		path,
		heard,
		async [Symbol.asyncDispose]() {
			child.kill('SIGKILL');
			await exited;
			await dir[Symbol.asyncDispose]();
		},
	};
}

const { PATH } = process.env;
const missing = ['systemd-notify', 'python3'].filter((program) => !isInstalled(program));
const name = (title: string) =>
	missing.length === 0 ? title : `${title} (left out: no ${missing.join(', no ')})`;

test.skipIf(missing.length > 0)(
	name('systemd hears that all runs, that it lives, and that it ends; then nothing more'),
	async () => {
		await using systemd = await startReceiver();
		const env = {
			PATH,
			NOTIFY_SOCKET: systemd.path,
			WATCHDOG_USEC: '150000',
			WATCHDOG_PID: String(process.pid),
		};
		const manager = serviceManager({ env, clock: systemClock, log: silentLog });
		manager.ready();
		await eventually(() => systemd.heard().filter((line) => line === 'WATCHDOG=1').length >= 2);
		expect(systemd.heard()[0]).toBe('READY=1');
		await manager.stopping();
		await eventually(() => systemd.heard().at(-1) === 'STOPPING=1');
	},
);

test.skipIf(missing.length > 0)(name('who is not watched does not say that it lives'), async () => {
	await using systemd = await startReceiver();
	const env = { PATH, NOTIFY_SOCKET: systemd.path, WATCHDOG_USEC: '3000', WATCHDOG_PID: '1' };
	const manager = serviceManager({ env, clock: systemClock, log: silentLog });
	manager.ready();
	await eventually(() => systemd.heard().includes('READY=1'));
	await manager.stopping();
	await eventually(() => systemd.heard().includes('STOPPING=1'));
	expect(systemd.heard()).toEqual(['READY=1', 'STOPPING=1']);
});

test('without a service manager nothing is run, and what is started knows of none', async () => {
	// With a socket, a program that is not there would be a warning.
	const warnings: string[] = [];
	const log = { ...silentLog, warn: (...words: unknown[]) => void warnings.push(String(words.at(-1))) };
	const tell = async (env: Record<string, string>) => {
		const manager = serviceManager({ env, clock: systemClock, log });
		manager.ready();
		await manager.stopping();
	};
	await tell({ PATH: '/nowhere' });
	expect(warnings).toEqual([]);
	await tell({ PATH: '/nowhere', NOTIFY_SOCKET: '/nowhere/notify' });
	expect(warnings).toContain('systemd was not told STOPPING=1');
	expect(unwatched({ A: 'b', NOTIFY_SOCKET: 'x', WATCHDOG_USEC: '1', WATCHDOG_PID: '2' })).toEqual({
		A: 'b',
	});
});
