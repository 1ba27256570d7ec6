/**
 * Owns what is asked of the world while it breaks: commands of several kinds, cancels, and events, from an operator and from
 * the ships themselves. Promises to remember exactly what was acknowledged; what was not is sent again under its own id, or
 * given up and counted. Each command writes down by itself that it started, so that nobody's word is needed for that.
 */

import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { systemClock } from '../../src/base/clock.ts';
import { isStewardError, systemCodeOf } from '../../src/base/errors.ts';
import type { MessageForm } from '../../src/domain/message.ts';
import { sendViaSocket } from '../../src/node/intake/socket-client.ts';
import { socketPathFor } from '../../src/node/intake/socket-path.ts';
import type { Random } from './random.ts';
import type { Pace, Ship, World } from './world.ts';

export type CommandKind = 'succeeds' | 'fails' | 'reruns' | 'retries' | 'isLate' | 'isCancelled';

export type SentCommand = {
	readonly handle: string;
	readonly ship: Ship;
	readonly id: string;
	readonly kind: CommandKind;
	/** Starts that its policy allows. */
	readonly mostStarts: number;
	readonly accepted: Acceptance;
};
type SentEvent = { readonly ship: Ship; readonly text: string; readonly accepted: Acceptance };

/** Who took it on, and when (epoch time): the broker, or a ship's node, which keeps it until it can pass it on. */
export type Acceptance = { readonly by: Ship | 'broker'; readonly at: number };

export type Sent = {
	/** Acknowledged. */
	readonly commands: SentCommand[];
	readonly events: SentEvent[];
	/** Nobody said whether they were taken. */
	unacknowledged: number;
	readonly problems: string[];
	/** Answers to cancels that are certain, by handle. */
	readonly cancels: Map<string, 'beforeStart' | 'whileRunning' | 'tooLate'>;
};

export function nothingSent(): Sent {
	return { commands: [], events: [], unacknowledged: 0, problems: [], cancels: new Map() };
}

const weights: readonly (readonly [CommandKind, number])[] = [
	['succeeds', 45],
	['fails', 10],
	['reruns', 20],
	['retries', 10],
	['isLate', 5],
	['isCancelled', 10],
];

/** What a command prints: its result is compared with it. */
export function outputOf(id: string): string {
	return `out ${id}\n`;
}

/**
 * Longer than what lasts in a run: what is called lost then was taken by a store or a namesake that is gone for good. And so
 * short that it is called so while the run waits for its end.
 */
const clocks = {
	short: { runFor: '30s', patience: '25s' },
	long: { runFor: '60s', patience: '150s' },
} as const satisfies Record<Pace, Partial<MessageForm>>;

function formOf(ship: Ship, id: string, kind: CommandKind, pace: Pace, random: Random): MessageForm {
	// Some are in their middle when something breaks; what may run again is still at it when its node is back.
	const longer = random.chance(0.1) ? (kind === 'reruns' ? 6 : 3) : 0;
	const takes = (random.between(0, 30) / 100 + longer).toFixed(2);
	const say = `${alone(ship, id)}; sleep ${takes}; echo out ${id}`;
	const body: Record<CommandKind, string> = {
		...{ succeeds: say, reruns: say, isLate: say },
		fails: `${say}; exit 3`,
		retries: `${say}; [ $STEWARD_ATTEMPT -ge 2 ]`,
		isCancelled: `${say}; sleep ${random.between(1, 3)}`,
	};
	const policy: Record<CommandKind, Partial<MessageForm>> = {
		...{ succeeds: {}, fails: {}, isCancelled: {} },
		reruns: { onInterrupt: 'rerun', attempts: 4 },
		retries: { attempts: 4, onInterrupt: 'rerun', backoff: { kind: 'fixed', initial: '100ms' } },
		isLate: { deliverWithin: '2s' },
	};
	return {
		...{ toNode: ship.name, kind: 'command', method: 'shellCommand', id, ...clocks[pace] },
		lane: random.chance(0.2) ? 'urgent' : 'normal',
		data: ship.effects.shell(`${id} $STEWARD_ATTEMPT`, body[kind]),
		...policy[kind],
	};
}

