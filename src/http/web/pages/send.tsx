/**
 * Owns the page that sends: to whom, what, and what else is to be said about it.
 * Promises that the simple case is two fields and Enter, that it says whom it reaches before anything is sent, and that sending again after
 * a lost answer sends nothing twice. What is written dies with the page, unless it is left by a link that names it.
 */

import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { parseDuration } from '../../../base/duration.ts';
import type { Receipt } from '../../../domain/view-schema.ts';
import { ApiError, api } from '../api.ts';
import { blocked } from '../blocked.ts';
import { serverNow } from '../clock.ts';
import { commandPath } from '../command/act.tsx';
import { sendLine } from '../command/as-cli.ts';
import type { FieldProblem } from '../form/draft.ts';
import { useLoad } from '../load.ts';
import { query } from '../route.tsx';
import {
	type Form,
	hasTarget,
	noPolicy,
	noTarget,
	type PolicyDraft,
	policyDraft,
	policyForm,
	problemsByField,
	type TargetDraft,
	targetDraft,
	targetFields,
	targetForm,
	type WhenDraft,
	whenForm,
} from '../send/draft.ts';
import { fieldOfMethod, type MessageDraft, messageDraft, messageForm, noMessage } from '../send/message.ts';
import { MessageFields } from '../send/message-fields.tsx';
import { PolicyFields, policyFields } from '../send/policy-fields.tsx';
import { Receipts } from '../send/receipts.tsx';
import { ReachWords, TargetFields, useReach } from '../send/target-fields.tsx';
import { newId } from '../send/ulid.ts';
import { useMethods } from '../send/use-methods.ts';
import { browserZone, WhenFields } from '../send/when-fields.tsx';
import { Banner } from '../ui/banner.tsx';
import { Button } from '../ui/button.tsx';
import { Copyable } from '../ui/empty.tsx';
import { Icon } from '../ui/icon.tsx';
import { TextField } from '../ui/inputs.tsx';
import { PageHead, Panel } from '../ui/panel.tsx';
import { toast } from '../ui/toast.tsx';
import { plural } from '../words.ts';
import '../command/command.css';

type SendDraft = {
	readonly target: TargetDraft;
	readonly message: MessageDraft;
	readonly policy: PolicyDraft;
	readonly when: WhenDraft;
	readonly id: string;
};

const fieldNames = [...targetFields, 'method', 'data', 'id', 'notBefore', 'timeZone', ...policyFields];

function emptyDraft(): SendDraft {
	const nodes = query.value.getAll('to');
	return {
		target: { ...noTarget, nodes },
		message: { ...noMessage, method: query.value.get('method') ?? noMessage.method },
		policy: noPolicy,
		when: { when: 'now', wait: '', at: '', timeZone: browserZone() },
		id: '',
	};
}

