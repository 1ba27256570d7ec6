/**
 * Owns the answer to why a command is where it is, as the page says it.
 * Promises moments in the browser's clock, and that what runs counts on by itself. Keeps nothing.
 */

import type { CommandView, WhyView } from '../../../domain/view-schema.ts';
import { LongText } from '../ui/long-text.tsx';
import { Skeleton } from '../ui/panel.tsx';
import { Elapsed, Time } from '../ui/time.tsx';
import { longDuration } from '../words.ts';

const moment = /(\d{4}-\d\d-\d\dT[\d:.]+Z)/;

export function Why({ why, view }: { why: WhyView | undefined; view: CommandView }) {
	const runs = view.state === 'running' && why?.cause === 'running' ? view.attempts.at(-1) : undefined;
	return (
		<div class="why live">
			<div aria-live="polite">
				{runs ? (
					<>
						It has run for <Elapsed since={runs.startedAt} />
						{view.runForMs !== null && ` of ${longDuration(view.runForMs)} at the most`}
						{runs.attempt > 1 && `, attempt ${runs.attempt}`}.
					</>
				) : why ? (
					<Sentence text={why.sentence} />
				) : (
					<Skeleton lines={1} />
				)}
			</div>
			{why && why.notes.length > 0 && (
				<ul class="why-notes">
					{why.notes.map((note) => (
						<li key={note}>
							<Sentence text={asSentence(note, view.node)} />
						</li>
					))}
				</ul>
			)}
		</div>
	);
}

/** Notes are parts of a line elsewhere. A name stays as it is. */
function asSentence(note: string, node: string): string {
	const begun = note.startsWith(node) ? note : `${note.charAt(0).toUpperCase()}${note.slice(1)}`;
	return /[.!?]$/.test(begun) ? begun : `${begun}.`;
}

function Sentence({ text }: { text: string }) {
	const parts = text.split(moment).filter((part) => part !== '');
	return (
		<LongText>
			{parts.map((part) => (moment.test(part) ? <Time key={part} at={part} form="absolute" /> : part))}
		</LongText>
	);
}
