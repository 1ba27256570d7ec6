/**
 * Owns what access lists decide: who is asking, whether they may, which rule says so, and why each rule before it does not fit.
 * Promises that the first rule that fits decides, that what none fits is denied, and that nobody counts as more than what is proved:
 * what the centre passes on counts as its sender's. Pure; a list is made ready once and asked many times.
 */

import { StewardError } from '../base/errors.ts';
import { counted } from '../base/text.ts';
import { type AccessList, type AccessRule, anyRest } from './access.ts';
import { argumentsOf, leavesOf, valueAt } from './access-data.ts';
import type { Envelope } from './envelope.ts';
import { anyGlobOf, type Glob } from './glob.ts';
import { centralNode, isNodeName, operatorSender } from './names.ts';
import { matchesLabels } from './node-state.ts';
import type { Role, TrustedKey } from './trust.ts';
import { isNestedTooDeep } from './validation.ts';

/** Who asks, as far as it is proved; `role` is null for what nobody vouches for (raw NATS clients). */
export type Asker = { readonly name: string; readonly role: Role | null };

export type Asked = Asker & {
	/** As rules write it: {@link controlMethod}, {@link eventMethod}, or the name itself. */
	readonly method: string;
	readonly node: string;
	readonly labels: Readonly<Record<string, string>>;
	readonly data: unknown;
};

/** `rule` counts from 1; undefined where none fits. */
export type AccessDecision = {
	readonly allowed: boolean;
	readonly rule: number | undefined;
	readonly note: string | undefined;
};
/** `mismatch` is undefined for the rule that decides. */
export type AccessStep = {
	readonly rule: number;
	readonly note: string | undefined;
	readonly mismatch: string | undefined;
};

/** What does not fit, in words that are made only where somebody asks. */
type Mismatch = () => string;
type Check = (asked: Asked) => Mismatch | undefined;

/**
 * Who asks for a command, by the key that signed it; undefined is this node itself, for a tick of its own schedule. The centre signs what
 * is its own (ticks, wishes on the control lane), and what nodes and raw clients had it pass on: that is theirs.
 */
export function askerOf(
	issuer: Pick<TrustedKey, 'name' | 'role'> | undefined,
	{ sender, lane, schedule }: Pick<Envelope, 'sender' | 'lane' | 'schedule'>,
): Asker {
	if (issuer && issuer.role !== 'centre') return { name: issuer.name, role: issuer.role };
	const isOwn = sender === centralNode && (lane === 'control' || schedule !== undefined);
	if (isOwn) return { name: issuer?.name ?? centralNode, role: 'centre' };
	return senderAsAsker(sender);
}

/** Who sent an event: the broker lets nobody write under another's name, and operators only as {@link operatorSender}. */
export function eventAskerOf(sender: string): Asker {
	return sender === operatorSender ? { name: sender, role: 'operator' } : senderAsAsker(sender);
}

/** Nobody vouches for more than the name. */
function senderAsAsker(sender: string): Asker {
	return { name: sender, role: isNodeName(sender) ? 'node' : null };
}

/** How rules name what is asked. */
export function methodInRules({ method, lane }: { readonly method: string; readonly lane: string }): string {
	if (lane === 'control') return `control/${method}`;
	return lane === 'events' ? `event/${method}` : method;
}

/** A list, ready to be asked. */
export class AccessRules {
	readonly #rules: readonly { readonly rule: AccessRule; readonly checks: readonly Check[] }[];

	/** Whether what it decides depends on labels. */
	readonly usesLabels: boolean;

	constructor({ rules }: AccessList) {
		this.usesLabels = rules.some(({ where }) => where !== undefined);
		this.#rules = rules.map((rule) => ({ rule, checks: checksOf(rule) }));
	}

	decide(asked: Asked): AccessDecision {
		const at = this.#rules.findIndex(({ checks }) => firstMismatch(checks, asked) === undefined);
		const found = this.#rules[at]?.rule;
		if (!found) return { allowed: false, rule: undefined, note: undefined };
		return { allowed: found.allow !== undefined, rule: at + 1, note: found.note };
	}

	/** The rules up to the one that decides, each with the first thing that does not fit. */
	explain(asked: Asked): readonly AccessStep[] {
		const steps: AccessStep[] = [];
		for (const [index, { rule, checks }] of this.#rules.entries()) {
			const mismatch = firstMismatch(checks, asked)?.();
			steps.push({ rule: index + 1, note: rule.note, mismatch });
			if (mismatch === undefined) break;
		}
		return steps;
	}
}