export default function Send() {
	const methods = useMethods();
	const again = query.value.get('again');
	const before = useLoad<{ form: Form }>(again === null ? undefined : `${commandPath(again)}/message`);
	const draft = useSignal<SendDraft>(emptyDraft());
	const found = useSignal<readonly FieldProblem[]>([]);
	const errors = useSignal<Readonly<Record<string, readonly string[]>>>({});
	const failure = useSignal('');
	const busy = useSignal(false);
	const receipts = useSignal<readonly Receipt[]>([]);
	/** Of what is written now: the same until it was sent or changed. */
	const attemptId = useRef('');
	const all = methods.data.value?.items ?? [];
	const { target, policy, when, id } = draft.value;
	const ofMethod = fieldOfMethod(all, draft.value.message.method);
	const message: MessageDraft = {
		...draft.value.message,
		kind: ofMethod?.view.kind ?? draft.value.message.kind,
	};
	const reach = useReach(target);

	const form = before.data.value?.form;
	const isKnown = methods.data.value !== undefined;
	useEffect(() => {
		if (!form || !isKnown) return;
		draft.value = {
			...draft.peek(),
			target: targetDraft(form),
			message: messageDraft(form, all),
			policy: policyDraft(form),
		};
	}, [form, isKnown]);

	function change(part: Partial<SendDraft>): void {
		draft.value = { ...draft.value, ...part };
		attemptId.current = '';
		found.value = [];
		errors.value = {};
		failure.value = '';
	}

	const isEvent = message.kind === 'event';
	const filled = messageForm(message, ofMethod?.field);
	const whole: Form = {
		...targetForm(target),
		...filled.form,
		...(isEvent ? {} : policyForm(policy)),
		...(isEvent ? {} : whenForm(when, parseDuration(when.wait.trim()), serverNow())),
		...(id.trim() === '' ? {} : { id: id.trim() }),
	};
	const isNamed = hasTarget(target);

	/** What is wrong is at its field afterwards. True where nothing is. */
	function check(): boolean {
		found.value = filled.problems;
		const own: Record<string, readonly string[]> = {};
		if (!isNamed) own.toNode = ['name a node, or a label'];
		if (when.when === 'at' && when.at === '') own.notBefore = ['name a date and a time'];
		if (when.when === 'in' && parseDuration(when.wait.trim()) === undefined)
			own.notBefore = ['expected a duration such as 30m'];
		errors.value = own;
		return filled.problems.length === 0 && Object.keys(own).length === 0;
	}

	async function post(dryRun: boolean): Promise<void> {
		if (busy.value || !check()) return;
		busy.value = true;
		failure.value = '';
		attemptId.current ||= newId(serverNow());
		try {
			const body = { id: attemptId.current, ...whole };
			if (dryRun) {
				const { present, absent, unknown } = await api<{ present: number; absent: number; unknown: number }>(
					'/commands?dryRun=true',
					{ method: 'POST', body },
				);
				toast(`Valid. It would be sent to ${plural(present + absent + unknown, 'node')}; nothing was sent.`);
			} else {
				const { items } = await api<{ items: readonly Receipt[] }>('/commands', { method: 'POST', body });
				receipts.value = [...items, ...receipts.value];
				attemptId.current = '';
				toast(items.length === 1 ? `Sent to ${items[0]?.node}.` : `Sent to ${plural(items.length, 'node')}.`);
			}
		} catch (error) {
			if (!(error instanceof ApiError)) throw error;
			const problems = error.problem?.problems;
			errors.value = problems ? problemsByField(problems, fieldNames) : {};
			failure.value = problems ? (errors.value['']?.join('; ') ?? '') : error.message;
		} finally {
			busy.value = false;
		}
	}

	const targetError = targetFields.flatMap((name) => errors.value[name] ?? []).join('; ') || undefined;
	const isMoreWrong = [...policyFields, 'id', 'notBefore', 'timeZone'].some((name) => errors.value[name]);
	return (
		<div class="page">
			<PageHead
				title="Send"
				sub="A command waits for its ship, runs there, and its outcome comes back. The ship need not be there."
			/>
			{again !== null && before.error.value && <Banner tone="warn">{before.error.value.message}</Banner>}
			<div class="columns">
				<form
					class="send-form"
					noValidate
					onSubmit={(event) => {
						event.preventDefault();
						if (blocked.value === '') post(false);
					}}
				>
					<Panel title="To whom">
						<TargetFields target={target} onChange={(next) => change({ target: next })} error={targetError} />
					</Panel>
					<Panel title="What">
						<MessageFields
							message={message}
							onChange={(next) => change({ message: next })}
							methods={all}
							problems={found.value}
							errors={errors.value}
						/>
					</Panel>
					{!isEvent && (
						<details class="more panel" open={isMoreWrong || undefined}>
							<summary>
								<Icon name="chevron" size={12} /> More: when, lane, deadlines, attempts, id
							</summary>
							<div class="fields more-body">
								<WhenFields
									when={when}
									onChange={(next) => change({ when: next })}
									now={serverNow()}
									problems={errors.value}
								/>
								<PolicyFields
									policy={policy}
									onChange={(next) => change({ policy: next })}
									problems={errors.value}
								/>
								<TextField
									label="Id"
									note="optional"
									hint="Your own: sent again with it, the command is there once."
									error={errors.value.id?.join('; ')}
									value={id}
									onChange={(own) => change({ id: own })}
								/>
							</div>
						</details>
					)}
					{failure.value !== '' && <Banner tone="bad">{failure.value}</Banner>}
					<div class="form-foot">
						<Button
							type="submit"
							kind="primary"
							icon="send"
							busy={busy.value}
							blocked={blocked.value || undefined}
						>
							Send
						</Button>
						<Button blocked={blocked.value || undefined} onClick={() => post(true)}>
							Dry run
						</Button>
						<ReachWords reach={reach.value} target={target} />
					</div>
				</form>
				<div>
					<Receipts receipts={receipts} sending={busy} />
					<Panel title="The same from the command line">
						{isNamed ? (
							<Copyable text={sendLine(whole)} />
						) : (
							<p class="muted">Name a node, and it stands here, to be copied.</p>
						)}
					</Panel>
				</div>
			</div>
		</div>
	);
}
