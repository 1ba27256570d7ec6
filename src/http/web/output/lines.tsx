/**
 * Owns the window on the lines of an output: those in sight are elements, the others are room.
 * Promises that what is read stays where it is while more comes or the oldest go, and that the end stays in sight while it follows.
 * Keeps the place of the scroll bar only.
 */

import { useSignal } from '@preact/signals';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { Button } from '../ui/button.tsx';
import type { Line } from './screen.ts';
import { markWords } from './search.ts';
import { cssOf } from './style.ts';

/** As in output.css. */
const lineHeight = 19;
const padding = 8;
/** Lines above and below what is in sight. */
const spare = 20;

export function OutputLines({
	lines,
	revision,
	words,
	present,
	following,
	onFollow,
}: {
	lines: readonly Line[];
	revision: number;
	words: string;
	present: number | undefined;
	following: boolean;
	onFollow: (follow: boolean) => void;
}) {
	const box = useRef<HTMLDivElement>(null);
	const top = useSignal(0);
	const height = useSignal(600);
	const first = useRef(0);

	useLayoutEffect(() => {
		const element = box.current;
		if (!element) return;
		height.value = element.clientHeight;
		const gone = (lines[0]?.number ?? 0) - first.current;
		first.current = lines[0]?.number ?? 0;
		if (following) element.scrollTop = element.scrollHeight;
		else if (gone > 0 && first.current !== gone) element.scrollTop -= gone * lineHeight;
		top.value = element.scrollTop;
	}, [revision, lines, following]);

	useLayoutEffect(() => {
		const element = box.current;
		if (!element || present === undefined) return;
		const at = lines.findIndex(({ number }) => number === present);
		const place = at * lineHeight;
		const isSeen =
			place >= element.scrollTop && place < element.scrollTop + element.clientHeight - lineHeight * 2;
		if (at >= 0 && !isSeen) element.scrollTop = place - element.clientHeight / 2;
	}, [present]);

	const from = Math.max(0, Math.floor(top.value / lineHeight) - spare);
	const to = Math.min(lines.length, Math.ceil((top.value + height.value) / lineHeight) + spare);
	return (
		<>
			<div
				ref={box}
				class="output-lines"
				// biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reachable by the keyboard
				tabIndex={0}
				role="log"
				aria-label="Output"
				aria-live="off"
				onScroll={(event) => {
					const element = event.currentTarget;
					const isBack = element.scrollTop < top.value;
					top.value = element.scrollTop;
					const isAtEnd = element.scrollHeight - element.scrollTop - element.clientHeight < lineHeight;
					if (isAtEnd && !following) onFollow(true);
					else if (!isAtEnd && isBack && following) onFollow(false);
				}}
			>
				<div class="output-room" style={{ height: `${lines.length * lineHeight + 2 * padding}px` }}>
					{lines.slice(from, to).map((line, index) => (
						<OutputLine
							key={line.number}
							line={line}
							top={(from + index) * lineHeight + padding}
							words={words}
							isPresent={line.number === present}
						/>
					))}
				</div>
			</div>
			{!following && (
				<div class="output-jump">
					<Button small icon="down" onClick={() => onFollow(true)}>
						To the end
					</Button>
				</div>
			)}
		</>
	);
}

function OutputLine({
	line,
	top,
	words,
	isPresent,
}: {
	line: Line;
	top: number;
	words: string;
	isPresent: boolean;
}) {
	return (
		<div class={`output-line from-${line.from}${isPresent ? ' present' : ''}`} style={{ top: `${top}px` }}>
			<span class="output-number" aria-hidden="true">
				{line.from === 'note' ? '–' : line.number}
			</span>
			<span>
				{line.from === 'stderr' && <span class="hidden-text">stderr: </span>}
				{markWords(line, words).map(({ text, style, hit }, index) => {
					const css = cssOf(style);
					const key = index;
					return hit ? (
						<mark key={key} class={css.class} style={css.style}>
							{text}
						</mark>
					) : (
						<span key={key} class={css.class} style={css.style}>
							{text}
						</span>
					);
				})}
			</span>
		</div>
	);
}
