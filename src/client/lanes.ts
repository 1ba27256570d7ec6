/**
 * Owns asking nodes to hold back and to go on: lanes paused and resumed, a node drained, a method stopped.
 * Promises that each wish waits for an absent node and takes effect before other commands start there, and that its receipt
 * says what the node answered, if it was waited for. A crash before the answer leaves it asked or not; asking again does no harm.
 */

import { isStewardError } from '../base/errors.ts';
import { type Control, type ControlName, controls, type PausableLane } from '../domain/control.ts';
import { isNodeName, nodeNameRule } from '../domain/names.ts';
import type { Receipt } from '../domain/view.ts';
import { checkWish, controlEnvelope } from './control.ts';
import { type IdleOptions, waitIdle } from './idle.ts';
import { lookUp } from './lookup.ts';
import type { FleetParts } from './parts.ts';
import { sendEnvelope } from './send.ts';
import { waitFor } from './wait.ts';

type WishOptions = {
	/** Told to whoever wonders later, 1,000 characters at the most. */
	reason?: string | undefined;
	/**
	 * How long to wait for the node's answer, milliseconds; not at all if left out. The receipt then has the fields of the
	 * command by then: `succeeded`, `failed` with the reason in `fault`, or `queued` where no answer came in time.
	 */
	waitMs?: number;
};
export type PauseOptions = WishOptions & {
	/** `urgent`, `normal` and `bulk` if left out: events go on. */
	lanes?: readonly PausableLane[] | undefined;
};
export type ResumeOptions = WishOptions & {
	lanes?: readonly PausableLane[] | undefined;
	method?: string | undefined;
};
export type StopOptions = WishOptions & { method: string };
export type DrainOptions = WishOptions & {
	/** A drain that arrives later is not done any more, milliseconds, ten minutes by default. */
	deliverWithinMs?: number;
	/** Also wait until nothing runs there, however long the answer takes. See {@link waitIdle}. */
	untilIdle?: IdleOptions;
};

const usualLanes: readonly PausableLane[] = ['urgent', 'normal', 'bulk'];
const drainWithinMs = 600_000;

/** @throws StewardError `invalid`, as Fleet.send */
export function pauseLanes(
	parts: FleetParts,
	node: string,
	{ lanes = usualLanes, ...options }: PauseOptions,
): Promise<Receipt> {
	return ask(parts, node, 'pause', { lanes: [...lanes] }, null, options);
}

/** @throws StewardError `invalid`, as Fleet.send */
export function resumeNode(
	parts: FleetParts,
	node: string,
	{ lanes, method, ...options }: ResumeOptions,
): Promise<Receipt> {
	const wish = { ...(lanes && { lanes: [...lanes] }), ...(method !== undefined && { method }) };
	return ask(parts, node, 'resume', wish, null, options);
}

/** @throws StewardError `invalid`, as Fleet.send */
export function stopMethod(
	parts: FleetParts,
	node: string,
	{ method, ...options }: StopOptions,
): Promise<Receipt> {
	return ask(parts, node, 'stop', { method }, null, options);
}

/** @throws StewardError `invalid`, as Fleet.send; as {@link waitIdle} */
export async function drainNode(
	parts: FleetParts,
	node: string,
	{ deliverWithinMs = drainWithinMs, untilIdle, ...options }: DrainOptions,
): Promise<Receipt> {
	if (!untilIdle) return ask(parts, node, 'drain', {}, deliverWithinMs, options);
	const startedAt = parts.clock.monotonic();
	const timeoutMs = untilIdle.timeoutMs ?? Number.POSITIVE_INFINITY;
	const wait = Number.isFinite(timeoutMs) ? timeoutMs : undefined;
	const receipt = await ask(parts, node, 'drain', {}, deliverWithinMs, { ...options, waitMs: undefined });
	const [view] = await waitFor(parts, [receipt], { timeoutMs: wait });
	const answered = { ...receipt, ...view };
	if (answered.state !== 'succeeded') return answered;
	const left = timeoutMs - (parts.clock.monotonic() - startedAt);
	await waitIdle(parts, node, { ...untilIdle, ...(Number.isFinite(left) && { timeoutMs: left }) });
	return answered;
}

type Data<Name extends ControlName> = Omit<Control<Name>, 'by' | 'reason'>;

async function ask<Name extends ControlName>(
	parts: FleetParts,
	node: string,
	name: Name,
	wish: Data<Name>,
	deliverWithinMs: number | null,
	{ reason = '', waitMs }: { reason?: string | undefined; waitMs?: number | undefined },
): Promise<Receipt> {
	const data = { ...wish, reason } as unknown as Omit<Control<Name>, 'by'>;
	const envelope = controlEnvelope(parts, node, name, data, { deliverWithinMs });
	checkWish(
		name,
		controls[name],
		envelope.data,
		isNodeName(node) ? [] : [`node: expected ${nodeNameRule}, got "${node}"`],
	);
	const receipt = await sendEnvelope(parts, envelope);
	return waitMs === undefined ? receipt : answered(parts, receipt, waitMs);
}

async function answered(parts: FleetParts, receipt: Receipt, waitMs: number): Promise<Receipt> {
	try {
		const [view] = await waitFor(parts, [receipt], { timeoutMs: waitMs });
		return { ...receipt, ...view };
	} catch (error) {
		if (!isStewardError(error, 'waited-too-long')) throw error;
		return { ...receipt, ...(await lookUp(parts, receipt)) };
	}
}
