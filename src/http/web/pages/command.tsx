/**
 * Owns the page of one command: where it stands and why, its life, what it says, what it was sent as, and what one may do now.
 * Promises to follow the command without a reload, and that what is not kept any more is said so. Keeps nothing.
 */

import { useSignal, useSignalEffect } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { CommandView, WhyView } from '../../../domain/view-schema.ts';
import { cancelOne, commandPath, orToast, retryOne } from '../command/act.tsx';
import { type Form, linesAbout } from '../command/as-cli.ts';
import { Deadline, Life } from '../command/life.tsx';
import { JsonText, ResultFacts } from '../command/result.tsx';
import { isEnded } from '../command/timeline.ts';
import { onCommands } from '../live.ts';
import { useLoad } from '../load.ts';
import { OutputView } from '../output/output-view.tsx';
import { Link, navigate } from '../route.tsx';
import { blocked } from '../session.ts';
import { StateBadge } from '../ui/badge.tsx';
import { Banner } from '../ui/banner.tsx';
import { Button } from '../ui/button.tsx';
import { ConfirmDialog, Dialog } from '../ui/dialog.tsx';
import { Copyable, copyText, EmptyState } from '../ui/empty.tsx';
import { Facts, PageHead, Panel, Skeleton } from '../ui/panel.tsx';
import { Time } from '../ui/time.tsx';
import { longDuration } from '../words.ts';
import '../command/command.css';
import type { PageProps } from './index.tsx';

export default function CommandPage({ id: handle }: PageProps) {
	const command = useLoad<CommandView>(commandPath(handle));
	const why = useLoad<WhyView>(`${commandPath(handle)}/why`);
	const message = useLoad<{ form: Form }>(`${commandPath(handle)}/message`);
	useEffect(
		() =>
			onCommands((rows) => {
				if (!rows.some((row) => row.handle === handle)) return;
				command.reload();
				why.reload();
			}),
		[handle],
	);
	const view = command.data.value;
	const failure = command.error.value;
	const state = useSignal(view?.state);
	state.value = view?.state;
	// A node's queue moves without a word about this command: its reason changes with its node.
	useSignalEffect(() => {
		if (state.value !== undefined) why.reload();
	});
	if (!view) {
		return (
			<div class="page">
				{failure ? (
					<Missing handle={handle} code={failure.code} words={failure.message} />
				) : (
					<Skeleton lines={8} />
				)}
			</div>
		);
	}
	const form = message.data.value?.form;
	const isCommand = view.kind === 'command';
	return (
		<div class="page">
			<PageHead
				crumb={
					<>
						<Link to="/commands">Commands</Link> / <Link to={`/nodes/${view.node}`}>{view.node}</Link>
					</>
				}
				title={
					<>
						{view.method} <span class="faint">on</span> {view.node}
					</>
				}
				sub={
					<>
						<StateBadge state={view.state} />
						<span class="handle-line">
							<span class="mono">{view.handle}</span>
							<Button
								small
								kind="quiet"
								icon="copy"
								label="Copy the handle"
								onClick={() => copyText(view.handle)}
							/>
						</span>
					</>
				}
				actions={<Actions view={view} form={form} />}
			/>
			{isCommand && <Why why={why.data.value} />}
			{view.signature === 'broken' && (
				<Banner tone="bad">
					The signature of what its node states does not hold: somebody else may have said it.
				</Banner>
			)}
			<div class="columns">
				<div>
					<Panel title="Life">
						<Life view={view} />
					</Panel>
					{isCommand && (
						<Panel title="Output" bare>
							<OutputView handle={handle} ended={isEnded(view.state)} />
						</Panel>
					)}
				</div>
				<div>
					<Panel title="Facts">
						<CommandFacts view={view} />
					</Panel>
					{isCommand && (
						<Panel title="Result">
							<ResultFacts view={view} />
						</Panel>
					)}
					<Panel title="Message">
						{form ? (
							<JsonText value={form.data ?? null} label="Its data" />
						) : (
							<p class="muted">{message.error.value ? message.error.value.message : 'Reading …'}</p>
						)}
					</Panel>
				</div>
			</div>
		</div>
	);
}

