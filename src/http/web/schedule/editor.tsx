/**
 * Owns the editor of a schedule: a new one, a change of one, or one made from another; with its preview beside it.
 * Promises that nothing is stored before it is saved, that a name which is taken is not replaced, and that what the editor has no field
 * for stays as it was. What is written dies with the page.
 */

import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { MethodView } from '../../../domain/many-view-schema.ts';
import type { ScheduleOutcome } from '../../../domain/schedule-view-schema.ts';
import { ApiError, api } from '../api.ts';
import { blocked } from '../blocked.ts';
import type { FieldProblem } from '../form/draft.ts';
import { useLoad } from '../load.ts';
import { Link, navigate } from '../route.tsx';
import { type Form, hasTarget, noTarget, problemsByField, targetFields } from '../send/draft.ts';
import { fieldOfMethod, messageForm } from '../send/message.ts';
import { MessageFields } from '../send/message-fields.tsx';
import { PolicyFields } from '../send/policy-fields.tsx';
import { ReachWords, TargetFields, useReach } from '../send/target-fields.tsx';
import { useMethods } from '../send/use-methods.ts';
import { browserZone } from '../send/when-fields.tsx';
import { Banner } from '../ui/banner.tsx';
import { Button, ButtonLink } from '../ui/button.tsx';
import { Icon } from '../ui/icon.tsx';
import { PageHead, Panel, Skeleton } from '../ui/panel.tsx';
import { toast } from '../ui/toast.tsx';
import { schedulePath } from './act.tsx';
import { newSchedule, type ScheduleDraft, scheduleDraft, scheduleFields, scheduleForm } from './draft.ts';
import { NameField, RecurrenceFields, RuleFields } from './fields.tsx';
import { Preview, usePreview } from './preview.tsx';
import '../command/command.css';
import './schedule.css';

/** @param name Of the one that is changed; undefined for a new one. @param from One that a new one begins as. */
export function Editor({ name, from }: { name: string | undefined; from: string | undefined }) {
	const methods = useMethods();
	const source = name ?? from;
	const stored = useLoad<Form>(source === undefined ? undefined : `${schedulePath(source)}/form`);
	const all = methods.data.value?.items;
	const form = stored.data.value;
	const draft = useSignal<ScheduleDraft | undefined>(undefined);
	const isReady = all !== undefined && (source === undefined || form !== undefined);
	useEffect(() => {
		if (!all || draft.peek()) return;
		if (source === undefined) draft.value = newSchedule(browserZone());
		else if (form)
			draft.value = {
				...scheduleDraft(form, all),
				...(name === undefined ? { name: `${source}-copy` } : {}),
			};
	}, [isReady]);
	const failure = stored.error.value ?? methods.error.value;
	return (
		<div class="page">
			<PageHead
				crumb={<Link to="/schedules">Schedules</Link>}
				title={name === undefined ? 'New schedule' : `Change ${name}`}
				sub="What each tick sends waits for its ships, and its outcome is kept."
			/>
			{failure && <Banner tone="bad">{failure.message}</Banner>}
			{draft.value && all ? (
				<EditorForm
					name={name}
					draft={draft.value}
					methods={all}
					onChange={(next) => {
						draft.value = next;
					}}
				/>
			) : (
				!failure && <Skeleton lines={10} />
			)}
		</div>
	);
}