/** Says so when another run of the same command still lives: the system holds the lock for whoever does. */
function alone({ effects }: Ship, id: string): string {
	return `exec 9> ${effects.path}-${id}; flock -n 9 || echo ${togetherWord(id)} >> ${effects.path}`;
}

/** The word of a command that ran beside itself. */
export function togetherWord(id: string): string {
	return `together:${id}`;
}

/** A ship's disk that takes nothing. */
const badDisk: readonly unknown[] = ['ENOSPC', 'EROFS'];
/** What may have gone wrong on the way; anything else is a fault of the product, or of the test. */
const passing = ['no-broker', 'ambiguous', 'refused', 'not-found', 'storage', 'no-topology'] as const;

/** As often as it takes, within bounds: the same id again is the same command. */
async function acknowledged(send: () => Promise<unknown>, signal: AbortSignal): Promise<boolean> {
	for (let attempt = 1; attempt <= 20; attempt++) {
		try {
			await send();
			return true;
		} catch (error) {
			const isPassing =
				passing.some((code) => isStewardError(error, code)) || badDisk.includes(systemCodeOf(error));
			if (!isPassing) throw error;
			if (signal.aborted && attempt > 3) return false;
			await pause(250);
		}
	}
	return false;
}

type Way = 'operator' | 'socket' | 'file';

/** From an operator, or from another ship: through its node's socket, or its inmsg.txt. */
function handOver(world: World, form: MessageForm, way: Way, from: Ship): Promise<unknown> {
	if (way === 'operator') return world.fleet.send(form);
	// A try that failed may have left a part of a line behind: what comes next begins a line of its own.
	if (way === 'file') return appendFile(join(from.dataDir, 'inmsg.txt'), `\n${JSON.stringify(form)}\n`);
	const path = socketPathFor(from.dataDir, from.dataDir);
	return sendViaSocket(path, form, { timeoutMs: 5000, clock: systemClock });
}

/** One command, or one event, to a ship of chance. */
export async function sendOne(
	world: World,
	sent: Sent,
	n: number,
	random: Random,
	signal: AbortSignal,
	kinds?: readonly CommandKind[],
): Promise<void> {
	const ship = random.pick(world.ships);
	const from = random.pick(world.ships);
	const way = random.pick<Way>(['operator', 'operator', 'operator', 'socket', 'file']);
	const isEvent = kinds === undefined && random.chance(0.15);
	const [id, text] = [isEvent ? `e${n}` : `c${n}`, `event ${n}`];
	const kind = kinds ? random.pick(kinds) : random.weighted(weights);
	const form: MessageForm = isEvent
		? { toNode: ship.name, kind: 'event', method: 'textLogging', data: [text], id }
		: formOf(ship, id, kind, world.pace, random);
	const at = Date.now();
	if (!(await acknowledged(() => handOver(world, form, way, from), signal))) {
		sent.unacknowledged += 1;
		return;
	}
	const accepted: Acceptance = { by: way === 'operator' ? 'broker' : from, at };
	// Sent again after a lost answer, an event is another one: what is counted is that there is no fewer.
	if (isEvent) return void sent.events.push({ ship, text, accepted });
	const handle = `${ship.name}.${id}`;
	const mostStarts = kind === 'reruns' || kind === 'retries' ? 4 : 1;
	sent.commands.push({ handle, ship, id, kind, mostStarts, accepted });
	if (kind === 'isCancelled') void cancelLater(world, sent, handle, random.between(0, 2500));
}

async function cancelLater(world: World, sent: Sent, handle: string, afterMs: number): Promise<void> {
	await pause(afterMs);
	try {
		const [told] = await world.fleet.cancel([handle], { timeoutMs: 5000, reason: 'chaos' });
		if (told && told.answer !== 'asked') sent.cancels.set(handle, told.answer);
	} catch {
		// Nobody answered: then nothing was promised.
	}
}
