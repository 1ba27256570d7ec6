/**
 * Owns gathering the facts behind `why`: the command's own records, its node's last words, its place in the queue.
 * Promises direct reads only, so that an answer comes without a centre; what only a centre knows is called unknown then.
 * Reads only.
 */

import { cancelId, controls } from '../domain/control.ts';
import type { Handle } from '../domain/names.ts';
import { hasEnded } from '../domain/state.ts';
import { type CommandView, nodeView, type WhyView } from '../domain/view.ts';
import { explain, type WhyFacts } from '../domain/why.ts';
import { parseEnvelope } from '../jetstream/stored-command.ts';
import { lookUp, lookUpKnown } from './lookup.ts';
import type { FleetParts } from './parts.ts';

/** @throws StewardError `not-found`, `no-broker` */
export async function whyCommand(parts: FleetParts, handle: Handle): Promise<WhyView> {
	const command = await lookUpKnown(parts, handle);
	const [record, presences, place, cancelAsked] = await Promise.all([
		parts.nodes.read(handle.node),
		parts.nodes.presenceOf([handle.node]),
		placeOf(parts, handle),
		cancelAskedFor(parts, command),
	]);
	const presence = presences.get(handle.node) ?? { status: 'unknown', since: null };
	const node = record && nodeView(handle.node, record.record, presence, null);
	return explain({ command, node, presence, place, cancelAsked, now: parts.serverNow() });
}

async function placeOf(parts: FleetParts, { node, id }: Handle): Promise<WhyFacts['place']> {
	const stored = await parts.commands.find(node, id);
	const place = stored && (await parts.commands.placeOf(stored));
	if (!place) return null;
	const { position, of, first } = place;
	return { position, of, first: first && first.id !== id ? `${node}.${first.id}` : null };
}

/** The wish, while it waits for the node or has just been taken. */
async function cancelAskedFor(parts: FleetParts, command: CommandView): Promise<WhyFacts['cancelAsked']> {
	if (hasEnded(command)) return null;
	const asked = { node: command.node, id: cancelId(command) };
	const waiting = await parts.commands.find(asked.node, asked.id);
	const end = waiting ? undefined : await parts.ledger.readEnd(asked);
	const envelope = waiting
		? parseEnvelope(await parts.commands.body({ ...waiting, seq: waiting.facts.seq }))
		: end?.envelope;
	const wish = controls.cancel.safeParse(envelope?.data);
	const view = wish.success ? await lookUp(parts, asked) : undefined;
	if (!wish.success || !view?.queuedAt) return null;
	const isTaken = hasEnded(view);
	return { by: wish.data.by, reason: wish.data.reason, at: view.queuedAt, isTaken };
}
