/**
 * Owns the page of one node: how it stands, what it runs, what waits for it and why, what became of the rest, and what one may do.
 * Promises to follow the node without a reload, and a page for one that nobody ever saw: it may have a queue. Keeps nothing.
 */

import { useComputed, useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { ScheduleView } from '../../../domain/schedule-view-schema.ts';
import type { CommandView, NodeView } from '../../../domain/view-schema.ts';
import { cancelOne } from '../command/act.tsx';
import { nodes, onCommands, onSchedules } from '../live.ts';
import { useLoad } from '../load.ts';
import { NodeActions } from '../node/actions.tsx';
import { NodeBanners } from '../node/banners.tsx';
import { NodeFacts, NodeSub } from '../node/facts.tsx';
import { History } from '../node/history.tsx';
import { Lanes } from '../node/lanes.tsx';
import { Methods } from '../node/methods.tsx';
import { Queue } from '../node/queue.tsx';
import { Running } from '../node/running.tsx';
import { NodeSchedules, schedulesFor } from '../node/schedules.tsx';
import { unseenNode } from '../node/unseen.ts';
import { Link, query, setQuery } from '../route.tsx';
import { Banner } from '../ui/banner.tsx';
import { Button } from '../ui/button.tsx';
import { ConfirmDialog } from '../ui/dialog.tsx';
import { PageHead, Panel, Skeleton } from '../ui/panel.tsx';
import { Tabs } from '../ui/tabs.tsx';
import '../command/command.css';
import type { PageProps } from './index.tsx';
import './node.css';

type Page<T> = { readonly items: readonly T[]; readonly next: string | null };

const tabs = ['queue', 'history', 'schedules', 'methods'];

export default function NodePage({ id: node }: PageProps) {
	const path = `/nodes/${encodeURIComponent(node)}`;
	const loaded = useLoad<NodeView>(path);
	const queue = useLoad<Page<CommandView>>(`${path}/queue`);
	const history = useLoad<Page<CommandView>>(`/commands?node=${encodeURIComponent(node)}&limit=30`);
	const schedules = useLoad<Page<ScheduleView>>('/schedules');
	const cancelling = useSignal<string | undefined>(undefined);
	const row = useComputed(() => nodes.value?.get(node));
	const reload = () => {
		loaded.reload();
		queue.reload();
		history.reload();
	};
	useEffect(() => {
		let first = true;
		const ends = [
			row.subscribe(() => {
				if (!first) reload();
				first = false;
			}),
			onCommands((rows) => {
				if (rows.some((command) => command.node === node)) reload();
			}),
			onSchedules(schedules.reload),
		];
		return () => {
			for (const end of ends) end();
		};
	}, [node]);

	const failure = loaded.error.value;
	const view = failure?.code === 'not-found' ? unseenNode(node) : loaded.data.value;
	if (!view) {
		return (
			<div class="page">
				<PageHead crumb={<Link to="/">Fleet</Link>} title={node} sub={failure ? '' : 'loading'} />
				{failure ? (
					<Banner tone="bad" action={<Button onClick={reload}>Try again</Button>}>
						{failure.message}
					</Banner>
				) : (
					<Skeleton lines={8} />
				)}
			</div>
		);
	}
	const own = schedules.data.value && schedulesFor(schedules.data.value.items, node, view.labels);
	const waiting = view.queued ?? 0;
	const said = query.value.get('tab') ?? '';
	const tab = tabs.includes(said) ? said : waiting > 0 ? 'queue' : 'history';
	const cancel = (handle: string) => {
		cancelling.value = handle;
	};
	return (
		<div class="page">
			<PageHead
				crumb={<Link to="/">Fleet</Link>}
				title={view.node}
				sub={<NodeSub view={view} />}
				actions={<NodeActions view={view} onDone={reload} />}
			/>
			<NodeBanners view={view} />
			<div class="node-grid">
				<div class="node-main">
					<Running view={view} onCancel={cancel} />
					<div class="panel tabs-panel live">
						<Tabs
							label="What it does"
							active={tab}
							onChange={(id) => setQuery({ tab: id })}
							tabs={[
								{ id: 'queue', title: 'Queue', count: waiting },
								{ id: 'history', title: 'History' },
								{ id: 'schedules', title: 'Schedules', count: own?.length },
								{ id: 'methods', title: 'Methods', count: view.methods.length },
							]}
						>
							{tab === 'queue' ? (
								<Queue node={node} items={queue.data.value?.items} total={waiting} onCancel={cancel} />
							) : tab === 'schedules' ? (
								<NodeSchedules node={node} schedules={own} />
							) : tab === 'methods' ? (
								<Methods view={view} />
							) : (
								<History
									node={node}
									items={history.data.value?.items}
									more={typeof history.data.value?.next === 'string'}
								/>
							)}
						</Tabs>
					</div>
				</div>
				<aside class="node-side" aria-label="State of the node">
					{view.lanes.length + view.stopped.length > 0 && <Lanes view={view} onDone={reload} />}
					<Panel title="State">
						<NodeFacts view={view} failing={row.value?.failing ?? 0} />
					</Panel>
				</aside>
			</div>
			{cancelling.value !== undefined && (
				<ConfirmDialog
					title="Cancel this command?"
					action="Cancel the command"
					danger
					withReason
					onClose={() => (cancelling.value = undefined)}
					onConfirm={async (reason) => {
						await cancelOne(cancelling.value ?? '', reason);
						reload();
					}}
				>
					<p class="mono wrap">{cancelling.value}</p>
					<p>What has not started certainly never runs. What runs is asked to end.</p>
				</ConfirmDialog>
			)}
		</div>
	);
}
