/**
 * Owns what the pages Send and Schedule hold while a message is written, and the JSON form that it becomes.
 * Promises that an empty field is left out, so that the method's and the system's defaults hold, and that a form comes back as it was.
 * Pure; whether it is right the server says, with the field of each problem.
 */

import { isRecord, textOf } from '../form/json.ts';

export type Form = Readonly<Record<string, unknown>>;

export type TargetDraft = {
	readonly by: 'names' | 'labels';
	readonly nodes: readonly string[];
	/** `role=tug, fleet=north` */
	readonly labels: string;
};

/** Every field as it is typed. */
export type PolicyDraft = {
	readonly lane: string;
	readonly deliverWithin: string;
	readonly runFor: string;
	readonly attempts: string;
	readonly backoff: string;
	readonly backoffInitial: string;
	readonly backoffCap: string;
	readonly backoffJitter: string;
	readonly onInterrupt: string;
	readonly patience: string;
	readonly whenAbsent: string;
};

export type WhenDraft = {
	readonly when: 'now' | 'in' | 'at';
	readonly wait: string;
	/** As the browser's field for date and time has it. */
	readonly at: string;
	readonly timeZone: string;
};

export const noPolicy: PolicyDraft = {
	...{
		lane: '',
		deliverWithin: '',
		runFor: '',
		attempts: '',
		backoff: '',
		backoffInitial: '',
		backoffCap: '',
	},
	...{ backoffJitter: '', onInterrupt: '', patience: '', whenAbsent: '' },
};

export const noTarget: TargetDraft = { by: 'names', nodes: [], labels: '' };

/** The fields of a form that say whom it is for. */
export const targetFields = ['toNodes', 'toNode', 'where'] as const;

/** Whether anybody is named, or a label. */
export function hasTarget({ by, nodes, labels }: TargetDraft): boolean {
	return by === 'names' ? nodes.length > 0 : labels.trim() !== '';
}

export function targetForm({ by, nodes, labels }: TargetDraft): Form {
	if (by === 'labels') return { where: labelsOf(labels) };
	const [only] = nodes;
	return nodes.length === 1 ? { toNode: only } : { toNodes: [...nodes] };
}

export function targetDraft({ toNode, toNodes, where }: Form): TargetDraft {
	if (isRecord(where)) return { by: 'labels', nodes: [], labels: labelText(where) };
	const nodes = Array.isArray(toNodes) ? toNodes : typeof toNode === 'string' ? [toNode] : [];
	return { by: 'names', nodes: nodes.map(String), labels: '' };
}

/** `role=tug, fleet=north`; what has no value yet has an empty one. */
export function labelsOf(text: string): Record<string, string> {
	const pairs = text.split(/[,\s]+/).filter(Boolean);
	return Object.fromEntries(
		pairs.map((pair) => {
			const at = pair.indexOf('=');
			return at < 0 ? [pair, ''] : [pair.slice(0, at), pair.slice(at + 1)];
		}),
	);
}

export function labelText(labels: Form): string {
	return Object.entries(labels)
		.map(([key, value]) => `${key}=${value}`)
		.join(', ');
}

export function policyForm(draft: PolicyDraft): Form {
	const { attempts, backoff, backoffInitial, backoffCap, backoffJitter, ...texts } = draft;
	const waits = given({ initial: backoffInitial, cap: backoffCap });
	const jitter = backoffJitter.trim() === '' ? {} : { jitter: numberOr(backoffJitter) };
	const details = { ...waits, ...jitter };
	const hasDetails = Object.keys(details).length > 0;
	return {
		...given(texts),
		...(attempts.trim() === '' ? {} : { attempts: numberOr(attempts) }),
		...(hasDetails ? { backoff: { ...given({ kind: backoff }), ...details } } : given({ backoff })),
	};
}

export function policyDraft(form: Form): PolicyDraft {
	const { backoff } = form;
	const detail = isRecord(backoff) ? backoff : { kind: backoff };
	return {
		lane: textOf(form.lane),
		deliverWithin: textOf(form.deliverWithin),
		runFor: textOf(form.runFor),
		attempts: textOf(form.attempts),
		backoff: textOf(detail.kind),
		backoffInitial: textOf(detail.initial),
		backoffCap: textOf(detail.cap),
		backoffJitter: textOf(detail.jitter),
		onInterrupt: textOf(form.onInterrupt),
		patience: textOf(form.patience),
		whenAbsent: textOf(form.whenAbsent),
	};
}

/** @param waitMs Of `in`: what the wait means; undefined where it means nothing. */
export function whenForm({ when, at, timeZone }: WhenDraft, waitMs: number | undefined, now: number): Form {
	if (when === 'at' && at !== '') return { notBefore: at, timeZone };
	if (when === 'in' && waitMs !== undefined) return { notBefore: new Date(now + waitMs).toISOString() };
	return {};
}

/** What has been typed, without the blanks around it; what is empty is left out. */
export function given(fields: Readonly<Record<string, string>>): Record<string, string> {
	const entries = Object.entries(fields).map(([name, text]) => [name, text.trim()] as const);
	return Object.fromEntries(entries.filter(([, text]) => text !== ''));
}

/** A number where it is one; else the text, for the server to complain about. */
function numberOr(text: string): number | string {
	return /^-?\d+(\.\d+)?$/.test(text.trim()) ? Number(text) : text;
}

/** Problems of the server by the field that they name; those that name none are under ''. */
export function problemsByField(
	problems: readonly string[],
	fields: readonly string[],
): Readonly<Record<string, readonly string[]>> {
	const found: Record<string, string[]> = {};
	for (const line of problems) {
		const parts = /^(?:body\.)?(?:\[?\d+\]?\.)?([A-Za-z][\w.-]*): (.*)$/s.exec(line);
		const path = parts?.[1] ?? '';
		const field = fields.find((name) => path === name || path.startsWith(`${name}.`));
		const key = field ?? '';
		found[key] = [
			...(found[key] ?? []),
			field === undefined ? line : said(path.slice(field.length + 1), parts?.[2] ?? ''),
		];
	}
	return found;
}

function said(rest: string, problem: string): string {
	return rest === '' ? problem : `${rest}: ${problem}`;
}
