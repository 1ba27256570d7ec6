/**
 * Owns what is asked of the world while it breaks: commands of several kinds, cancels, and events.
 * Promises to remember exactly what was acknowledged; what was not is sent again under its own id, or given up and counted.
 * Each command writes down by itself that it started, so that nobody's word is needed for that.
 */

import { isStewardError } from '../../src/base/errors.ts';
import type { MessageForm } from '../../src/domain/message.ts';
import type { Random } from './random.ts';
import type { Ship, World } from './world.ts';

type CommandKind = 'succeeds' | 'fails' | 'reruns' | 'retries' | 'isLate' | 'isCancelled';

export type SentCommand = {
	readonly handle: string;
	readonly ship: Ship;
	readonly id: string;
	readonly kind: CommandKind;
	/** Starts that its policy allows. */
	readonly mostStarts: number;
};
type SentEvent = { readonly ship: Ship; readonly text: string };

export type Sent = {
	/** Acknowledged by the broker. */
	readonly commands: SentCommand[];
	readonly events: SentEvent[];
	/** Nobody said whether they were taken. */
	unacknowledged: number;
	/** Answers to cancels that are certain, by handle. */
	readonly cancels: Map<string, 'beforeStart' | 'whileRunning' | 'tooLate'>;
};

export function nothingSent(): Sent {
	return { commands: [], events: [], unacknowledged: 0, cancels: new Map() };
}

const weights: readonly (readonly [CommandKind, number])[] = [
	['succeeds', 45],
	['fails', 10],
	['reruns', 20],
	['retries', 10],
	['isLate', 5],
	['isCancelled', 10],
];

function drawKind(random: Random): CommandKind {
	let rest = random.between(1, 100);
	for (const [kind, weight] of weights) {
		rest -= weight;
		if (rest <= 0) return kind;
	}
	return 'succeeds';
}

/** What a command prints: its result is compared with it. */
export function outputOf(id: string): string {
	return `out ${id}\n`;
}

function formOf(ship: Ship, id: string, kind: CommandKind, random: Random): MessageForm {
	const takes = (random.between(0, 30) / 100).toFixed(2);
	const say = `sleep ${takes}; echo out ${id}`;
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
		...{ toNode: ship.name, kind: 'command', method: 'shellCommand', id, runFor: '60s' },
		lane: random.chance(0.2) ? 'urgent' : 'normal',
		data: ship.effects.shell(`${id} $STEWARD_ATTEMPT`, body[kind]),
		...policy[kind],
	};
}

/** As often as it takes, within bounds: the same id again is the same command. */
async function acknowledged(send: () => Promise<unknown>, signal: AbortSignal): Promise<boolean> {
	for (let attempt = 1; attempt <= 20; attempt++) {
		try {
			await send();
			return true;
		} catch (error) {
			if (!isStewardError(error, 'no-broker') && !isStewardError(error, 'ambiguous')) throw error;
			if (signal.aborted && attempt > 3) return false;
			await new Promise((resolve) => setTimeout(resolve, 250));
		}
	}
	return false;
}

/** One command, or one event, to a ship of chance. */
export async function sendOne(
	world: World,
	sent: Sent,
	n: number,
	random: Random,
	signal: AbortSignal,
): Promise<void> {
	const ship = random.pick(world.ships);
	const id = `c${n}`;
	if (random.chance(0.15)) {
		const text = `event ${n}`;
		const form: MessageForm = {
			toNode: ship.name,
			kind: 'event',
			method: 'textLogging',
			data: [text],
			id: `e${n}`,
		};
		// Sent again after a lost answer, it is another event: what is counted is that there is no fewer.
		if (await acknowledged(() => world.fleet.send(form), signal)) sent.events.push({ ship, text });
		else sent.unacknowledged += 1;
		return;
	}
	const kind = drawKind(random);
	const form = formOf(ship, id, kind, random);
	if (!(await acknowledged(() => world.fleet.send(form), signal))) {
		sent.unacknowledged += 1;
		return;
	}
	const handle = `${ship.name}.${id}`;
	const mostStarts = kind === 'reruns' || kind === 'retries' ? 4 : 1;
	sent.commands.push({ handle, ship, id, kind, mostStarts });
	if (kind === 'isCancelled') void cancelLater(world, sent, handle, random.between(0, 2500));
}

async function cancelLater(world: World, sent: Sent, handle: string, afterMs: number): Promise<void> {
	await new Promise((resolve) => setTimeout(resolve, afterMs));
	try {
		const [told] = await world.fleet.cancel([handle], { timeoutMs: 5000, reason: 'chaos' });
		if (told && told.answer !== 'asked') sent.cancels.set(handle, told.answer);
	} catch {
		// Nobody answered: then nothing was promised.
	}
}