function Missing({ handle, code, words }: { handle: string; code: string; words: string }) {
	const isGone = code === 'not-found';
	return (
		<EmptyState icon="question" title={isGone ? 'No such command' : 'This command cannot be shown now'}>
			<p class="wrap">
				{isGone ? `Nobody knows ${handle}: it never was, or it ended more than 30 days ago.` : words}
			</p>
			<Link to="/commands">All commands</Link>
		</EmptyState>
	);
}

function Why({ why }: { why: WhyView | undefined }) {
	return (
		<div class="why live" aria-live="polite">
			{why ? why.sentence : <Skeleton lines={1} />}
			{why && why.notes.length > 0 && (
				<ul class="why-notes">
					{why.notes.map((note) => (
						<li key={note}>{note}</li>
					))}
				</ul>
			)}
		</div>
	);
}

function Actions({ view, form }: { view: CommandView; form: Form | undefined }) {
	const open = useSignal<'cancel' | 'cli' | undefined>(undefined);
	const busy = useSignal(false);
	const ended = isEnded(view.state);
	const close = () => {
		open.value = undefined;
	};
	return (
		<>
			{view.kind === 'command' && !ended && (
				<Button
					kind="danger"
					icon="slash"
					blocked={blocked.value || undefined}
					onClick={() => (open.value = 'cancel')}
				>
					Cancel
				</Button>
			)}
			{view.kind === 'command' && ended && (
				<Button
					icon="again"
					busy={busy.value}
					blocked={blocked.value || undefined}
					onClick={async () => {
						busy.value = true;
						await orToast(() => retryOne(view.handle));
						busy.value = false;
					}}
				>
					Retry
				</Button>
			)}
			<Button
				icon="edit"
				blocked={blocked.value || (form ? '' : 'its message is not kept any more')}
				onClick={() => navigate(`/send?again=${encodeURIComponent(view.handle)}`)}
			>
				Send again…
			</Button>
			<Button icon="copy" onClick={() => (open.value = 'cli')}>
				Copy as CLI
			</Button>
			{open.value === 'cancel' && (
				<ConfirmDialog
					title="Cancel this command?"
					action="Cancel it"
					danger
					withReason
					onClose={close}
					onConfirm={(reason) => cancelOne(view.handle, reason)}
				>
					<p>
						{view.state === 'running'
							? 'It runs: its node is asked to end it, and answers whether that was in time.'
							: 'It has not started. If this comes first, it certainly never runs.'}
					</p>
				</ConfirmDialog>
			)}
			{open.value === 'cli' && (
				<Dialog title="The same from the command line" wide onClose={close}>
					<div class="cli-lines">
						{linesAbout(view, { ended, form }).map(({ what, line }) => (
							<div key={what}>
								<h3>{what}</h3>
								<Copyable text={line} label={`Copy: ${what}`} />
							</div>
						))}
					</div>
				</Dialog>
			)}
		</>
	);
}

function CommandFacts({ view }: { view: CommandView }) {
	const { lineage, schedule, fault, closed } = view;
	return (
		<Facts
			of={[
				fault
					? [
							'Fault',
							<span key="fault" class="fault">
								<span class="tag">{fault.code}</span> {fault.message}
							</span>,
						]
					: null,
				closed ? ['Closed', `${closed.reason}, by ${closed.actor}`] : null,
				['Sent by', view.sender],
				['Lane', view.lane],
				view.notBefore ? ['Due', <Time key="due" at={view.notBefore} />] : null,
				view.kind === 'command' ? ['Start by', <Deadline key="deadline" view={view} />] : null,
				view.runForMs === null ? null : ['Longest run', longDuration(view.runForMs)],
				view.attempt > 0 ? ['Attempts', String(view.attempt)] : null,
				view.nextAttemptAt ? ['Next attempt', <Time key="next" at={view.nextAttemptAt} />] : null,
				view.signature === 'held' ? ['Signature', 'its node signed, and that holds'] : null,
				lineage
					? [
							lineage.kind === 'retry' ? 'Retry of' : 'Replay of',
							<Link key="of" to={commandPath(lineage.of)}>
								{lineage.of}
							</Link>,
						]
					: null,
				schedule
					? [
							'Schedule',
							<span key="schedule">
								<Link to={`/schedules/${schedule.name}`}>{schedule.name}</Link>{' '}
								{schedule.tick ? (
									<Time at={schedule.tick} form="absolute" class="muted" />
								) : (
									<span class="muted">run by hand</span>
								)}
							</span>,
						]
					: null,
			]}
		/>
	);
}
