/**
 * Owns asking this node's access list: for commands behind the guard, for events by who may write to their subject.
 * Promises that the list counts as soon as it is in effect, whatever way a message came. A node that trusts whoever reaches it asks nobody.
 * Keeps nothing.
 */

import {
	type Asked,
	type Asker,
	askerOf,
	denialText,
	eventAskerOf,
	methodInRules,
} from '../../domain/access-decision.ts';
import type { FaultRecord } from '../../domain/result.ts';
import type { EventMessage } from '../../jetstream/events.ts';
import type { TrustDocuments } from './documents.ts';
import type { GuardOptions } from './guard.ts';

export type AccessCheckOptions = {
	readonly node: string;
	readonly labels: Readonly<Record<string, string>>;
	readonly documents: Pick<TrustDocuments, 'access'>;
};

type What = Pick<Asked, 'method' | 'data'> & { readonly lane: string };

export function accessCheck(options: AccessCheckOptions): NonNullable<GuardOptions['access']> {
	return (issuer, envelope) => {
		const fault = denialOf(options, askerOf(issuer, envelope), envelope);
		return fault && { allowed: false, fault };
	};
}

/** Why an event may not be handled here, if so. */
export function eventAccessCheck(options: AccessCheckOptions) {
	return ({ sender, method, data }: EventMessage) =>
		denialOf(options, eventAskerOf(sender), { method, data, lane: 'events' });
}

function denialOf(
	{ node, labels, documents }: AccessCheckOptions,
	asker: Asker,
	what: What,
): FaultRecord | undefined {
	const rules = documents.access();
	if (!rules) return undefined;
	const asked = { ...asker, method: methodInRules(what), node, labels, data: what.data };
	const decision = rules.decide(asked);
	return decision.allowed ? undefined : { code: 'denied', message: denialText(asked, decision) };
}
