/**
 * Owns faults that strike at the worst moment: between an ack and what must come before it, or in the middle of a run.
 * Promises that each heals by itself, and waits for its moment for a bounded time.
 * Its answer tells whether the moment came.
 */

import { setTimeout as pause } from 'node:timers/promises';
import { projectorConsumer } from '../../../src/central/projector.ts';
import { streams } from '../../../src/domain/subject.ts';
import { backlogOf } from '../../../src/jetstream/consumers.ts';
import { eventually } from '../../support/eventually.ts';
import type { LinkProxy } from '../../support/proxy.ts';
import { type Fault, type Sleep, signal, stopAndGo } from '../faults/fault.ts';
import { childrenOf } from '../faults/processes.ts';
import type { Ship } from '../world.ts';
import type { TappedSite } from './tapped-site.ts';

/** Longest wait for the moment, also on a machine that has much else to do. */
const momentWithinMs = 20_000;
/** Until what has passed the tap is with the broker. */
const arrivesMs = 50;
/** A run that is seen twice in this time is in its middle. */
const midRunMs = 250;
const lookMs = 50;
/** Whatever was killed is started again, and does some work. */
const recoversMs = 1200;

/** The ack of a command by its node, and that of a report by the projector. */
const commandAck = /\$JS\.ACK\.STEWARD_COMMANDS\S+ \S+ 4\r\n\+ACK\r\n/;
const reportAck = new RegExp(`\\$JS\\.ACK\\.${streams.reports}\\.\\S+ (\\S+ )?4\\r\\n\\+ACK\\r\\n`);

const onePlace = { weight: 1, place: 'here' } as const;

/** The message passes, and no answer comes back; false when none came by. */
async function passesLast(link: LinkProxy, pattern: RegExp, sleep: Sleep): Promise<boolean> {
	const tripped = link.tripAt(pattern, 'dropServerToClient').then(() => true);
	const hasPassed = await Promise.race([tripped, sleep(momentWithinMs).then(() => false)]);
	await pause(arrivesMs);
	return hasPassed;
}

/** Strikes every ship, each at its own moment. */
function atEachShip(strike: (ship: Ship, sleep: Sleep) => Promise<string>): Fault {
	return {
		...onePlace,
		async run({ ships }, _random, sleep) {
			const struck = await Promise.all(ships.map((ship) => strike(ship, sleep)));
			await sleep(recoversMs);
			return struck.join('; ');
		},
	};
}

/** The broker has the ack of a command, and its node dies before it hears of that. */
export function nodeDiesAtAck(site: TappedSite): Fault {
	return atEachShip(async ({ name, process }, sleep) => {
		const link = site.linkOf(name);
		const hasPassed = await passesLast(link, commandAck, sleep);
		signal(process.pid, 'SIGKILL');
		link.heal();
		return `${name}, ${hasPassed ? 'at an ack' : 'at none'}`;
	});
}

/**
 * The broker has the ack of a report, and both centres die before any other word of the broker reaches them. What was reported
 * meanwhile is read before the next time: it is what was acknowledged at that moment that is struck, however long a centre takes
 * to start.
 */
export function centresDieAtAck({ hub }: TappedSite): Fault {
	return {
		...onePlace,
		async run(world, _random, sleep) {
			const hasPassed = await passesLast(hub, reportAck, sleep);
			for (const { pid } of world.centres) signal(pid, 'SIGKILL');
			hub.heal();
			await eventually(
				async () => (await backlogOf(world.raw.connection, streams.reports, projectorConsumer)) === 0,
				{ message: 'the centres have read what was reported' },
			);
			await sleep(recoversMs);
			return hasPassed ? 'at an ack' : 'at none';
		},
	};
}

async function running({ process }: Ship): Promise<readonly number[]> {
	return process.pid === undefined ? [] : childrenOf(process.pid);
}

/** Children that have been at work for a while; those that there are when it takes too long. */
async function untilMidRun(ship: Ship, sleep: Sleep): Promise<readonly number[]> {
	const deadline = performance.now() + momentWithinMs;
	let before: readonly number[] = [];
	for (;;) {
		const now = await running(ship);
		const still = now.filter((child) => before.includes(child));
		if (still.length > 0 || performance.now() > deadline) return still;
		before = now;
		await Promise.all([sleep(midRunMs), pause(lookMs)]);
	}
}

export const nodeDiesMidRun = atEachShip(async (ship, sleep) => {
	const children = await untilMidRun(ship, sleep);
	signal(ship.process.pid, 'SIGKILL');
	return `${ship.name}, ${children.length} commands ran`;
});

/** What runs ends while there is nobody to tell. */
export const linkCutUntilRunsEnd = atEachShip(async (ship, sleep) => {
	const children = await untilMidRun(ship, sleep);
	ship.link.cut();
	const deadline = performance.now() + momentWithinMs;
	while ((await running(ship)).some((child) => children.includes(child))) {
		if (performance.now() > deadline) break;
		await pause(lookMs);
	}
	ship.link.heal();
	return `${ship.name}, ${children.length} commands ended`;
});

/** What an operator says arrives long before what a ship says. */
export const farAway: Fault = {
	...onePlace,
	async run(world, random, sleep) {
		const ms = random.between(3000, 4000);
		for (const { link } of world.ships) link.latency(1000);
		await sleep(ms);
		for (const { link } of world.ships) link.heal();
		await sleep(recoversMs);
		return `for ${ms} ms`;
	},
};

/** One of the centres stops and goes, so that what it has read is old when it writes. */
export const centreStutters: Fault = {
	...onePlace,
	async run(world, random, sleep) {
		const centre = random.pick(world.centres);
		const stops = random.between(10, 20);
		for (let n = 0; n < stops; n++) {
			await stopAndGo(centre.pid, random.between(50, 250), sleep);
			await sleep(random.between(5, 30));
		}
		return `${stops} times`;
	},
};