function EditorForm({
	name,
	draft,
	methods,
	onChange,
}: {
	name: string | undefined;
	draft: ScheduleDraft;
	methods: readonly MethodView[];
	onChange: (draft: ScheduleDraft) => void;
}) {
	const found = useSignal<readonly FieldProblem[]>([]);
	const errors = useSignal<Readonly<Record<string, readonly string[]>>>({});
	const failure = useSignal('');
	const busy = useSignal(false);
	const filled = messageForm(draft.message, fieldOfMethod(methods, draft.message.method)?.field);
	const form = scheduleForm(draft, filled.form);
	const isNamed = hasTarget(draft.target);
	// What is still to be said is no news: the preview begins with the first look.
	const looked: ScheduleDraft = {
		...draft,
		name: draft.name.trim() === '' ? 'new' : draft.name,
		target: isNamed ? draft.target : { ...noTarget, nodes: ['any'] },
	};
	const previewed = usePreview(scheduleForm(looked, filled.form));
	const reach = useReach(draft.target);
	const change = (part: Partial<ScheduleDraft>) => {
		onChange({ ...draft, ...part });
		found.value = [];
		errors.value = {};
		failure.value = '';
	};

	async function save(): Promise<void> {
		if (busy.value || blocked.value !== '') return;
		found.value = filled.problems;
		errors.value = {
			...(isNamed ? {} : { toNode: ['name a node, or a label'] }),
			...(draft.name.trim() === '' ? { name: ['give it a name'] } : {}),
		};
		if (filled.problems.length > 0 || Object.keys(errors.value).length > 0) return;
		busy.value = true;
		try {
			const path = name === undefined ? '/schedules' : schedulePath(name);
			const outcome = await api<ScheduleOutcome>(path, {
				method: name === undefined ? 'POST' : 'PUT',
				body: form,
			});
			toast(`${outcome.name}: ${outcome.outcome === 'unchanged' ? 'it was so already' : outcome.outcome}.`);
			navigate(schedulePath(outcome.name));
		} catch (error) {
			if (!(error instanceof ApiError)) throw error;
			const problems = error.problem?.problems;
			errors.value = problems ? problemsByField(problems, scheduleFields) : {};
			failure.value = problems ? (errors.value['']?.join('; ') ?? '') : error.message;
		} finally {
			busy.value = false;
		}
	}

	const ofMessage = Object.fromEntries(
		Object.entries(errors.value)
			.filter(([field]) => field.startsWith('message.'))
			.map(([field, problems]) => [field.slice('message.'.length), problems]),
	);
	const targetError = targetFields.flatMap((field) => errors.value[field] ?? []).join('; ') || undefined;
	const own = { draft, change, errors: errors.value };
	return (
		<div class="columns">
			<form
				class="editor"
				noValidate
				onSubmit={(event) => {
					event.preventDefault();
					save();
				}}
			>
				<Panel title="When">
					<div class="fields">
						{name === undefined && <NameField {...own} />}
						<RecurrenceFields {...own} />
					</div>
				</Panel>
				<Panel title="For whom">
					<div class="fields">
						<TargetFields
							target={draft.target}
							onChange={(target) => change({ target })}
							error={targetError}
						/>
						<ReachWords reach={reach.value} target={draft.target} />
					</div>
				</Panel>
				<Panel title="What each tick sends">
					<div class="fields">
						<MessageFields
							message={draft.message}
							onChange={(message) => change({ message })}
							methods={methods}
							problems={found.value}
							errors={ofMessage}
							commandsOnly
						/>
						<p class="field-hint">
							In any text, <code>{'{{node}}'}</code> is the node, <code>{'{{tick}}'}</code> the moment,{' '}
							<code>{'{{schedule}}'}</code> the name.
						</p>
					</div>
				</Panel>
				<Panel title="Rules">
					<RuleFields {...own} />
				</Panel>
				<details
					class="more panel"
					open={Object.keys(ofMessage).some((field) => field !== 'method' && field !== 'data') || undefined}
				>
					<summary>
						<Icon name="chevron" size={12} /> More: lane, deadlines and attempts of each command
					</summary>
					<div class="more-body">
						<PolicyFields
							policy={draft.policy}
							onChange={(policy) => change({ policy })}
							problems={ofMessage}
						/>
					</div>
				</details>
				{failure.value !== '' && <Banner tone="bad">{failure.value}</Banner>}
				<div class="form-foot">
					<Button type="submit" kind="primary" busy={busy.value} blocked={blocked.value || undefined}>
						{name === undefined ? 'Add it' : 'Save'}
					</Button>
					<ButtonLink to={name === undefined ? '/schedules' : schedulePath(name)}>Back</ButtonLink>
				</div>
			</form>
			<div class="preview">
				<Preview of={previewed.value} />
			</div>
		</div>
	);
}
