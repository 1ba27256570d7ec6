/**
 * Owns calling commands off: a claim that closes what was not started, a word to the node for what was.
 * Promises three honest answers (before it started, while it ran, too late), and "asked" where the node has not answered yet.
 * If we die in between, a claim that was written holds, and a word that was queued goes on to its node.
 */

import { isStewardError } from '../base/errors.ts';
import { authorSchema, cancelId } from '../domain/control.ts';
import { formatHandle, type Handle } from '../domain/names.ts';
import { hasEnded } from '../domain/state.ts';
import type { Cancellation, CommandView } from '../domain/view.ts';
import { ledgerAgeMs } from '../domain/wire.ts';
import { publishFailure } from '../jetstream/publish-answer.ts';
import { closeCommand } from './close.ts';
import { checkWish, sendControl } from './control.ts';
import { lookUp, lookUpKnown } from './lookup.ts';
import type { FleetParts } from './parts.ts';
import { waitFor } from './wait.ts';

export type CancelOptions = {
	/** Told to whoever asks later why it was cancelled, 1,000 characters at the most. */
	reason?: string | undefined;
	/** How long a node that runs it may take to answer, milliseconds, 15,000 by default. */
	timeoutMs?: number | undefined;
};

const usualReason = 'cancelled by an operator';
const usualTimeoutMs = 15_000;
/** A command moves at most onto its lane, to a claim and to the ledger while it is looked at. */
const looks = 4;

/** @throws StewardError `invalid`, `not-found`, `no-broker`, `ambiguous`, `refused` */
export async function cancelCommand(
	parts: FleetParts,
	handle: Handle,
	options: CancelOptions = {},
): Promise<Cancellation> {
	const reason = options.reason ?? usualReason;
	// What its node would refuse is refused before it is claimed.
	checkWish('cancel', authorSchema, { by: parts.author, reason });
	let view = await lookUpKnown(parts, handle);
	for (let look = 1; isUnclaimed(view) && look <= looks; look++) {
		await close(parts, handle, reason);
		// What the claim turned out to be, and what the ledger says by now: that counts.
		view = await lookUpKnown(parts, handle);
	}
	if (answerOf(view) === 'asked')
		view = await abort(parts, view, reason, options.timeoutMs ?? usualTimeoutMs);
	return { answer: answerOf(view), command: view };
}

function isUnclaimed({ state }: CommandView): boolean {
	return state === 'scheduled' || state === 'queued';
}

function answerOf(view: CommandView): Cancellation['answer'] {
	if (!hasEnded(view)) return 'asked';
	if (view.state !== 'cancelled') return 'tooLate';
	return view.startedAt === null ? 'beforeStart' : 'whileRunning';
}

/** Claims it closed, if nobody has claimed it. */
async function close(parts: FleetParts, handle: Handle, reason: string): Promise<void> {
	const command = await parts.commands.find(handle.node, handle.id);
	if (!command) return;
	const { claims, commands, serverNow, author: actor } = parts;
	const closing = { claims, serverNow, readMessage: commands.body.bind(commands) };
	try {
		await closeCommand(closing, command, { event: 'cancelled', reason, actor });
	} catch (error) {
		throw closeError(handle, error);
	}
}

/** What a claim without an answer means to whoever cancels: asking again is safe, whatever became of it. */
function closeError(handle: Handle, error: unknown): unknown {
	const text = formatHandle(handle);
	return publishFailure(error, {
		ambiguous: `no answer from the broker: ${text} may be cancelled or not; ask again: that is safe`,
		unavailable: `the broker takes no claims at the moment, and ${text} is not cancelled: is it restarting? ask again`,
		refused: `${text} is not cancelled`,
		details: { handle: text },
	});
}

/** Asks the node to end it, and waits for what comes of that. */
async function abort(
	parts: FleetParts,
	view: CommandView,
	reason: string,
	timeoutMs: number,
): Promise<CommandView> {
	const queuedAt = Date.parse(view.queuedAt ?? '');
	const ask = (id?: string) =>
		sendControl(
			parts,
			view.node,
			'cancel',
			{ id: view.id, queuedAt, reason },
			{ ...(id && { id }), deliverWithinMs: ledgerAgeMs },
		);
	const asked = await askOnce(ask, cancelId(view));
	if (asked.duplicate) {
		const earlier = await lookUp(parts, { node: view.node, id: asked.id });
		// Its answer was lost with the store of the node, or the command was started anew.
		if (earlier && hasEnded(earlier)) await ask();
	}
	try {
		const [ended] = await waitFor(parts, [view], { timeoutMs });
		if (ended) return ended;
	} catch (error) {
		if (!isStewardError(error, 'waited-too-long')) throw error;
	}
	return lookUpKnown(parts, view);
}

/** Another who asked before, perhaps for another reason, has asked the same. */
async function askOnce(
	ask: (id: string) => Promise<{ readonly id: string; readonly duplicate: boolean }>,
	id: string,
): Promise<{ readonly id: string; readonly duplicate: boolean }> {
	try {
		return await ask(id);
	} catch (error) {
		if (!isStewardError(error, 'id-conflict')) throw error;
		return { id, duplicate: true };
	}
}
