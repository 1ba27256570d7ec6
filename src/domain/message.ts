/**
 * Owns the message: its JSON form, as people and programs write it, and what it means once it is checked.
 * Promises that every way in is checked by the one schema here, all problems listed together.
 * Pure; what was accepted is kept by whoever asked.
 */

import { z } from 'zod';
import { type Backoff, defaultBackoff } from '../base/backoff.ts';
import { parseDuration } from '../base/duration.ts';
import { StewardError } from '../base/errors.ts';
import {
	commandLanes,
	idPattern,
	idRule,
	type Kind,
	kinds,
	methodNamePattern,
	methodNameRule,
} from './names.ts';
import {
	type CommandPolicy,
	commandDefaults,
	mostAttempts,
	onInterruptPolicies,
	type WhenAbsent,
	whenAbsentPolicies,
} from './policy.ts';
import { commandPolicyFields } from './policy-fields.ts';
import { type Target, targetFields, targetOf, targetProblems } from './target.ts';
import { deepestNesting, describeProblems, isNestedTooDeep, isRecord } from './validation.ts';
import { isTimeZone, parseTime, timeRule, timeZoneRule } from './zone.ts';

/** `10m` as milliseconds. */
export const durationMs = z
	.string({ error: 'expected a duration such as "10m" or "7d"' })
	.transform((text, context) => {
		const ms = parseDuration(text);
		if (ms === undefined) {
			context.addIssue({ code: 'custom', message: 'expected a duration such as "10m", "1h30m" or "7d"' });
			return z.NEVER;
		}
		return ms;
	});

/** What is left out: a fixed wait is fixed, and the cap is no less than the first wait. */
function backoffOf(said: {
	readonly kind: Backoff['kind'];
	readonly initial?: number | undefined;
	readonly cap?: number | undefined;
	readonly jitter?: number | undefined;
}): Backoff {
	const { kind, initial: initialMs = defaultBackoff.initialMs } = said;
	return {
		kind,
		initialMs,
		capMs: said.cap ?? Math.max(defaultBackoff.capMs, initialMs),
		jitter: said.jitter ?? (kind === 'fixed' ? 0 : defaultBackoff.jitter),
	};
}

const backoffSchema = z.union([
	z.enum(['fixed', 'exponential']).transform((kind) => backoffOf({ kind })),
	z
		.strictObject({
			kind: z.enum(['fixed', 'exponential']).default('exponential'),
			initial: durationMs.optional(),
			cap: durationMs.optional(),
			jitter: z.number().min(0).max(1).optional(),
		})
		.transform(backoffOf),
]);

/** Of a time that says no zone. */
const usualZone = 'UTC';

/** Any JSON. Measured before it is walked through: the walk recurses. */
const json = z
	.custom<z.input<ReturnType<typeof z.json>>>((data) => !isNestedTooDeep(data), {
		error: `expected data nested at most ${deepestNesting} deep`,
		abort: true,
	})
	.pipe(z.json({ error: 'expected JSON' }));

const messageFields = z.strictObject({
	...targetFields,
	method: z.string().regex(methodNamePattern, { error: `expected ${methodNameRule}` }),
	commandOrEvent: z.enum(kinds, { error: 'expected "command" or "event"' }).optional(),
	kind: z.enum(kinds, { error: 'expected "command" or "event"' }).optional(),
	data: json.default(null),
	id: z
		.string()
		.regex(idPattern, { error: `expected ${idRule}` })
		.optional(),
	lane: z.enum(commandLanes, { error: `expected one of ${commandLanes.join(', ')}` }).optional(),
	notBefore: z.string({ error: timeRule }).optional(),
	/** Of a `notBefore` that says none itself. */
	timeZone: z.string().refine(isTimeZone, { error: timeZoneRule }).optional(),
	deliverWithin: z
		.union([z.literal('never'), durationMs], { error: 'expected a duration or "never"' })
		.optional(),
	runFor: durationMs.optional(),
	attempts: z.number().int().min(1).max(mostAttempts).optional(),
	backoff: backoffSchema.optional(),
	onInterrupt: z.enum(onInterruptPolicies).optional(),
	patience: durationMs.optional(),
	whenAbsent: z.enum(whenAbsentPolicies).optional(),
});

/** The JSON form of a message, as in inmsg.txt, `send --file`, HTTP and raw NATS messages. */
export type MessageForm = z.input<typeof messageFields>;

/** As it is documented: any JSON is data. */
export const messageFormSchema = messageFields.extend({
	data: z.unknown().optional().describe('what the method takes'),
});

