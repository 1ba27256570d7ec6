/**
 * Owns the enqueue of a command: one durable write, deduplicated by its id wherever the command is by now.
 * Promises an answer that is certain (queued, duplicate, idConflict, refused) or an error that says it is not.
 * A crash before the answer leaves the command queued or not; the same id asked again gives the answer.
 */

import { rfc3339 } from '../base/clock.ts';
import { isStewardError, StewardError } from '../base/errors.ts';
import { randomToken } from '../base/ids.ts';
import { isLater } from '../domain/delay.ts';
import { type Envelope, envelopeDigest } from '../domain/envelope.ts';
import { formatHandle } from '../domain/names.ts';
import type { CommandFacts } from '../domain/wire.ts';
import type { Claims } from '../jetstream/claims.ts';
import type { Commands } from '../jetstream/commands.ts';
import type { LedgerStore } from '../jetstream/ledger-store.ts';
import { publishFailure } from '../jetstream/publish-answer.ts';
import { isWrongSequence, PublishError } from '../jetstream/publisher.ts';

export type Enqueued = {
	readonly duplicate: boolean;
	/** Sequence on the commands stream; of the earlier one where it is a duplicate. */
	readonly seq: number;
	/** Server time of the earlier one where it is a duplicate, else undefined: the PubAck does not say. */
	readonly queuedAt?: number | undefined;
	/** It waits for its time, and is not queued before. */
	readonly scheduled?: boolean;
};

type Parts = {
	commands: Commands;
	claims: Claims;
	ledger: LedgerStore;
	/** The broker's clock, milliseconds since the epoch. */
	serverNow: () => number;
	/** Throws `denied` for what its node would not run. */
	access?: { check(envelope: Envelope): Promise<void> } | undefined;
};

/** How often a publish without an answer is asked after and tried again. */
const tries = 3;

/**
 * @param chosen Whether the caller chose the id: then it may have been used before, also by a command that is settled.
 * @throws StewardError `id-conflict`, `denied`, `refused`, `no-broker`, or `ambiguous` when no answer could be had.
 */
export async function enqueue(parts: Parts, envelope: Envelope, chosen: boolean): Promise<Enqueued> {
	const digest = envelopeDigest(envelope);
	if (chosen) {
		const earlier = await findEarlier(parts, envelope);
		if (earlier) return duplicateOf(envelope, digest, earlier);
	}
	if (parts.access) await parts.access.check(envelope);
	// An id that was made for this one is nobody else's.
	const nonce = chosen ? randomToken() : '';
	let doubt: PublishError | undefined;
	for (let attempt = 1; ; attempt++) {
		try {
			const scheduled = envelope.notBefore !== undefined && envelope.notBefore > parts.serverNow();
			const { seq } = await parts.commands.enqueue(envelope, digest, nonce, scheduled);
			const queued = { duplicate: false, seq, scheduled };
			return chosen ? await undoIfSettled(parts, envelope, digest, queued) : queued;
		} catch (thrown) {
			if (thrown instanceof StewardError) throw thrown;
			if (thrown instanceof PublishError && thrown.kind === 'ambiguous') doubt = thrown;
			// One that could not be asked now says nothing of the one before, which may have come.
			const isUnavailable = thrown instanceof PublishError && thrown.kind === 'unavailable';
			const error = isUnavailable ? (doubt ?? thrown) : thrown;
			const answer = await afterRefusal(parts, envelope, digest, nonce, error);
			if (answer) return answer;
			if (attempt === tries) throw enqueueError(envelope, error);
		}
	}
}

/** What a taken id, or a lost answer, turns out to mean; undefined where it has to be tried again. */
async function afterRefusal(
	parts: Parts,
	envelope: Envelope,
	digest: string,
	nonce: string,
	error: unknown,
): Promise<Enqueued | undefined> {
	const isAmbiguous = error instanceof PublishError && error.kind === 'ambiguous';
	if (!isWrongSequence(error) && !isAmbiguous) throw enqueueError(envelope, error);
	try {
		// By the word of the leader, which has refused: a replica that lags knows neither the other nor this one.
		const waiting = await parts.commands.findForCertain(envelope.node, envelope.id);
		if (waiting?.nonce === nonce) {
			const { seq, queuedAt } = waiting.facts;
			return { duplicate: false, seq, queuedAt, scheduled: isLater(waiting.facts) };
		}
		// Not on the stream: it was settled in the meantime, if it ever was there.
		const earlier = waiting?.facts ?? (await findEarlier(parts, envelope));
		return earlier && duplicateOf(envelope, digest, earlier);
	} catch (failure) {
		// The broker cannot be asked just now: to be tried again.
		if (isStewardError(failure, 'no-broker')) return undefined;
		throw failure;
	}
}

/** The facts of a command with this id that was claimed or settled. */
async function findEarlier(parts: Parts, envelope: Envelope): Promise<CommandFacts | undefined> {
	const claim = await parts.claims.read(envelope);
	if (claim) return claim.facts;
	const record = await parts.ledger.read(envelope);
	if (!record) return undefined;
	const { method, lane, sender, digest, seq, queuedAt, deadlineAt, accepted } = record.entry;
	const deliverWithinMs = deadlineAt === null ? null : deadlineAt - queuedAt;
	const facts = { method, lane, sender, digest, seq, queuedAt, deliverWithinMs };
	return accepted ? { ...facts, accepted } : facts;
}

/** A command with this id may have been settled and removed between the first look and the PubAck: then ours goes. */
async function undoIfSettled(
	parts: Parts,
	envelope: Envelope,
	digest: string,
	queued: Enqueued,
): Promise<Enqueued> {
	const { seq } = queued;
	let earlier: CommandFacts | undefined;
	try {
		earlier = await findEarlier(parts, envelope);
		// Its time may have come, and its node have started it, before we looked.
		if (!earlier || earlier.seq === seq || earlier.accepted?.seq === seq) return queued;
		await parts.commands.remove(envelope.node, seq);
	} catch (error) {
		const handle = formatHandle(envelope);
		throw new StewardError('ambiguous', ambiguousText(envelope), { cause: error, details: { handle } });
	}
	return duplicateOf(envelope, digest, earlier);
}

function duplicateOf(envelope: Envelope, digest: string, earlier: CommandFacts): Enqueued {
	if (earlier.digest === digest) return { duplicate: true, seq: earlier.seq, queuedAt: earlier.queuedAt };
	const handle = formatHandle(envelope);
	throw new StewardError(
		'id-conflict',
		`idConflict: ${handle} exists with other content (method ${earlier.method}, lane ${earlier.lane}): ` +
			`choose another id, or see it with steward show ${handle}`,
		{ details: { handle, existing: { method: earlier.method, lane: earlier.lane } } },
	);
}

function ambiguousText(envelope: Envelope): string {
	const handle = formatHandle(envelope);
	const { id, notBefore } = envelope;
	// A wait counts anew, and would make it another command.
	const time = notBefore === undefined ? '' : ` --at ${rfc3339(notBefore)}`;
	return `no answer from the broker: ${handle} may be queued or not; steward show ${handle} tells, and sending it again with --id ${id}${time} is safe`;
}

function enqueueError(envelope: Envelope, error: unknown): unknown {
	const handle = formatHandle(envelope);
	return publishFailure(error, {
		ambiguous: ambiguousText(envelope),
		unavailable: 'the broker takes no commands at the moment: is it restarting? try again',
		refused: `${handle} cannot be queued`,
		details: { handle },
	});
}
