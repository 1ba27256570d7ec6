/**
 * Owns a fleet as small as most are: two ships that are there, one that left, one that nobody has seen, and a command in each state.
 * Promises that all of it came about by itself: real ships ran what was sent to them.
 * The ships end when it is disposed of; what they did stays in the broker.
 */

import { connect, type Fleet } from '../../src/client/fleet.ts';
import type { MessageForm } from '../../src/domain/message.ts';
import { disposables } from './disposables.ts';
import { eventually } from './eventually.ts';
import { startShip } from './ship.ts';

const commands = {
	succeeded: { toNode: 'ship1', data: ['bash', '-c', 'uname -a; df -h /'] },
	failed: { toNode: 'ship1', data: ['bash', '-c', 'echo "no space left on /dev/sda1" >&2; exit 3'] },
	timedOut: { toNode: 'ship2', data: ['sleep', '60'], runFor: '300ms' },
	coloured: {
		toNode: 'ship2',
		data: [
			'bash',
			'-c',
			String.raw`for n in 31 32 33 34 35 36; do printf '\e[%smcolour %s\e[0m and \e[1;4mbold\e[0m\n' $n $n; done; printf '10%%\r50%%\r100%%\n'`,
		],
	},
	/** Six megabytes in lines. */
	huge: { toNode: 'ship2', data: ['seq', '-f', 'line %.0f of a backup that says each file', '150000'] },
	refused: { toNode: 'ship1', method: 'openHatch', data: { hatch: 4 } },
	refusedAgain: { toNode: 'ship2', method: 'openHatch', data: { hatch: 5 } },
	running: {
		toNode: 'ship1',
		data: ['bash', '-c', 'for n in $(seq 600); do echo "step $n of 600"; sleep 0.5; done'],
	},
	behind: { toNode: 'ship1', data: ['systemctl', 'status'] },
	queued: { toNode: 'ship4', data: ['bash', '-c', 'apt-get update && apt-get upgrade --yes'] },
	cancelled: { toNode: 'ship4', data: ['reboot'] },
	later: { toNode: 'ship3', data: ['true'], notBefore: '2030-01-01T00:00:00Z' },
} as const satisfies Record<string, Omit<MessageForm, 'method' | 'id' | 'kind'> & { method?: string }>;
type SmallCommand = keyof typeof commands;

const ended: readonly SmallCommand[] = [
	'succeeded',
	'failed',
	'timedOut',
	'coloured',
	'huge',
	'refused',
	'refusedAgain',
];

export type SmallFleet = AsyncDisposable & {
	readonly fleet: Fleet;
	handle(command: SmallCommand): string;
};

export async function startSmallFleet(servers: string, dir: string): Promise<SmallFleet> {
	const things = disposables();
	try {
		const fleet = await connect({ servers, name: 'test' });
		things.use({ [Symbol.asyncDispose]: () => fleet.close() });
		const [, , ship3] = await Promise.all([
			startShip(servers, 'ship1', dir, { role: 'tug', region: 'north' }).then((ship) => things.use(ship)),
			startShip(servers, 'ship2', dir, { role: 'ferry', region: 'north' }).then((ship) => things.use(ship)),
			startShip(servers, 'ship3', dir, { role: 'pilot' }).then((ship) => things.use(ship)),
		]);
		await eventually(async () => (await fleet.node('ship3'))?.presence === 'present', { timeoutMs: 20_000 });
		await ship3.stop();
		const handle = (command: SmallCommand) => `${commands[command].toNode}.${command}`;
		for (const [id, form] of Object.entries(commands)) {
			await fleet.send({ kind: 'command', method: 'shellCommand', ...form, id });
		}
		await fleet.cancel([handle('cancelled')]);
		await addSchedules(fleet);
		await fleet.wait(ended.map(handle), { timeoutMs: 30_000 });
		await fleet.pause('ship2', { reason: 'in the dry dock' });
		await eventually(async () => (await fleet.get(handle('running')))?.state === 'running', {
			timeoutMs: 20_000,
		});
		return { fleet, handle, [Symbol.asyncDispose]: () => things[Symbol.asyncDispose]() };
	} catch (error) {
		await things[Symbol.asyncDispose]();
		throw error;
	}
}

async function addSchedules({ schedules }: Fleet): Promise<void> {
	const message = { method: 'shellCommand', data: ['./backup', '{{node}}', '{{tick}}'] };
	const nightly = { cron: '0 3 * * *', timeZone: 'Europe/Oslo', toNodes: ['ship1', 'ship2'], message };
	await schedules.add({ name: 'nightly-backup', ...nightly, note: 'asked for by anna' });
	await schedules.add({
		name: 'position',
		every: '15m',
		where: { region: 'north' },
		message,
		placement: 'node',
	});
	await schedules.add({ name: 'inventory', cron: '@monthly', toNode: 'ship4', message, paused: true });
}
