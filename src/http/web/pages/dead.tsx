/**
 * Owns the page of dead letters: grouped by what went wrong, each group with its letters, to be sent again or thrown away.
 * Promises to count before anything is done, and to follow the set: with each letter that comes, is sent again or goes they are counted again.
 * Keeps which group is open, in the address.
 */

import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { DeadGroup } from '../../../domain/many-view-schema.ts';
import { blocked } from '../blocked.ts';
import { type Deed, DeedDialog, filterOfGroup } from '../dead/act.tsx';
import { Letters } from '../dead/letters.tsx';
import { onDead } from '../live.ts';
import { useLoad } from '../load.ts';
import { query, setQuery } from '../route.tsx';
import { Banner } from '../ui/banner.tsx';
import { Button } from '../ui/button.tsx';
import { EmptyState } from '../ui/empty.tsx';
import { Icon } from '../ui/icon.tsx';
import { PageHead, Panel, Skeleton } from '../ui/panel.tsx';
import { Time } from '../ui/time.tsx';
import { count, plural } from '../words.ts';
import '../command/command.css';
import './dead.css';

export default function Dead() {
	const groups = useLoad<{ items: readonly DeadGroup[] }>('/dead/groups');
	useEffect(() => onDead(groups.reload), []);
	const items = groups.data.value?.items;
	const failure = groups.error.value;
	const all = items?.reduce((sum, group) => sum + group.count, 0) ?? 0;
	return (
		<div class="page">
			<PageHead
				title="Dead letters"
				sub="Messages that were taken out of their lane, with the reason: refused, crashed too often, or taken by nobody. They are kept for 30 days."
			/>
			{failure && <Banner tone="bad">{failure.message}</Banner>}
			<Panel title="By what went wrong" count={items && all} bare>
				{!items ? (
					<div class="panel-note">
						<Skeleton lines={5} />
					</div>
				) : items.length === 0 ? (
					<EmptyState icon="check" title="No dead letters">
						<p>Nothing was refused, nothing crashed too often, and every event was taken.</p>
					</EmptyState>
				) : (
					<ul class="groups">
						{items.map((group) => (
							<Group key={keyOf(group)} group={group} revision={items} onDone={groups.reload} />
						))}
					</ul>
				)}
			</Panel>
		</div>
	);
}

function keyOf({ code, method, kind }: DeadGroup): string {
	return `${code}.${kind}.${method}`;
}

function Group({ group, revision, onDone }: { group: DeadGroup; revision: unknown; onDone: () => void }) {
	const deed = useSignal<Deed | undefined>(undefined);
	const key = keyOf(group);
	const isOpen = query.value.get('open') === key;
	const { code, method, kind, message, count: amount, nodes, latestAt, replayable } = group;
	return (
		<li class="group-item">
			<div class="group-line">
				<button
					type="button"
					class="group-open"
					aria-expanded={isOpen}
					onClick={() => setQuery({ open: isOpen ? '' : key })}
				>
					<Icon name="chevron" size={12} />
					<span class="group-count">{count(amount)}</span>
					<span class="group-what">
						<span class="group-title">
							{code} <span class="muted">of {kind === 'event' ? `event ${method}` : method}</span>
						</span>
						<span class="group-message muted">{message}</span>
					</span>
				</button>
				<span class="group-where muted">
					{plural(nodes, 'node')}, latest <Time at={latestAt} />
				</span>
				<div class="group-buttons">
					<Button
						small
						icon="again"
						blocked={blocked.value || (replayable === 0 ? 'none of them can be sent again' : undefined)}
						onClick={() => (deed.value = 'replay')}
					>
						Send {replayable > 0 && count(replayable)} again
					</Button>
					<Button
						small
						kind="danger"
						icon="bin"
						label={`Throw away all ${amount}: ${code} of ${method}`}
						blocked={blocked.value || undefined}
						onClick={() => (deed.value = 'discard')}
					/>
				</div>
			</div>
			{isOpen && <Letters of={group} revision={revision} onDone={onDone} />}
			{deed.value && (
				<DeedDialog
					deed={deed.value}
					meant={{ filter: filterOfGroup(group) }}
					onClose={() => (deed.value = undefined)}
					onDone={onDone}
				/>
			)}
		</li>
	);
}
