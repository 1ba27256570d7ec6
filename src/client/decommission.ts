/**
 * Owns taking nodes out of service, and back.
 * Promises that nothing more is sent to such a node from the moment on at which it is acknowledged, and that a centre gives all that
 * waits or runs there its end. What was asked before we die stays asked; asking again does no harm.
 */

import { StewardError } from '../base/errors.ts';
import { authorSchema } from '../domain/control.ts';
import { isNodeName, nodeNameRule } from '../domain/names.ts';
import { checkWish } from './control.ts';
import type { FleetParts } from './parts.ts';

export type DecommissionOptions = {
	/** Told to whoever wonders later, 1,000 characters at the most. */
	readonly reason?: string | undefined;
	/** Also a name of which nobody ever heard, and for which nothing waits: one that was enrolled and never came. */
	readonly force?: boolean | undefined;
	/** How long a centre may take to settle what is there, milliseconds, 15,000 by default. */
	readonly timeoutMs?: number | undefined;
};

/** `settled` false: no centre has given all of it its end yet; one will. */
export type Decommissioned = {
	readonly node: string;
	readonly settled: boolean;
	readonly cancelled: number;
	readonly lost: number;
};

const usualTimeoutMs = 15_000;
const lookEveryMs = 100;

/** @throws StewardError `invalid`, `not-found`, `no-broker`, `ambiguous` */
export async function decommission(
	parts: FleetParts,
	node: string,
	options: DecommissionOptions = {},
): Promise<Decommissioned> {
	checkName(node);
	const { author: by, clock, standings } = parts;
	const reason = options.reason ?? '';
	checkWish('cancel', authorSchema, { by, reason });
	if (!options.force) await assertKnown(parts, node);
	const at = await parts.readServerNow();
	const fresh = { by, reason, at, settledAt: null, cancelled: 0, lost: 0 };
	await standings.change(node, (standing) =>
		standing.decommissioned ? standing : { ...standing, decommissioned: fresh },
	);
	const deadline = clock.monotonic() + (options.timeoutMs ?? usualTimeoutMs);
	for (;;) {
		const { decommissioned } = await standings.read(node);
		const { settledAt = null, cancelled = 0, lost = 0 } = decommissioned ?? {};
		const settled = settledAt !== null;
		if (settled || !decommissioned || clock.monotonic() >= deadline)
			return { node, settled, cancelled, lost };
		await clock.sleep(lookEveryMs);
	}
}

/** A slip of the pen takes nobody out of service. */
async function assertKnown({ nodes, commands, events }: FleetParts, node: string): Promise<void> {
	const known = (await nodes.knownOf([node]))(node);
	if (known.record() || known.standing().decommissioned) return;
	if ((await commands.countOf(node)) > 0 || (await events.next(1, node))) return;
	throw new StewardError(
		'not-found',
		`nobody ever heard of a node ${node}, and nothing waits for it (steward nodes ls shows those that are known): --force takes the name out of service all the same`,
		{ details: { node } },
	);
}

/** Takes it back: false where it was in service. What was ended stays ended. @throws StewardError as {@link decommission} */
export async function recommission({ standings }: FleetParts, node: string): Promise<boolean> {
	checkName(node);
	let wasGone = false;
	await standings.change(node, (standing) => {
		wasGone = standing.decommissioned !== null;
		return wasGone ? { ...standing, decommissioned: null } : standing;
	});
	return wasGone;
}

function checkName(node: string): void {
	if (isNodeName(node)) return;
	throw new StewardError('invalid', `"${node}" is no node's name: expected ${nodeNameRule}`);
}
