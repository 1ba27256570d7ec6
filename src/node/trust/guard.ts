/**
 * Owns the one place where a node decides whether a command may be started at all: is it signed by somebody who is trusted, is it what
 * was signed, for this node, now, and for the first time; and then whether the issuer may do that.
 * Promises that a node with a trust list starts nothing else, whatever way it came; without one, all that comes. What the node fires
 * by itself is not asked: the command that brought its schedule was. What carries signed documents is let through. Reads only: a crash changes no answer.
 */

import { rfc3339 } from '../../base/clock.ts';
import { carriesDocuments } from '../../domain/control.ts';
import { type Envelope, envelopeDigest } from '../../domain/envelope.ts';
import { operatorSender } from '../../domain/names.ts';
import type { FaultRecord } from '../../domain/result.ts';
import { type TrustedKey, type TrustList, trustedKey } from '../../domain/trust.ts';
import { type CommandFacts, isLocal } from '../../domain/wire.ts';
import { type SignedEnvelope, signedContent } from '../../security/signature.ts';
import type { Spends, Spent } from './spent.ts';

/** `issuer`: whose signature it has, `spends`: what its start uses up; nobody and nothing where the node trusts whoever comes. */
type Allowed = { readonly allowed: true; readonly issuer?: TrustedKey; readonly spends?: Spends };
type Refused = { readonly allowed: false; readonly fault: FaultRecord };

/**
 * @param now Server time.
 * @param began The journal knows of an earlier start: it is no replay, and too late for a first start says nothing.
 */
export type Guard = (
	envelope: Envelope,
	facts: CommandFacts,
	now: number,
	began?: boolean,
) => Promise<Allowed | Refused>;

export type GuardOptions = {
	readonly node: string;
	/** Undefined on a node that trusts whoever reaches it. */
	readonly trust: () => TrustList | undefined;
	/** What the issuer may do; undefined for whatever it is. Without a trust list there is no issuer. */
	readonly access?: ((issuer: TrustedKey | undefined, envelope: Envelope) => Refused | undefined) | undefined;
	readonly spent: Pick<Spent, 'has' | 'floor'>;
};

/** The signer's clock is a reading of the broker's, as the node's is. */
const aheadMs = 300_000;

export function makeGuard(options: GuardOptions): Guard {
	return async (envelope, facts, now, began = false) => {
		// A document is vouched for by those who signed it; whoever brings it may not be known here yet.
		if (isLocal(facts) || carriesDocuments(envelope)) return { allowed: true };
		const list = options.trust();
		const trusted: Allowed | Refused = list
			? judge(options, list, { envelope, facts, now, began })
			: { allowed: true };
		if (!trusted.allowed) return trusted;
		return options.access?.(trusted.issuer, envelope) ?? trusted;
	};
}

type Case = {
	readonly envelope: Envelope;
	readonly facts: CommandFacts;
	readonly now: number;
	readonly began: boolean;
};

/** Reasons in the order of what they say about the sender: who it is first, what it did after. */
function judge(
	options: GuardOptions,
	list: TrustList,
	{ envelope, facts, now, began }: Case,
): Allowed | Refused {
	if (!isSigned(envelope)) return untrusted('it is not signed, and this node runs only what is');
	const { key, at, until } = envelope.signed;
	const issuer = trustedKey(list, key, now);
	if (!issuer) return untrusted(whyNoIssuer(list, key));
	const mark = signedContent(envelope);
	if (mark === undefined) return untrusted(`it is not what ${issuer.name} signed: it was altered on its way`);
	const { node, sender } = envelope;
	if (node !== options.node)
		return untrusted(`${issuer.name} signed it for ${node}, not for ${options.node}`);
	if (!speaksFor(issuer, sender)) {
		return untrusted(`${issuer.name} is a ${issuer.role}, and cannot command as ${sender}`);
	}
	if (!saysTheSame(envelope, facts)) {
		return untrusted(`its headers are not of what ${issuer.name} signed: they were altered on its way`);
	}
	const begins = Math.max(at, envelope.notBefore ?? 0);
	if (begins > now + aheadMs)
		return untrusted(`${issuer.name} signed it for ${rfc3339(begins)}, and that is to come`);
	if (began) return { allowed: true, issuer };
	if (options.spent.has(mark)) return untrusted('it was started here before: this is a replay');
	if (until < now) return untrusted(`it could be started until ${rfc3339(until)}: its signature has expired`);
	if (until <= options.spent.floor) {
		return untrusted(
			`it could be started until ${rfc3339(until)}, and what was started here until then is forgotten`,
		);
	}
	return { allowed: true, issuer, spends: { mark, until } };
}

function isSigned(envelope: Envelope): envelope is SignedEnvelope {
	return envelope.signed !== undefined;
}

function whyNoIssuer({ keys }: TrustList, key: string): string {
	const known = keys.find((one) => one.key === key);
	return known
		? `the key ${key} of ${known.name} does not count at this time`
		: `the key ${key} that signed it is not in this node's trust list`;
}

/** The centre vouches for whom it takes commands from; all others speak for themselves, and who reads does not. */
function speaksFor({ role, name }: TrustedKey, sender: string): boolean {
	if (role === 'centre') return true;
	if (role === 'node') return sender === name;
	return role === 'operator' && sender === operatorSender;
}

/** Headers are not signed, and journal, claim and ledger go by them. */
function saysTheSame(envelope: Envelope, facts: CommandFacts): boolean {
	const { sender, deliverWithinMs, runForMs, patienceMs, notBefore, lineage, schedule } = envelope;
	return (
		facts.digest === envelopeDigest(envelope) &&
		facts.sender === sender &&
		facts.deliverWithinMs === deliverWithinMs &&
		facts.runForMs === runForMs &&
		facts.patienceMs === patienceMs &&
		facts.notBefore === notBefore &&
		facts.lineage?.kind === lineage?.kind &&
		facts.lineage?.of === lineage?.of &&
		facts.schedule?.name === schedule?.name &&
		facts.schedule?.tick === schedule?.tick &&
		facts.schedule?.version === schedule?.version
	);
}

function untrusted(message: string): Refused {
	return { allowed: false, fault: { code: 'untrusted', message } };
}
