/**
 * Owns a command's output on the page: its lines as they come, following, searching, one stream or both.
 * Promises that what costs is what is seen, however much came, that it says what is not shown, and that it sticks to the end until
 * somebody scrolls away.
 * Begins anew after the connection was lost, because nobody knows what came meanwhile.
 */

import { useSignal, useSignalEffect } from '@preact/signals';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import type { LogPieceView } from '../../../domain/view-schema.ts';
import { connection } from '../live.ts';
import { Button } from '../ui/button.tsx';
import { Icon } from '../ui/icon.tsx';
import { Chip } from '../ui/search-box.tsx';
import { count, plural } from '../words.ts';
import { followOutput } from './follow.ts';
import { OutputLines } from './lines.tsx';
import '../command/bare-set.css';
import './output.css';
import { OutputScreen } from './screen.ts';
import { linesWith, nextHit } from './search.ts';

/** What there is of it has come by then. */
const readingMs = 1000;

type Shown = 'both' | 'stdout' | 'stderr';

export function OutputView({ handle, ended }: { handle: string; ended: boolean }) {
	const screen = useRef(new OutputScreen());
	const shownHandle = useRef(handle);
	/** One more with each drawing that is due. */
	const revision = useSignal(0);
	const end = useSignal<LogPieceView | undefined>(undefined);
	const failure = useSignal('');
	const shown = useSignal<Shown>('both');
	const following = useSignal(true);
	const words = useSignal('');
	const present = useSignal<number | undefined>(undefined);
	const attempt = useSignal(0);
	/** Long enough for what there is to have begun. */
	const waited = useSignal(false);

	useEffect(() => {
		const reading = new AbortController();
		const fresh = new OutputScreen();
		end.value = undefined;
		waited.value = false;
		const timer = setTimeout(() => (waited.value = true), readingMs);
		let frame = 0;
		// What was seen stays in sight until as much was read again.
		const swap = () => {
			if (fresh.total >= screen.current.total || end.value) screen.current = fresh;
			revision.value += 1;
		};
		if (shownHandle.current !== handle) screen.current = fresh;
		shownHandle.current = handle;
		const onChange = () => {
			frame ||= requestAnimationFrame(() => {
				frame = 0;
				swap();
			});
		};
		followOutput(handle, fresh, { signal: reading.signal, onChange }).then(
			(last) => {
				end.value = last;
				failure.value = last ? '' : 'The server ended before the output did.';
				swap();
			},
			(error: unknown) => {
				if (!reading.signal.aborted) failure.value = error instanceof Error ? error.message : String(error);
			},
		);
		return () => {
			reading.abort();
			clearTimeout(timer);
			cancelAnimationFrame(frame);
		};
	}, [handle, attempt.value]);

	// What was cut off is read again as soon as the server is heard again.
	useSignalEffect(() => {
		if (connection.value.state !== 'live' || failure.value === '') return;
		failure.value = '';
		attempt.value += 1;
	});

	const all = screen.current.lines;
	const drawn = revision.value;
	const lines = useMemo(
		() => (shown.value === 'both' ? all : all.filter(({ from }) => from === shown.value || from === 'note')),
		[drawn, shown.value, all],
	);
	const hits = useMemo(() => linesWith(lines, words.value), [drawn, lines, words.value]);
	const step = (by: 1 | -1) => {
		present.value = nextHit(hits, present.value, by);
		if (present.value !== undefined) following.value = false;
	};
	const isEmpty = all.length === 0;
	const isReading = isEmpty && !end.value && failure.value === '' && (ended || !waited.value);
	return (
		<div class="output">
			<div class="output-bar">
				<fieldset class="chips bare-set">
					<legend class="hidden-text">Which output</legend>
					{(['both', 'stdout', 'stderr'] as const).map((one) => (
						<Chip key={one} pressed={shown.value === one} onPress={() => (shown.value = one)}>
							{one}
						</Chip>
					))}
				</fieldset>
				<input
					class="input output-search"
					type="search"
					value={words.value}
					placeholder="Search in the output"
					data-search
					aria-label="Search in the output"
					autoComplete="off"
					spellcheck={false}
					onInput={(event) => {
						words.value = event.currentTarget.value;
						present.value = undefined;
					}}
					onKeyDown={(event) => {
						if (event.key !== 'Enter') return;
						event.preventDefault();
						step(event.shiftKey ? -1 : 1);
					}}
				/>
				<Button small kind="quiet" icon="up" label="Previous line with it" onClick={() => step(-1)} />
				<Button small kind="quiet" icon="down" label="Next line with it" onClick={() => step(1)} />
				<span class="output-hits" aria-live="polite">
					{words.value === '' ? '' : hitWords(hits, present.value)}
				</span>
				<div class="end">
					{!end.value && (
						<Button
							small
							aria-pressed={following.value}
							icon="down"
							onClick={() => (following.value = !following.value)}
						>
							Follow
						</Button>
					)}
					<Download handle={handle} stream="stdout" />
					<Download handle={handle} stream="stderr" />
				</div>
			</div>
			{screen.current.dropped > 0 && (
				<p class="output-note">
					Shown are the last {plural(screen.current.dropped === 0 ? 0 : all.length, 'line')};{' '}
					{count(screen.current.dropped)} before them are not kept in this tab. Download for all of it.
				</p>
			)}
			<div class="output-frame" aria-busy={isReading}>
				{isEmpty ? (
					<p class="output-empty output-lines">{emptyWords(end.value, isReading, failure.value)}</p>
				) : (
					<OutputLines
						lines={lines}
						revision={drawn}
						words={words.value}
						present={present.value}
						following={following.value}
						onFollow={(follow) => {
							following.value = follow;
						}}
					/>
				)}
			</div>
			{failure.value !== '' && !isEmpty && (
				<p class="output-note">{failure.value} It is read again when the connection is back.</p>
			)}
			{end.value?.complete === false && (
				<p class="output-note">Something may be missing: its end was not heard.</p>
			)}
		</div>
	);
}

/** All of one stream, as a file: the browser writes it as it comes, whatever its size. */
function Download({ handle, stream }: { handle: string; stream: 'stdout' | 'stderr' }) {
	return (
		<a
			class="button quiet small"
			href={`/api/v1/commands/${encodeURIComponent(handle)}/output?stream=${stream}&download=true`}
			download
		>
			<Icon name="download" size={14} />
			{stream}
			<span class="hidden-text"> as a file</span>
		</a>
	);
}

function hitWords(hits: readonly number[], present: number | undefined): string {
	if (hits.length === 0) return 'not found';
	const at = present === undefined ? -1 : hits.indexOf(present);
	return at < 0 ? plural(hits.length, 'line') : `${count(at + 1)} of ${plural(hits.length, 'line')}`;
}

function emptyWords(end: LogPieceView | undefined, isReading: boolean, failure: string): string {
	if (failure !== '') return failure;
	if (end) return 'It said nothing.';
	return isReading ? 'Reading its output …' : 'Nothing yet: what it says appears here as it comes.';
}
