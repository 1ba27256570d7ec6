/**
 * Owns running a schedule now, beside its ticks: what a tick sends, as commands of their own.
 * Promises that its words are filled in as for a tick of this moment, and that its history says who had it run.
 * A crash in the middle leaves some nodes sent to: with an id of one's own the same call again completes it.
 */

import { rfc3339 } from '../base/clock.ts';
import { isStewardError, StewardError } from '../base/errors.ts';
import { idPattern, idRule, isNodeName, nodeNameRule } from '../domain/names.ts';
import { parseSchedule, type Schedule } from '../domain/schedule.ts';
import { fillIn } from '../domain/template.ts';
import type { Receipt } from '../domain/view.ts';
import { Schedules } from '../jetstream/schedules.ts';
import type { FleetParts } from './parts.ts';
import { noteRun } from './schedule-changes.ts';
import { readKnown } from './schedule-reading.ts';
import { sendMessage } from './send.ts';

export type RunNowOptions = {
	/** Some of its nodes; all of them if left out. */
	nodes?: readonly string[] | undefined;
	/** An id of your own: run again with it, the commands are there once. */
	id?: string | undefined;
};

/** @throws StewardError as ScheduleBook.runNow */
export async function runSchedule(
	parts: FleetParts,
	name: string,
	{ nodes, id }: RunNowOptions,
): Promise<Receipt[]> {
	if (id !== undefined && !idPattern.test(id))
		throw new StewardError('invalid', `id: expected ${idRule}, got "${id}"`);
	const { value } = await readKnown(new Schedules(parts.connection), name);
	await parts.vouching?.assertVouched(value, 'running');
	const schedule = parseSchedule(value.form);
	const tick = rfc3339(parts.serverNow());
	const message = { ...schedule.message, target: targetOf(schedule, nodes), id };
	const sending = sendMessage(parts, message, (envelope) => ({
		...envelope,
		data: fillIn(envelope.data, { node: envelope.node, tick, schedule: name }),
		schedule: { name, tick: null, version: value.version },
	}));
	const receipts = await sending.catch((error: unknown) => noteSome(parts, name, error));
	const sent = receipts.map(({ handle }) => handle);
	if (sent.length > 0) await note(parts, name, `sent: ${sent.join(', ')}`, { sent });
	return receipts;
}

function targetOf({ name, target }: Schedule, nodes: readonly string[] | undefined): Schedule['target'] {
	if (nodes === undefined) return target;
	const strange = nodes.find((node) => !isNodeName(node));
	if (strange !== undefined)
		throw new StewardError('invalid', `nodes: expected ${nodeNameRule}, got "${strange}"`);
	const own = 'nodes' in target ? target.nodes : nodes;
	const others = nodes.filter((node) => !own.includes(node));
	if (others.length === 0 && nodes.length > 0) return { nodes: [...new Set(nodes)] };
	throw new StewardError(
		'usage',
		others.length > 0
			? `${others.join(', ')}: not among the nodes of the schedule ${name} (${own.join(', ')}): steward send sends to any`
			: 'nodes: expected at least one',
	);
}

/** Where some were sent and others not, it was run. @throws the same, or with what else went wrong */
async function noteSome(parts: FleetParts, name: string, error: unknown): Promise<never> {
	const sent = isStewardError(error) ? error.details.sent : undefined;
	if (isStewardError(error) && Array.isArray(sent) && sent.length > 0) {
		await note(parts, name, error.message, error.details);
	}
	throw error;
}

/** They are sent, whatever becomes of the history. */
async function note(
	parts: FleetParts,
	name: string,
	soFar: string,
	details: StewardError['details'],
): Promise<void> {
	try {
		await noteRun(parts, name);
	} catch (error) {
		if (!isStewardError(error)) throw error;
		throw new StewardError(
			error.code,
			`${soFar}; but it is not in the history of ${name}: ${error.message}`,
			{ cause: error, details: { ...error.details, ...details } },
		);
	}
}
