/**
 * Owns what the editor of a schedule holds while it is written, and the JSON form that it becomes.
 * Promises that what is left as it usually is stays out of the form, and that a form comes back as it was.
 * Pure; whether it is right the server says.
 */

import type { MethodView } from '../../../domain/many-view-schema.ts';
import { isRecord, textOf } from '../form/json.ts';
import {
	type Form,
	given,
	noPolicy,
	noTarget,
	type PolicyDraft,
	policyDraft,
	policyForm,
	type TargetDraft,
	targetDraft,
	targetFields,
	targetForm,
} from '../send/draft.ts';
import { type MessageDraft, messageDraft, noMessage } from '../send/message.ts';

export type ScheduleDraft = {
	readonly name: string;
	readonly by: 'cron' | 'every';
	readonly cron: string;
	readonly every: string;
	readonly timeZone: string;
	readonly target: TargetDraft;
	readonly message: MessageDraft;
	readonly policy: PolicyDraft;
	readonly placement: string;
	readonly missed: string;
	/** Of `all`. */
	readonly missedMax: string;
	readonly missedAge: string;
	readonly overlap: string;
	readonly jitter: string;
	readonly startAt: string;
	readonly endAt: string;
	readonly note: string;
	/** What the editor has no field for: `paused`, and whatever a later version knows. */
	readonly others: Form;
};

export function newSchedule(timeZone: string): ScheduleDraft {
	return {
		...{
			name: '',
			by: 'cron',
			cron: '0 3 * * *',
			every: '1h',
			timeZone,
			target: noTarget,
			message: noMessage,
		},
		...{ policy: noPolicy, placement: '', missed: '', missedMax: '', missedAge: '', overlap: '', jitter: '' },
		...{ startAt: '', endAt: '', note: '', others: {} },
	};
}

/** Fields of the form that the editor has a place for. */
export const scheduleFields = [
	...['name', 'cron', 'every', 'timeZone', ...targetFields, 'message.method', 'message.data'],
	...['message.lane', 'message.deliverWithin', 'message.runFor', 'message.attempts', 'message.backoff'],
	...['message.onInterrupt', 'message.patience', 'message.whenAbsent'],
	...['placement', 'missed', 'overlap', 'jitter', 'startAt', 'endAt', 'note'],
] as const;

/** @param message What each tick sends: method and data. */
export function scheduleForm(draft: ScheduleDraft, message: Form): Form {
	const { by, cron, every, timeZone, target, policy, others } = draft;
	const { placement, overlap, jitter, startAt, endAt, note } = draft;
	const { kind: _, ...sent } = message;
	return {
		name: draft.name.trim(),
		...(by === 'cron' ? { cron: cron.trim() } : { every: every.trim() }),
		...given({ timeZone }),
		...targetForm(target),
		message: { ...sent, ...policyForm(policy) },
		...given({ placement, overlap, jitter, startAt, endAt, note }),
		...missedForm(draft),
		...others,
	};
}

function missedForm({ missed, missedMax, missedAge }: ScheduleDraft): Form {
	if (missed !== 'all') return given({ missed });
	const max = missedMax.trim();
	const details = {
		...(max === '' ? {} : { max: /^\d+$/.test(max) ? Number(max) : max }),
		...given({ notOlderThan: missedAge }),
	};
	return { missed: Object.keys(details).length === 0 ? 'all' : { all: details } };
}

export function scheduleDraft(form: Form, methods: readonly MethodView[]): ScheduleDraft {
	const {
		name,
		cron,
		every,
		timeZone,
		message,
		placement,
		missed,
		overlap,
		jitter,
		startAt,
		endAt,
		note,
		...rest
	} = form;
	const { toNode: _, toNodes: __, where: ___, ...others } = rest;
	const sent = isRecord(message) ? message : {};
	const all = isRecord(missed) && isRecord(missed.all) ? missed.all : undefined;
	return {
		name: textOf(name),
		by: every === undefined ? 'cron' : 'every',
		cron: textOf(cron),
		every: textOf(every),
		timeZone: textOf(timeZone),
		target: targetDraft(form),
		message: messageDraft({ kind: 'command', ...sent }, methods),
		policy: policyDraft(sent),
		placement: textOf(placement),
		missed: all ? 'all' : textOf(missed),
		missedMax: textOf(all?.max),
		missedAge: textOf(all?.notOlderThan),
		overlap: textOf(overlap),
		jitter: textOf(jitter),
		startAt: textOf(startAt),
		endAt: textOf(endAt),
		note: textOf(note),
		others,
	};
}
