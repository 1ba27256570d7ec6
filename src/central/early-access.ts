/**
 * Owns telling at the centre that a message would be denied by its node, before it is queued.
 * Promises never to allow anything: nodes decide for themselves, and where it is not known what they allow the message goes on.
 * Keeps nothing.
 */

import type { StewardError } from '../base/errors.ts';
import { type Asker, askerOf, deniedError, eventAskerOf, methodInRules } from '../domain/access-decision.ts';
import type { Envelope } from '../domain/envelope.ts';
import type { CentreIndex } from './index.ts';

type Index = Pick<CentreIndex, 'documents' | 'nodes'>;

/** Of a command that this centre signs. */
export function denialOfCommand(index: Index, envelope: Envelope): StewardError | undefined {
	// Its own name is written in the trust list, and no rule is for one centre of several.
	const centre = { name: 'centre', role: 'centre' } as const;
	return denialOf(index, askerOf(centre, envelope), envelope);
}

export function denialOfEvent(
	index: Index,
	event: { node: string; sender: string; method: string; data: unknown },
): StewardError | undefined {
	return denialOf(index, eventAskerOf(event.sender), { ...event, lane: 'events' });
}

function denialOf(
	{ documents, nodes }: Index,
	asker: Asker,
	what: { readonly node: string; readonly method: string; readonly lane: string; readonly data: unknown },
): StewardError | undefined {
	const rules = documents.access();
	const state = nodes.get(what.node)?.state;
	// A node that takes no documents goes by none.
	if (!rules || state?.trust === null || (!state && rules.usesLabels)) return undefined;
	const { node, data } = what;
	const asked = { ...asker, method: methodInRules(what), node, labels: state?.labels ?? {}, data };
	const decision = rules.decide(asked);
	return decision.allowed ? undefined : deniedError(asked, decision);
}
