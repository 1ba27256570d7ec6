/**
 * Owns the letters of one fault: a list that grows by pages, each with its message when it is opened, and those that are chosen.
 * Promises that one which was sent again says as what. Keeps what was loaded as long as the fault is open.
 */

import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { DeadLetterView } from '../../../domain/dead-view-schema.ts';
import type { DeadGroup } from '../../../domain/many-view-schema.ts';
import { ApiError, api } from '../api.ts';
import { blocked } from '../blocked.ts';
import { commandPath } from '../command/act.tsx';
import { faultFact, lineageFact } from '../command/facts.tsx';
import { useLoad, useReturn } from '../load.ts';
import { Link } from '../route.tsx';
import { Banner } from '../ui/banner.tsx';
import { Button } from '../ui/button.tsx';
import { Icon } from '../ui/icon.tsx';
import { LongText } from '../ui/long-text.tsx';
import { Facts, Skeleton } from '../ui/panel.tsx';
import { Time } from '../ui/time.tsx';
import { count, plural } from '../words.ts';
import { type Deed, DeedDialog, filterOfGroup } from './act.tsx';

type Page = { readonly items: readonly DeadLetterView[]; readonly next: string | null };

/** @param revision Of the groups: when it changes, the letters are read again. */
export function Letters({
	of: group,
	revision,
	onDone,
}: {
	of: DeadGroup;
	revision: unknown;
	onDone: () => void;
}) {
	const items = useSignal<readonly DeadLetterView[] | undefined>(undefined);
	const next = useSignal<string | null>(null);
	const failure = useSignal('');
	const chosen = useSignal<ReadonlySet<number>>(new Set());
	const deed = useSignal<Deed | undefined>(undefined);
	const missed = useRef(false);
	const asked = new URLSearchParams({ ...filterOfGroup(group), limit: '50' });

	async function load(cursor: string | null): Promise<void> {
		try {
			const page = await api<Page>(
				`/dead?${asked}${cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`}`,
			);
			items.value = cursor === null ? page.items : [...(items.value ?? []), ...page.items];
			next.value = page.next;
			failure.value = '';
			missed.current = false;
		} catch (error) {
			if (!(error instanceof ApiError)) throw error;
			failure.value = error.message;
			missed.current = true;
		}
	}

	useEffect(() => {
		load(null);
	}, [revision]);
	useReturn(missed, () => load(null));

	const shown = items.value;
	if (!shown)
		return (
			<div class="letters-wait">
				{failure.value === '' ? <Skeleton lines={3} /> : <Banner tone="bad">{failure.value}</Banner>}
			</div>
		);
	const picked = shown.filter(({ seq }) => chosen.value.has(seq));
	const toggle = (seq: number) => {
		const changed = new Set(chosen.value);
		if (!changed.delete(seq)) changed.add(seq);
		chosen.value = changed;
	};
	return (
		<div class="letters">
			{failure.value !== '' && <Banner tone="bad">{failure.value}</Banner>}
			<ul aria-label={`Letters: ${group.code} of ${group.method}`}>
				{shown.map((letter) => (
					<Letter
						key={letter.seq}
						letter={letter}
						isChosen={chosen.value.has(letter.seq)}
						onChoose={() => toggle(letter.seq)}
					/>
				))}
			</ul>
			<div class="letters-foot">
				{next.value !== null && (
					<Button small onClick={() => load(next.value)}>
						Show more
					</Button>
				)}
				{picked.length > 0 && (
					<>
						<strong>{plural(picked.length, 'letter')} selected</strong>
						<Button
							small
							icon="again"
							blocked={blocked.value || undefined}
							onClick={() => (deed.value = 'replay')}
						>
							Send {count(picked.length)} again
						</Button>
						<Button
							small
							kind="danger"
							icon="bin"
							blocked={blocked.value || undefined}
							onClick={() => (deed.value = 'discard')}
						>
							Throw {count(picked.length)} away
						</Button>
					</>
				)}
			</div>
			{deed.value && (
				<DeedDialog
					deed={deed.value}
					meant={{ seqs: picked.map(({ seq }) => seq) }}
					onClose={() => (deed.value = undefined)}
					onDone={() => {
						chosen.value = new Set();
						load(null);
						onDone();
					}}
				/>
			)}
		</div>
	);
}

function Letter({
	letter,
	isChosen,
	onChoose,
}: {
	letter: DeadLetterView;
	isChosen: boolean;
	onChoose: () => void;
}) {
	const isOpen = useSignal(false);
	const { handle, node, id, at, attempts, replayed } = letter;
	return (
		<li class="letter">
			<div class="letter-line">
				<input
					type="checkbox"
					aria-label={`Select the letter of ${handle}`}
					checked={isChosen}
					onChange={onChoose}
				/>
				<button
					type="button"
					class="letter-open"
					aria-expanded={isOpen.value}
					onClick={() => (isOpen.value = !isOpen.value)}
				>
					<Icon name="chevron" size={12} />
					<span class="letter-node clip">{node}</span>
					<span class="mono faint clip letter-id">{id}</span>
				</button>
				<span class="muted letter-attempts">
					{attempts === 0 ? 'never started' : plural(attempts, 'attempt')}
				</span>
				{replayed && <span class="tag">sent again</span>}
				<Time at={at} class="muted letter-at" />
			</div>
			{isOpen.value && <WholeLetter seq={letter.seq} />}
		</li>
	);
}

function WholeLetter({ seq }: { seq: number }) {
	const loaded = useLoad<DeadLetterView>(`/dead/${seq}`);
	const letter = loaded.data.value;
	if (!letter) {
		const failure = loaded.error.value;
		return (
			<div class="letter-whole">
				{failure ? <p class="tone-bad wrap">{failure.message}</p> : <Skeleton lines={4} />}
			</div>
		);
	}
	const { handle, kind, sender, at, fault, lineage, message, kept, characters, replayed } = letter;
	return (
		<div class="letter-whole">
			<Facts
				of={[
					[
						kind === 'command' ? 'Command' : 'Event',
						kind === 'command' ? (
							<Link key="handle" to={commandPath(handle)}>
								{handle}
							</Link>
						) : (
							handle
						),
					],
					faultFact(fault),
					['Sent by', <LongText key="sender">{sender}</LongText>],
					['Taken out', <Time key="at" at={at} form="absolute" />],
					lineage ? lineageFact(lineage) : null,
					replayed
						? [
								'Sent again',
								<span key="as">
									as <Link to={commandPath(replayed.as)}>{replayed.as}</Link> by {replayed.by},{' '}
									<Time at={replayed.at} />
								</span>,
							]
						: null,
				]}
			/>
			{message === null ? (
				<p class="muted">Its message is gone.</p>
			) : (
				// biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reachable by the keyboard
				<section class="json-text" tabIndex={0} aria-label="Its message">
					<pre>{pretty(message)}</pre>
				</section>
			)}
			{kept === 'beginning' && (
				<p class="tone-warn">
					Only its beginning is kept, of {count(characters ?? 0)} characters: it cannot be sent again.
				</p>
			)}
		</div>
	);
}

function pretty(message: string): string {
	try {
		return JSON.stringify(JSON.parse(message), null, 2);
	} catch {
		return message;
	}
}
