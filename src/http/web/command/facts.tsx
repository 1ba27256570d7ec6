/**
 * Owns the facts about one command: who sent it, by when it starts, how it failed, what it was made from.
 * Promises that what is not so is left out. Keeps nothing.
 */

import type { ComponentChildren } from 'preact';
import type { CommandView } from '../../../domain/view-schema.ts';
import { Link } from '../route.tsx';
import { LongText } from '../ui/long-text.tsx';
import { Facts } from '../ui/panel.tsx';
import { Time } from '../ui/time.tsx';
import { longDuration } from '../words.ts';
import { commandPath } from './act.tsx';
import { Deadline } from './life.tsx';

export function CommandFacts({ view }: { view: CommandView }) {
	const { lineage, schedule, fault, closed } = view;
	return (
		<Facts
			of={[
				fault ? faultFact(fault) : null,
				closed
					? ['Closed', <LongText key="closed">{`${closed.reason}, by ${closed.actor}`}</LongText>]
					: null,
				['Sent by', <LongText key="sender">{view.sender}</LongText>],
				['Lane', view.lane],
				view.notBefore ? ['Due', <Time key="due" at={view.notBefore} />] : null,
				view.kind === 'command' ? ['Start by', <Deadline key="deadline" view={view} />] : null,
				view.runForMs === null ? null : ['Longest run', longDuration(view.runForMs)],
				view.attempt > 0 ? ['Attempts', String(view.attempt)] : null,
				view.nextAttemptAt ? ['Next attempt', <Time key="next" at={view.nextAttemptAt} />] : null,
				view.signature === 'held' ? ['Signature', 'its node signed, and that holds'] : null,
				lineage ? lineageFact(lineage) : null,
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

type Fact = readonly [name: string, value: ComponentChildren];

export function faultFact({ code, message }: { readonly code: string; readonly message: string }): Fact {
	return [
		'Fault',
		<LongText key="fault">
			<span class="tag">{code}</span> {message}
		</LongText>,
	];
}

export function lineageFact({ kind, of }: NonNullable<CommandView['lineage']>): Fact {
	return [
		kind === 'retry' ? 'Retry of' : 'Replay of',
		<Link key="of" to={commandPath(of)}>
			{of}
		</Link>,
	];
}