const messageFormKeys = Object.keys(messageFields.shape);

/** A checked message, before its targets are known by name. */
export type Message = {
	readonly target: Target;
	readonly kind: Kind;
	readonly method: string;
	readonly data: unknown;
	readonly id?: string | undefined;
	/** A command is not queued before, server time, milliseconds since the epoch. */
	readonly notBefore?: number | undefined;
	readonly policy: CommandPolicy;
	readonly whenAbsent: WhenAbsent;
};

/** Fields that a raw message may leave out, because its subject says them. */
export type FormDefaults = { readonly toNode?: string; readonly kind?: Kind; readonly method?: string };

/**
 * Checks the JSON form of one message.
 * @throws StewardError `invalid`: `details.problems` lists all of them, one line each.
 */
export function parseMessage(input: unknown, defaults: FormDefaults = {}): Message {
	const withDefaults = isRecord(input) ? applyDefaults(input, defaults) : input;
	const parsed = messageFields.safeParse(withDefaults);
	const problems = [
		...(parsed.success ? [] : describeProblems(parsed.error, withDefaults, messageFormKeys)),
		...(isRecord(withDefaults) ? crossChecks(withDefaults) : []),
	];
	if (!parsed.success || problems.length > 0) {
		throw new StewardError('invalid', `the message is not valid: ${problems.join('; ')}`, {
			details: { problems },
		});
	}
	return compile(parsed.data);
}

function applyDefaults(input: Record<string, unknown>, defaults: FormDefaults): Record<string, unknown> {
	const filled: Record<string, unknown> = { ...input };
	if (defaults.toNode !== undefined && !('toNodes' in input) && !('where' in input)) {
		filled.toNode ??= defaults.toNode;
	}
	if (defaults.method !== undefined) filled.method ??= defaults.method;
	if (defaults.kind !== undefined && !('commandOrEvent' in input)) filled.kind ??= defaults.kind;
	return filled;
}

/** What must agree between fields, whatever is in each of them. */
function crossChecks(form: Readonly<Record<string, unknown>>): string[] {
	const problems: string[] = [];
	const kindsSaid = [form.kind, form.commandOrEvent].filter((kind) => kind !== undefined);
	problems.push(...targetProblems(form));
	if (kindsSaid.length === 2 && kindsSaid.every(isKind) && form.commandOrEvent !== form.kind) {
		problems.push(`kind: says "${form.kind}" while commandOrEvent says "${form.commandOrEvent}"`);
	}
	if (kindsSaid.length === 0) {
		problems.push('commandOrEvent: expected "command" or "event", got nothing');
	}
	problems.push(...timeProblems(form));
	if (kindsSaid.includes('event')) {
		for (const key of ['notBefore', 'timeZone', ...commandPolicyFields] as const) {
			if (form[key] !== undefined) problems.push(`${key}: an event has none; it is for commands`);
		}
	}
	return problems;
}

function timeProblems(form: Readonly<Record<string, unknown>>): string[] {
	const { notBefore, timeZone = usualZone } = form;
	if (notBefore === undefined) {
		return form.timeZone === undefined
			? []
			: ['timeZone: it says where notBefore is meant, and there is none'];
	}
	if (typeof notBefore !== 'string' || typeof timeZone !== 'string' || !isTimeZone(timeZone)) return [];
	if (parseTime(notBefore, timeZone) !== undefined) return [];
	return [`notBefore: ${timeRule}, got "${notBefore.slice(0, 60)}"`];
}

function compile(form: z.output<typeof messageFields>): Message {
	const kind = form.kind ?? form.commandOrEvent ?? 'command';
	return {
		target: targetOf(form),
		kind,
		method: form.method,
		data: form.data,
		id: form.id,
		...(form.notBefore !== undefined && {
			notBefore: parseTime(form.notBefore, form.timeZone ?? usualZone),
		}),
		whenAbsent: form.whenAbsent ?? commandDefaults.whenAbsent,
		policy: {
			lane: form.lane,
			deliverWithinMs:
				form.deliverWithin === 'never' ? null : (form.deliverWithin ?? commandDefaults.deliverWithinMs),
			runForMs: form.runFor,
			attempts: form.attempts,
			backoff: form.backoff,
			onInterrupt: form.onInterrupt,
			patienceMs: form.patience,
		},
	};
}

function isKind(value: unknown): value is Kind {
	return kinds.some((kind) => kind === value);
}
