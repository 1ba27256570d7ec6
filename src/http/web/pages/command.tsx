/**
 * Owns the page of one command: where it stands and why, its life, what it says, what it was sent as, and what one may do now.
 * Promises to follow the command without a reload, and that what is not kept any more is said so. Keeps nothing.
 */

import { useSignal, useSignalEffect } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { CommandView, WhyView } from '../../../domain/view-schema.ts';
import { commandPath } from '../command/act.tsx';
import { Actions } from '../command/actions.tsx';
import { CommandFacts } from '../command/facts.tsx';
import { Life } from '../command/life.tsx';
import { JsonText, ResultFacts } from '../command/result.tsx';
import { isEnded } from '../command/timeline.ts';
import { Why } from '../command/why.tsx';
import { joinWords } from '../form/words.ts';
import { nodes, onCommands } from '../live.ts';
import { useLoad } from '../load.ts';
import { StartNode } from '../node/start.tsx';
import { OutputView } from '../output/output-view.tsx';
import { Link } from '../route.tsx';
import type { Form } from '../send/draft.ts';
import { StateBadge } from '../ui/badge.tsx';
import { Banner } from '../ui/banner.tsx';
import { Button } from '../ui/button.tsx';
import { Copyable, copyText, EmptyState } from '../ui/empty.tsx';
import { PageHead, Panel, Skeleton } from '../ui/panel.tsx';
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
	const node = handle.slice(0, handle.indexOf('.'));
	const told = useRef('');
	const view = command.data.value;
	const failure = command.error.value;
	const state = useSignal(view?.state);
	state.value = view?.state;
	// A node's queue moves without a word about this command: its reason changes with its node.
	useSignalEffect(() => {
		const row = state.value === 'queued' || state.value === 'scheduled' ? nodes.value?.get(node) : undefined;
		const seen = `${state.value} ${row?.presence} ${row?.queued} ${row?.running} ${row?.paused}`;
		if (state.value !== undefined && seen !== told.current) why.reload();
		told.current = seen;
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
			{isCommand && <Why why={why.data.value} view={view} />}
			{view.state === 'queued' && nodes.value?.get(node)?.presence === 'never' && (
				<Banner>
					<StartNode node={node} />
				</Banner>
			)}
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
							<MessageText data={form.data ?? null} />
						) : (
							<p class="muted">{message.error.value ? message.error.value.message : 'Reading …'}</p>
						)}
					</Panel>
				</div>
			</div>
		</div>
	);
}

/** A list of words is a command line, and reads as one. */
function MessageText({ data }: { data: unknown }) {
	const isLine = Array.isArray(data) && data.length > 0 && data.every((word) => typeof word === 'string');
	if (!isLine) return <JsonText value={data} label="Its data" />;
	return <Copyable text={joinWords(data)} label="Copy the command line" />;
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