/** For whoever is refused. */
export function denialText(asked: Asked, { rule, note }: AccessDecision): string {
	const who = `${asked.name}${asked.role ? ` (${asked.role})` : ''}`;
	const why =
		rule === undefined
			? 'no rule of the access list allows it'
			: `rule ${rule} denies it${note ? `: ${note}` : ''}`;
	return `${who} may not call ${asked.method} on ${asked.node}: ${why} (steward access explain tells more)`;
}

/** As {@link denialText}, for whoever is told before it is sent. */
export function deniedError(asked: Asked, decision: AccessDecision): StewardError {
	const { rule = null, note = '' } = decision;
	const details = { node: asked.node, method: asked.method, issuer: asked.name, rule, note };
	return new StewardError('denied', denialText(asked, decision), { details });
}

function firstMismatch(checks: readonly Check[], asked: Asked): Mismatch | undefined {
	for (const check of checks) {
		const mismatch = check(asked);
		if (mismatch !== undefined) return mismatch;
	}
	return undefined;
}

function checksOf(rule: AccessRule): Check[] {
	const { allow, deny, issuer, role, sender, nodes, where, args, data } = rule;
	const methods = anyGlobOf(allow ?? deny ?? []);
	const checks: Check[] = [
		({ method }) => unless(methods(method), () => `method ${method} is not ${words(allow ?? deny ?? [])}`),
	];
	if (issuer !== undefined) {
		const fits = anyGlobOf(issuer);
		checks.push(({ name }) => unless(fits(name), () => `issuer ${name} is not ${words(issuer)}`));
	}
	if (role !== undefined) {
		const wanted = [role].flat();
		checks.push((asked) =>
			unless(
				wanted.some((one) => one === asked.role),
				() => `role ${asked.role ?? 'none'} is not ${words(role)}`,
			),
		);
	}
	if (sender !== undefined) {
		const fits = anyGlobOf(sender);
		checks.push(({ name, role: own }) =>
			own === 'node'
				? unless(fits(name), () => `sender ${name} is not ${words(sender)}`)
				: () => 'it was not sent by a node',
		);
	}
	if (nodes !== undefined) {
		const fits = anyGlobOf(nodes);
		checks.push(({ node }) => unless(fits(node), () => `node ${node} is not ${words(nodes)}`));
	}
	if (where !== undefined) {
		const wanted = Object.entries(where).map(([key, value]) => `${key}=${value}`);
		checks.push(({ node, labels }) =>
			unless(matchesLabels(where, labels), () => `node ${node} has not the labels ${wanted.join(', ')}`),
		);
	}
	if (data !== undefined) checks.push(dataCheck(data));
	if (args !== undefined) checks.push(argsCheck(args, allow === undefined ? undefined : (data ?? {})));
	return checks;
}

function unless(fits: boolean, mismatch: Mismatch): Mismatch | undefined {
	return fits ? undefined : mismatch;
}

function words(patterns: string | readonly string[]): string {
	return [patterns].flat().join(' or ');
}

function dataCheck(data: NonNullable<AccessRule['data']>): Check {
	const wanted = Object.entries(data).map(([pointer, patterns]) => ({
		pointer,
		patterns,
		fits: anyGlobOf(patterns),
	}));
	return (asked) => {
		for (const { pointer, patterns, fits } of wanted) {
			const value = valueAt(asked.data, pointer);
			if (value === undefined) return () => `data has no text, number or truth value at ${pointer}`;
			if (!fits(value)) return () => `${pointer} of the data is not ${words(patterns)}`;
		}
		return undefined;
	};
}

/** @param named For an allowing rule: pointers of what it says beside the arguments. What it does not name it does not allow. */
function argsCheck(args: readonly string[], named: Readonly<Record<string, unknown>> | undefined): Check {
	const isOpen = args.at(-1) === anyRest;
	const globs: readonly Glob[] = (isOpen ? args.slice(0, -1) : args).map(anyGlobOf);
	return ({ data }) => {
		const said = argumentsOf(data);
		if (!said) return () => 'data is no list of arguments';
		const { list, beside } = said;
		if (list.length < globs.length || (!isOpen && list.length > globs.length)) {
			return () =>
				`${counted(list.length, 'argument is', 'arguments are')} not ${isOpen ? 'at least ' : ''}${globs.length}`;
		}
		const wrong = globs.findIndex((glob, index) => !glob(list[index] ?? ''));
		if (wrong >= 0) return () => `argument ${wrong + 1} is not ${args[wrong]}`;
		if (!named) return undefined;
		if (isNestedTooDeep(beside)) return () => 'data is nested too deep';
		const unnamed = leavesOf(beside).find((pointer) => !Object.hasOwn(named, pointer));
		return unnamed === undefined
			? undefined
			: () => `data says ${unnamed} as well, which the rule does not name`;
	};
}
